import numpy as np
import pytest
from PIL import Image

from poroscale.io.opening import open_source

LOG = (
    "[System]\nScanner=Skyscan1172\n[Acquisition]\nImage Pixel Size (um)={acquired}\n"
    "[Reconstruction]\n{more}\n"
)


def folder_of(path, array, *, log="", suffix=".bmp", name="part__rec"):
    path.mkdir()
    for z, plane in enumerate(array):
        Image.fromarray(plane).save(path / f"{name}{z:08d}{suffix}")
    Image.fromarray(array[0, :5]).save(path / f"{name}_spr{suffix}")
    if log:
        (path / f"{name}.log").write_text(log, encoding="latin-1")
    return path


@pytest.mark.parametrize("suffix", [".bmp", ".png", ".tif"])
def test_the_preview_is_no_slice_and_the_log_has_the_size(tmp_path, voxels, reads_like, suffix):
    log = LOG.format(acquired="9.74", more="Pixel Size (um)=4.87")
    array = voxels(np.uint8)
    source = open_source(folder_of(tmp_path / "scan", array, log=log, suffix=suffix))
    assert source.voxel_size == (4.87, 4.87, 4.87)
    reads_like(source, array, examples=4)


def test_a_preview_of_another_kind(tmp_path, voxels):
    folder = folder_of(tmp_path / "scan", voxels(np.uint8))
    (folder / "part__rec_spr.bmp").unlink()
    Image.fromarray(voxels(np.uint8)[0]).save(folder / "part__rec_spr.tif")
    assert open_source(folder).shape == (7, 11, 13)


def test_the_size_of_the_acquisition_where_there_is_no_other(tmp_path, voxels):
    log = LOG.format(acquired="9,74", more="Program=NRecon")
    assert open_source(folder_of(tmp_path / "scan", voxels(np.uint8), log=log)).voxel_size == (
        (9.74,) * 3
    )


def test_the_log_of_the_series_counts(tmp_path, voxels):
    folder = folder_of(tmp_path / "scan", voxels(np.uint8), log=LOG.format(acquired=5, more=""))
    (folder / "part_.log").write_text(LOG.format(acquired=7, more=""))
    with pytest.raises(ValueError, match=r"scan: its logs state several pixel sizes"):
        open_source(folder)
    (folder / "part_.log").rename(folder / "other.log")
    assert open_source(folder).voxel_size == (5.0, 5.0, 5.0)


@pytest.mark.parametrize("log", ["no log of a scanner", "[Acquisition]\nnothing=1\n"])
def test_other_logs_are_left_alone(tmp_path, voxels, log):
    assert open_source(folder_of(tmp_path / "scan", voxels(np.uint8), log=log)).voxel_size is None


def test_a_size_that_is_none_names_the_log(tmp_path, voxels):
    folder = folder_of(tmp_path / "scan", voxels(np.uint8), log=LOG.format(acquired="x", more=""))
    with pytest.raises(ValueError, match=r"part__rec\.log: the pixel size must be a number"):
        open_source(folder)
