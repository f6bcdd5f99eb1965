"""Cylinders and boxes: one surface, whatever is asked of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import convolve, generate_binary_structure

from poroscale.kernels.noise import white_noise
from poroscale.kernels.parts.part_mask import without_specks
from poroscale.parts.geometry import Cylinder, RoughBox

ORIGINS = st.tuples(st.integers(-40, 90), st.integers(0, 30), st.integers(0, 30))
SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 24), st.integers(1, 24))


def rough(origin, shape):
    """White noise of 1.5 um."""
    return 1.5 * white_noise((0, *origin), (1, *shape), seed=3)[0]


def parts():
    yield Cylinder((80, 54, 54), 2.0, 45.0, rough)
    yield Cylinder((80, 54, 54), 2.0, 45.0)
    yield RoughBox((80, 54, 54), 2.0, (40.0, 44.0), [rough] * 4)


@pytest.mark.parametrize("part", list(parts()), ids=["rough", "smooth", "box"])
@given(origin=ORIGINS, shape=SHAPES)
def test_inside_is_a_positive_depth(part, origin, shape):
    inside = part.inside(origin, shape)
    centres = np.stack(np.indices(shape), -1).reshape(-1, 3) + np.array(origin) + 0.5
    np.testing.assert_array_equal(inside.ravel() == 1, part.depth(centres) > 0)


@given(st.integers(0, 10**6))
def test_places_are_where_they_are_said_to_be(seed):
    part = Cylinder((80, 54, 54), 2.0, 45.0, rough)
    rng = np.random.default_rng(seed)
    r_star, theta, z = rng.uniform(0.05, 1, 50), rng.uniform(0, 2 * np.pi, 50), 80 * rng.random(50)
    points = part.place(r_star, theta, z)
    np.testing.assert_allclose(part.normalised_radius(points), r_star, rtol=1e-9)
    turned = np.arctan2(points[:, 1] - 27, points[:, 2] - 27) % (2 * np.pi)
    np.testing.assert_allclose(turned, theta, atol=1e-9)


def test_smooth_cylinder_has_its_volume():
    part = Cylinder((4, 210, 210), 1.0, 100.0)
    filled = part.inside((0, 0, 0), part.shape).sum() / 4
    assert filled == pytest.approx(math.pi * 100**2, rel=1e-3)


def test_part_must_fit_the_volume():
    with pytest.raises(ValueError, match="diameter must fit into the volume"):
        Cylinder((10, 40, 40), 1.0, 20.0)
    with pytest.raises(ValueError, match="edges of the part must fit"):
        RoughBox((10, 40, 40), 1.0, (10.0, 20.5))


def test_single_voxels_join_what_surrounds_them():
    rng = np.random.default_rng(0)
    mask = (rng.random((20, 21, 22)) < 0.5).astype(np.uint8)
    found = without_specks(mask)
    cross = generate_binary_structure(3, 1)
    counts = convolve(mask.astype(int), cross.astype(int)) - mask
    wanted = np.where((counts == 0) | (counts == 6), counts == 6, mask)[1:-1, 1:-1, 1:-1]
    assert np.array_equal(found, wanted)
