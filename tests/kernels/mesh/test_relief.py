"""A relief along the normals of a mesh."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, label

from poroscale.kernels.mesh.distance import solid_of
from poroscale.kernels.mesh.relief import (
    Relief,
    layer_areas,
    mesh_depths,
    mesh_mask,
    spread_at,
)
from tests.kernels.closed_meshes import BOX, ball, box, torus

FLAT = Relief((np.zeros((1, 1), np.float32),) * 6, 0.0, 1.0)
ORIGINS = st.tuples(*[st.integers(-20, 60)] * 3)
SHAPES = st.tuples(*[st.integers(1, 20)] * 3)


def waves(seed, edge=80, height=1.5, width=3.0):
    """Six independent maps of smooth noise with this standard deviation."""
    rng = np.random.default_rng(seed)
    maps = [gaussian_filter(rng.normal(size=(edge, edge)), width, mode="wrap") for _ in range(6)]
    maps = [(height * m / m.std()).astype(np.float32) for m in maps]
    return Relief(tuple(maps), 2.0 * max(float(np.abs(m).max()) for m in maps), 4.0)


def centres(origin, shape):
    return np.stack(np.indices(shape), -1).reshape(-1, 3) + np.array(origin) + 0.5


@pytest.mark.parametrize("relief", [FLAT, waves(1)], ids=["smooth", "rough"])
@given(origin=ORIGINS, shape=SHAPES)
def test_mask_of_any_box_is_a_positive_depth(relief, origin, shape):
    vertices, faces = torus(15.0, 6.0)
    solid = solid_of(vertices + 27, faces)
    mask = mesh_mask(solid, relief, origin, shape)
    depth = mesh_depths(solid, relief, centres(origin, shape))
    np.testing.assert_array_equal(mask.ravel() == 1, depth > 0)


def test_boxes_are_cut_from_one_mask():
    vertices, faces = box()
    solid, relief = solid_of(vertices + 40, faces), waves(2)
    whole = mesh_mask(solid, relief, (-70, 0, 0), (150, 80, 80))
    for z in range(-70, 50, 37):
        part = mesh_mask(solid, relief, (z, 11, 3), (30, 41, 50))
        np.testing.assert_array_equal(part, whole[z + 70 : z + 100, 11:52, 3:53])


@pytest.mark.parametrize("angle", [0, 20, 45, 54.7])
def test_relief_of_a_tilted_plane_has_the_variance_of_the_maps(angle):
    """Far from its edges, a plate is as rough as its maps whichever way it faces."""
    edge = 700
    tilt = math.radians(angle)
    up = np.array([math.cos(tilt), math.sin(tilt) / math.sqrt(2), math.sin(tilt) / math.sqrt(2)])
    along = np.array([0, 1, -1]) / math.sqrt(2)
    across = np.cross(up, along)
    half = np.array([40.0, 900, 900])
    vertices = box()[0] / np.array(BOX) * half @ np.stack([up, along, across])
    solid = solid_of(vertices + edge / 2, box()[1])
    steps = np.arange(-240, 240, 3.0)
    s, t = np.meshgrid(steps, steps, indexing="ij")
    points = edge / 2 + up * 40 + s[..., None] * along + t[..., None] * across
    relief = waves(3, edge)
    heights = mesh_depths(solid, relief, points.reshape(-1, 3))
    assert heights.std() == pytest.approx(1.5, rel=0.06)
    assert abs(heights.mean()) < 0.2


def test_directions_have_maps_of_their_own():
    maps = tuple(np.full((1, 1), k / 10, np.float32) for k in range(1, 7))
    vertices, faces = box()
    points = np.concatenate([np.diag(BOX), -np.diag(BOX)])
    found = mesh_depths(solid_of(vertices, faces), Relief(maps, 1.0, 2.0), points)
    np.testing.assert_allclose(found, np.arange(1, 7) / 10, atol=1e-6)


def test_relief_passes_over_a_sharp_edge_without_a_step():
    maps = tuple(np.full((1, 1), h, np.float32) for h in (3, 0, 3, 0, 0, 0))
    vertices, faces = box()
    solid = solid_of(vertices, faces)
    along = np.linspace(0, 8, 400)
    on_top = np.stack([0 * along + 6, 0 * along + 8, 2 + 0 * along], 1) - along[:, None] * (0, 1, 0)
    on_side = np.stack([6 - along, 0 * along + 8, 2 + 0 * along], 1)
    walk = np.concatenate([on_top[::-1], on_side])
    heights = mesh_depths(solid, Relief(maps, 5.0, 6.0), walk)
    assert heights[0] == pytest.approx(3)
    assert heights[-1] == pytest.approx(0, abs=1e-6)
    assert np.abs(np.diff(heights)).max() < 0.1


def test_rough_body_is_one_piece():
    vertices, faces = torus(40.0, 16.0)
    mask = mesh_mask(solid_of(vertices + 64, faces), waves(4, 128), (40, 0, 0), (48, 128, 128))
    assert label(mask)[1] == 1
    assert label(mask == 0)[1] == 1


def test_spread_of_equal_maps():
    maps = (np.full((1, 1), 2.0, np.float32),) * 6
    points = np.random.default_rng(0).uniform(-9, 9, (200, 3))
    found = spread_at(solid_of(*ball(10.0, 3)), Relief(maps, 2.0, 4.0), points)
    np.testing.assert_allclose(found, 2.0, rtol=1e-6)


def test_areas_of_sections():
    vertices, faces = ball(20.0, 5)
    areas = layer_areas(vertices[faces] + 25, 50)
    layers = np.arange(50) + 0.5 - 25
    np.testing.assert_allclose(areas, np.pi * np.maximum(400 - layers**2, 0), atol=3)
    vertices, faces = box()
    np.testing.assert_allclose(layer_areas(vertices[faces] + 6, 14), [320.0] * 12 + [0, 0])
