import h5py
import numpy as np
import pandas as pd
import pytest

from poroscale.engine import volume_from_array
from poroscale.io.write.export import ExportConfig, export
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


def test_labels_can_be_coloured_by_a_column_of_their_table(tmp_path):
    labels = np.zeros((4, 5, 6), np.int32)
    labels[1, 1:3, 2], labels[3, 4, 5] = 1, 2
    spec = VolumeSpec(labels.shape, labels.dtype, (2.0, 2.0, 2.0))
    volume = volume_from_array(labels, tmp_path / "labels.zarr", spec=spec)
    table = tmp_path / "pores.parquet"
    pd.DataFrame({"label": [1, 2], "equivalent_diameter_um": [3.5, 2.5]}).to_parquet(table)
    written = export(volume, tmp_path / "labels.vtkhdf", config=ExportConfig(table=str(table)))
    with h5py.File(written, "r") as file:
        cells = file["VTKHDF/CellData"]
        np.testing.assert_array_equal(cells["voxels"], labels)
        expected = np.array([0, 3.5, 2.5], np.float32)[labels]
        np.testing.assert_array_equal(cells["equivalent_diameter_um"], expected)


def test_labels_must_be_those_of_the_table(tmp_path):
    labels = np.full((3, 3, 3), 7, np.int32)
    spec = VolumeSpec(labels.shape, labels.dtype, (2.0, 2.0, 2.0))
    volume = volume_from_array(labels, tmp_path / "labels.zarr", spec=spec)
    table = tmp_path / "pores.parquet"
    pd.DataFrame({"label": [1, 2], "equivalent_diameter_um": [3.5, 2.5]}).to_parquet(table)
    config = ExportConfig(table=str(table))
    with pytest.raises(ValueError, match="got 7 where its last label is 2"):
        export(volume, tmp_path / "a.vtkhdf", config=config)
    with pytest.raises(ValueError, match="must have a column 'colour'"):
        export(
            volume, tmp_path / "a.vtkhdf", config=config.model_copy(update={"columns": ("colour",)})
        )
    with pytest.raises(ValueError, match="for the format vtkhdf of labels"):
        export(volume, tmp_path / "a.tif", config=config)
    assert not list(tmp_path.glob("*a.*"))
