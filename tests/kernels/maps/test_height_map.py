from __future__ import annotations

import math

import numpy as np
import pytest

from poroscale.kernels.maps.height_map import NODE_STD, add_field, add_grains, map_value


def test_a_field_has_the_variance_of_its_amplitude_and_is_periodic():
    rng = np.random.default_rng(0)
    nodes = rng.standard_normal((60, 50)) / NODE_STD
    out = np.zeros((500, 400))
    add_field(out, 0.0, 1.0, nodes, 8.5, np.full(out.shape, 2.0))
    assert out.std() == pytest.approx(2, rel=0.1)
    seam = np.abs(out[:, 0] - out[:, -1]).max()
    assert seam <= np.abs(np.diff(out, axis=1)).max() + 1e-9


def test_a_constant_field_is_constant_everywhere():
    out = np.zeros((30, 20))
    add_field(out, -100.0, 7.0, np.ones((4, 3)), 5.0, np.ones(out.shape))
    np.testing.assert_allclose(out, 1.0)


def test_a_grain_is_a_half_sphere_and_wraps_around_the_seam():
    out = np.zeros((40, 40))
    add_grains(out, 0.0, 1.0, 40.0, np.array([[20.0, 1.0, 5.0, 2.0]]))
    assert out[20, 1] == pytest.approx(3)
    assert out[20, 4] == pytest.approx(2)
    assert out[20, 38] == pytest.approx(2)
    assert out[20, 10] == 0


def test_a_value_between_nodes_is_bilinear_and_held_at_the_ends():
    heights = np.array([[0, 1, 2, 3], [10, 11, 12, 13]], np.float32)
    assert map_value(heights, 0.0, 2.0, 0.125, 1.0) == pytest.approx(5.5)
    assert map_value(heights, 0.0, 2.0, 0.875, 0.0) == pytest.approx(1.5)
    assert map_value(heights, 0.0, 2.0, 0.0, -50.0) == pytest.approx(0)
    assert map_value(heights, 0.0, 2.0, 0.0, 50.0) == pytest.approx(10, abs=1e-4)
    assert math.isfinite(map_value(heights, 0.0, 2.0, np.nextafter(1, 0), 0.0))
