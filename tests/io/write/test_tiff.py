import numpy as np
import pytest
import tifffile

from poroscale.io.write.tiff import _CLASSIC_LIMIT, tiff_target, write_tiff


def test_imagej_sees_slices_unit_and_spacing(tmp_path, voxels):
    from dataclasses import replace

    from poroscale.engine import Run
    from poroscale.io.opening import open_source

    np.save(tmp_path / "scan.npy", voxels())
    source = replace(open_source(tmp_path / "scan.npy"), voxel_size=(10.0, 3.5, 4.87))
    write_tiff(source, tmp_path / "out.tif", Run())
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        said = file.imagej_metadata
        assert (said["slices"], said["unit"], said["spacing"]) == (7, "um", 10.0)
        x = file.pages.first.tags["XResolution"].value
        assert x[1] / x[0] == pytest.approx(4.87, rel=1e-8)
        np.testing.assert_array_equal(file.asarray(), voxels())


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [(np.uint8, "imagej"), (np.float32, "imagej"), (np.int32, "ome"), (np.uint64, "plain")],
)
def test_the_richest_description_that_knows_the_dtype(tmp_path, dtype, kind):
    target = tiff_target(tmp_path / "a.tif", (3, 8, 9), np.dtype(dtype), voxel_size=(1, 1, 1))
    target.reserve()
    with tifffile.TiffFile(target.path) as file:
        assert (file.is_imagej, file.is_ome, file.is_bigtiff) == (
            kind == "imagej",
            kind == "ome",
            kind != "imagej",
        )


def test_beyond_four_gigabytes_it_is_a_bigtiff(tmp_path):
    edge = 1 << 16
    shape = (1, edge, -(-_CLASSIC_LIMIT // edge))
    target = tiff_target(tmp_path / "big.tif", shape, np.dtype(np.uint8), voxel_size=(1, 1, 1))
    with tifffile.TiffFile(target.path) as file:
        assert file.is_bigtiff
        assert file.series[0].shape[-2:] == shape[1:]
