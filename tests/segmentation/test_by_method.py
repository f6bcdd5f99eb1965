"""Plain values become the settings of a method, and one verb takes them all."""

import numpy as np
import pytest

from poroscale.engine import volume_from_array
from poroscale.segmentation import (
    ByNetworkConfig,
    LocalConfig,
    OtsuConfig,
    PostprocessConfig,
    ScoresConfig,
    WindowsConfig,
    segment_config_of,
    segment_scan,
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"model": "default"}, ByNetworkConfig()),
        ({"method": "otsu", "model": None}, OtsuConfig()),
        (
            {"model": "m", "close_um": 3, "threshold": "yen", "hysteresis": 0.1},
            ByNetworkConfig(
                scores=ScoresConfig(close_um=3, threshold="yen", hysteresis=0.1), model="m"
            ),
        ),
        (
            {
                "model": "m",
                "windows": {"overlap": 4},
                "postprocess": {"weight": 2},
                "scores": {"min_voxels": 3, "close_um": 5},
                "close_um": 7,
            },
            ByNetworkConfig(
                WindowsConfig(overlap=4),
                PostprocessConfig(weight=2),
                ScoresConfig(min_voxels=3, close_um=7),
                "m",
            ),
        ),
        (
            {"model": "m", "outside": ["z-"], "scores": {"outside": {"gaussian_um": 4}}},
            ByNetworkConfig(
                scores=ScoresConfig(outside=OtsuConfig(gaussian_um=4, outside=("z-",))), model="m"
            ),
        ),
    ],
)
def test_values_of_a_network(values, expected):
    assert segment_config_of(values) == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "default", "method": "otsu"}, "`method` must be left out with a `model`"),
        ({"model": 3}, "model must be a folder or default, got 3"),
        (
            {"model": "default", "inner_threshold": 3},
            "`inner_threshold` must come with the method otsu or iso50, got a `model`",
        ),
        (
            {"model": "default", "min_diameter_um": 3},
            "`min_diameter_um` must come with the method auto, got a `model`",
        ),
        ({"threshold": 0.5}, "`threshold` must come with a `model`, got the method auto"),
        (
            {"method": "otsu", "windows": {}},
            "`windows` must come with a `model`, got the method otsu$",
        ),
        ({"hysteresis": 5}, "with the method otsu or iso50 or a `model`, got the method auto"),
        (
            {"model": "default", "min_voxel": 3},
            "unknown key 'min_voxel'.*first: min_voxels",
        ),
        ({"model": "default", "outside": "auto"}, "outside must be corners, none or faces"),
        ({"model": "default", "windows": 3}, "windows must be a section with settings, got 3"),
        ({"model": "default", "threshold": 2}, "threshold must be above 0 and at most 1"),
    ],
)
def test_settings_that_do_not_belong_to_a_network(values, message):
    with pytest.raises(ValueError, match=message):
        segment_config_of(values)


@pytest.mark.parametrize(
    ("config", "kept", "message"),
    [
        (OtsuConfig(), "shares", "`shares` must come with the method auto"),
        (ByNetworkConfig(), "shares", "`shares` must come with the method auto"),
        (LocalConfig(), "scores", "`scores` must come with a `model`"),
        (None, "scores", "`scores` must come with a `model`"),
    ],
)
def test_what_a_method_does_not_have_is_not_kept(config, kept, message, tmp_path):
    scan = volume_from_array(np.zeros((4, 4, 4), np.uint8), tmp_path / "scan.zarr")
    out = tmp_path / "phases.zarr"
    with pytest.raises(ValueError, match=message):
        segment_scan(scan, out, config=config, **{kept: tmp_path / "kept.zarr"})
    assert not out.exists()


def test_a_model_that_does_not_open_costs_one_sentence(tmp_path):
    grey = np.random.default_rng(0).integers(0, 60000, (8, 8, 8)).astype(np.uint16)
    scan = volume_from_array(grey, tmp_path / "scan.zarr")
    config = ByNetworkConfig(model=tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="none is no folder of a segmentation model"):
        segment_scan(scan, tmp_path / "phases.zarr", config=config)
    assert not (tmp_path / "phases.zarr.work").exists()
