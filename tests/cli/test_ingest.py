"""`poroscale ingest` and `surface` with what a file cannot say by itself."""

import numpy as np

from poroscale.volume import Volume
from tests.io.test_height_map import al3d


def test_nan_is_refused_or_filled(poroscale, tmp_path):
    array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    array[1, 0, 0] = np.nan
    np.save(tmp_path / "scan.npy", array)
    call = ("ingest", tmp_path / "scan.npy", tmp_path / "out.zarr", "--voxel-size", 2)
    code, _, said = poroscale(*call)
    assert code == 2
    assert "NaN or infinity in slice 1; give the value to put there as --nan" in said
    assert poroscale(*call, "--nan", -1)[0] == 0
    np.testing.assert_array_equal(
        Volume.open(tmp_path / "out.zarr").read(), np.nan_to_num(array, nan=-1)
    )


def test_a_channel_of_an_array(poroscale, tmp_path):
    import zarr

    array = np.arange(120, dtype=np.uint8).reshape(2, 3, 4, 5)
    zarr.create_array(tmp_path / "scan.zarr", data=array, dimension_names=tuple("czyx"))
    call = ("ingest", tmp_path / "scan.zarr", tmp_path / "out.zarr", "--voxel-size", 2)
    code, _, said = poroscale(*call)
    assert code == 2
    assert "the axis c of 2 besides; choose one of 0 to 1 with --channel" in said
    assert poroscale(*call, "--channel", 1)[0] == 0
    np.testing.assert_array_equal(Volume.open(tmp_path / "out.zarr").read(), array[1])


def test_the_roughness_of_a_height_map(poroscale, tmp_path):
    heights = np.random.default_rng(1).normal(size=(40, 50)).astype(np.float32)
    path = al3d(tmp_path / "map.al3d", heights)
    code, shown, _ = poroscale("height-map", path, tmp_path / "out")
    assert code == 0
    assert "height map, 40 x 50 of 3 x 2 um, 0.00 % not measured" in shown
    assert "Sq 0.9" in shown or "Sq 1" in shown
    assert poroscale("verify", tmp_path / "out")[0] == 0
    code, _, said = poroscale("height-map", tmp_path / "gone.opd", tmp_path / "other")
    assert code == 2
    assert "gone.opd does not exist" in said
