import h5py
import numpy as np

from poroscale.engine import volume_from_array
from poroscale.io.export import export
from poroscale.volume import VolumeSpec


def test_the_layout_that_vtk_documents(tmp_path, voxels):
    spec = VolumeSpec((7, 11, 13), np.dtype("u2"), (10.0, 3.5, 4.0), origin=(2, 3, 4))
    volume = volume_from_array(voxels(), tmp_path / "scan.zarr", spec=spec)
    with h5py.File(export(volume, tmp_path / "scan.vtkhdf"), "r") as file:
        root = file["VTKHDF"]
        kind = root.attrs.get_id("Type").get_type()
        assert root.attrs["Type"] == b"ImageData"
        assert not kind.is_variable_str()
        assert root.attrs["Version"].tolist() == [1, 0]
        assert root.attrs["WholeExtent"].tolist() == [0, 13, 0, 11, 0, 7]
        assert root.attrs["Spacing"].tolist() == [4.0, 3.5, 10.0]
        assert root.attrs["Origin"].tolist() == [16.0, 10.5, 20.0]
        assert root.attrs["Direction"].tolist() == np.eye(3).ravel().tolist()
        cells = root["CellData"]
        assert cells["voxels"].attrs["Attribute"] == b"Scalars"
        np.testing.assert_array_equal(cells["voxels"], voxels())


def test_vtk_reads_it(tmp_path, voxels):
    import pytest

    vtk = pytest.importorskip("vtkmodules.vtkIOHDF", reason="VTK is not installed")
    from vtkmodules.util.numpy_support import vtk_to_numpy

    spec = VolumeSpec((7, 11, 13), np.dtype("u2"), (10.0, 3.5, 4.0))
    volume = volume_from_array(voxels(), tmp_path / "scan.zarr", spec=spec)
    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(export(volume, tmp_path / "scan.vtkhdf")))
    reader.Update()
    image = reader.GetOutput()
    assert image.GetDimensions() == (14, 12, 8)
    assert image.GetBounds() == (0.0, 52.0, 0.0, 38.5, 0.0, 70.0)
    data = vtk_to_numpy(image.GetCellData().GetScalars()).reshape(7, 11, 13)
    np.testing.assert_array_equal(data, voxels())
