"""Roughness of a height map: levelled, what was not measured left out, filtered."""

import json

import numpy as np
import pytest

from poroscale.manifest import Manifest
from poroscale.surfaces import SurfaceConfig, measure_heights
from poroscale.volume import Volume

PITCH = (2.0, 1.0)


def tilted_sine(rows=64, columns=128, *, wave=32.0):
    """A wave of amplitude 3 um along x, even about the middle, on a tilted plane."""
    y, x = np.mgrid[:rows, :columns].astype(float)
    heights = 3 * np.cos(2 * np.pi * (x - (columns - 1) / 2) * PITCH[1] / wave)
    return (heights + 7 + 0.2 * y - 0.1 * x).astype(np.float32)


def test_a_sine_on_a_tilted_plane(tmp_path):
    heights = tilted_sine()
    heights[10:14, 20:24] = np.nan
    found = measure_heights(heights, PITCH, tmp_path / "out")
    (values,) = found.roughness["faces"]
    assert values["Sq"] == pytest.approx(3 / np.sqrt(2), rel=0.02)
    assert found.roughness["flagged_share"] == pytest.approx(16 / heights.size)
    flags = found.flags.read()[0]
    np.testing.assert_array_equal(flags == 4, np.isnan(heights))
    levelled = found.heights.read()[0]
    assert np.isfinite(levelled).all()
    assert abs(levelled[flags == 0].mean()) < 1e-3
    assert found.heights.voxel_size == (1.0, 2.0, 1.0)
    assert "height map, 64 x 128 of 2 x 1 um, 0.20 % not measured" in next(found.describe())


def test_long_waves_are_taken_off(tmp_path):
    config = SurfaceConfig(long_wave_um=8.0)
    found = measure_heights(tilted_sine(), PITCH, tmp_path / "out", config=config)
    assert found.roughness["faces"][0]["Sq"] < 0.3


def test_a_second_run_changes_nothing_and_other_heights_do(tmp_path):
    measure_heights(tilted_sine(), PITCH, tmp_path / "out")
    before = (tmp_path / "out" / "roughness.json").stat().st_mtime_ns
    measure_heights(tilted_sine(), PITCH, tmp_path / "out")
    assert (tmp_path / "out" / "roughness.json").stat().st_mtime_ns == before
    found = measure_heights(tilted_sine(wave=16.0), PITCH, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "roughness.json").read_text()) == found.roughness
    assert not list(Manifest.load(tmp_path / "out").problems(tmp_path / "out"))
    assert Volume.open(tmp_path / "out" / "heights.zarr").shape == (1, 64, 128)


def test_hardly_anything_measured(tmp_path):
    heights = np.full((8, 8), np.nan, np.float32)
    heights[0, :5] = 1
    with pytest.raises(ValueError, match="must have 16 measured heights, got 5"):
        measure_heights(heights, PITCH, tmp_path / "out")
