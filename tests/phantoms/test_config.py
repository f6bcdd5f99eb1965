from __future__ import annotations

import pytest
from pydantic import ValidationError

from poroscale.phantoms.config import PhantomConfig


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"shape": (-1, 64, 64)}, "shape must be three positive numbers of voxels"),
        ({"shape": (64, 8, 64)}, "shape must be at least 24 voxels along y and x"),
        ({"voxel_size": -5}, "voxel_size must be positive, got -5"),
        ({"pore_classes": (0.5, 0.5, 0.5)}, "pore_classes must be shares that add up to 1"),
        ({"projections": 2}, "projections must be at least 3, got 2"),
        ({"projections": 90, "shape": (512, 512, 512)}, "projections must be left out above"),
        ({"solid_level": 10, "air_level": 20}, "solid_level must be above air_level"),
        ({"porosty": 0.1}, "porosty"),
        ({"porosity": -0.1}, "porosity"),
        ({"noise": float("nan")}, "noise"),
    ],
)
def test_nonsense_is_refused_with_the_option_named(settings, sentence):
    with pytest.raises(ValidationError, match=sentence):
        PhantomConfig(**({"shape": (64, 64, 64)} | settings))


def test_a_configuration_survives_json():
    config = PhantomConfig(shape=(32, 64, 64), projections=30, exposure=0.5)
    assert PhantomConfig.model_validate_json(config.model_dump_json()) == config


def test_a_hardening_beam_is_not_written_down():
    """Scans made before the field existed keep their recipes."""
    usual = PhantomConfig(shape=(32, 64, 64), projections=30)
    flat = usual.model_copy(update={"hardening": False})
    assert "hardening" not in usual.model_dump(mode="json")
    assert flat.model_dump(mode="json")["hardening"] is False
    assert PhantomConfig.model_validate_json(flat.model_dump_json()) == flat
