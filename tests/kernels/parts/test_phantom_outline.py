from __future__ import annotations

import numpy as np
import pytest

from poroscale.kernels.parts.phantom_outline import (
    depth_below_surface,
    depths_below_surface,
    surface_place,
)
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.surface import draw_outline


@pytest.fixture(params=["cylinder", "cube"])
def outline(request):
    return draw_outline(PhantomConfig(shape=(80, 80, 80), part=request.param))


def test_the_way_round_is_continuous_and_complete(outline):
    angles = np.linspace(-np.pi, np.pi, 2001)
    radius = outline.radius
    if outline.kind == 1:
        radius = outline.radius / np.maximum(np.abs(np.cos(angles)), np.abs(np.sin(angles)))
    y, x = 40 + radius * np.sin(angles), 40 + radius * np.cos(angles)
    s = np.array([surface_place(outline, a, b) for a, b in zip(y, x, strict=True)])
    assert s.min() >= 0
    assert s.max() < 1
    step = np.abs(np.diff(s))
    assert np.minimum(step, 1 - step).max() < 0.005
    assert len(np.unique(np.floor(s * 100))) == 100


def test_depth_without_roughness_is_the_nominal_depth():
    smooth = draw_outline(PhantomConfig(shape=(80, 80, 80), roughness=0))
    points = 80 * np.random.default_rng(0).random((100, 3))
    nominal = smooth.radius - np.hypot(points[:, 1] - 40, points[:, 2] - 40)
    np.testing.assert_allclose(depths_below_surface(smooth, points), nominal)


def test_the_surface_lies_within_its_reach(outline):
    for face in (outline.radius + outline.reach + 0.1, -outline.radius - outline.reach - 0.1):
        assert depth_below_surface(outline, 33.0, 40 + face, 40.0) < 0
    inner = outline.radius - outline.reach - 0.1
    assert depth_below_surface(outline, 33.0, 40 + inner, 40.0) > 0


def test_the_same_seed_gives_the_same_surface_and_another_gives_another():
    first, same, other = (
        draw_outline(PhantomConfig(shape=(40, 64, 64), seed=s)).heights for s in (1, 1, 2)
    )
    assert (first == same).all()
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.3


def test_roughness_in_um_is_the_spread_of_the_heights():
    config = PhantomConfig(shape=(400, 400, 400), voxel_size=5, roughness=10)
    heights = draw_outline(config).heights.astype(float)
    short = heights - np.mean(heights, axis=0)
    assert 5 * short.std() == pytest.approx(10, rel=0.35)
