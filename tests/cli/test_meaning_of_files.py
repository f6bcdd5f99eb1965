"""What `ingest` tells of a file that says more than its voxels."""

import numpy as np
import tifffile

from poroscale.volume import Volume


def test_a_reversed_scan_is_told_and_turned(poroscale, tmp_path):
    grey = np.random.default_rng(1).integers(0, 256, (4, 9, 12), np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", grey, photometric="miniswhite")
    out = tmp_path / "scan.zarr"
    code, shown, _ = poroscale(
        "ingest", tmp_path / "scan.tif", out, "--voxel-size", "2", "--invert"
    )
    assert code == 0
    assert "note: it stores white as zero" in shown
    np.testing.assert_array_equal(Volume.open(out).read(), 255 - grey)


def test_a_channel_is_chosen_or_refused_in_a_sentence(poroscale, tmp_path):
    colours = np.random.default_rng(2).integers(0, 256, (9, 12, 3), np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", colours, photometric="rgb")
    given = ("ingest", tmp_path / "scan.tif", tmp_path / "scan.zarr", "--voxel-size", "2")
    code, _, said = poroscale(*given)
    assert code == 2
    assert "choose a channel with --channel 0 to 2" in said
    code, _, said = poroscale(*given, "--channel", "green", "--overwrite")
    assert code == 2
    assert "'--channel': must be index or an integer, got 'green'" in said
    assert poroscale(*given, "--channel", "1", "--overwrite")[0] == 0
    np.testing.assert_array_equal(Volume.open(tmp_path / "scan.zarr").read()[0], colours[..., 1])
