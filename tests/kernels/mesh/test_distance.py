"""Signed distances to meshes against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.mesh.distance import EXACT_EVERYWHERE, signed_distances, solid_of
from tests.kernels.closed_meshes import BOX, ball, box, flipped, torus

POINTS = st.lists(st.tuples(*[st.floats(-30, 30)] * 3), min_size=1, max_size=40)


def depths(solid, points, exact=EXACT_EVERYWHERE):
    return signed_distances(solid, np.ascontiguousarray(points, np.float64), exact)[0]


def depth_in_box(points):
    """Depth below the faces of the box around the origin with the half edges BOX."""
    away = np.abs(points) - np.array(BOX)
    outside = np.linalg.norm(np.maximum(away, 0), axis=1)
    return -outside - np.minimum(away.max(axis=1), 0)


@given(POINTS)
def test_box_is_exact_everywhere(points):
    points = np.array(points)
    np.testing.assert_allclose(depths(solid_of(*box()), points), depth_in_box(points), atol=1e-9)


@given(st.lists(st.tuples(*[st.integers(-40, 40)] * 3), min_size=1, max_size=40))
def test_sign_is_right_where_edges_and_vertices_are_nearest(points):
    """Points of a lattice: many lie exactly above edges, vertices and diagonals of faces."""
    points = np.array(points) / 2
    found = depths(solid_of(*box()), points)
    truth = depth_in_box(points)
    sure = np.abs(truth) > 1e-9
    np.testing.assert_array_equal(np.sign(found[sure]), np.sign(truth[sure]))


def test_ball():
    rng = np.random.default_rng(0)
    points = rng.uniform(-25, 25, (2000, 3))
    found = depths(solid_of(*ball(20.0, 4)), points)
    sagitta = 20 * (1 - np.cos(0.07))  # half an edge of the icosphere seen from the middle
    np.testing.assert_allclose(found, 20 - np.linalg.norm(points, axis=1), atol=sagitta)


def test_torus():
    rng = np.random.default_rng(0)
    points = rng.uniform(-25, 25, (2000, 3)) * (0.4, 1, 1)
    found = depths(solid_of(*torus(15.0, 6.0)), points)
    around = np.hypot(points[:, 1], points[:, 2]) - 15
    np.testing.assert_allclose(found, 6 - np.hypot(around, points[:, 0]), atol=0.06)


def test_nearest_face_is_told():
    vertices, faces = box()
    normals = np.cross(*(vertices[faces[:, k]] - vertices[faces[:, 0]] for k in (1, 2)))
    points = np.array([[15.0, 1, 2], [-9, 2, 3], [0, 20, 1], [1, 1, 40]])
    _, face = signed_distances(solid_of(vertices, faces), points, EXACT_EVERYWHERE)
    facing = normals[face] / np.abs(normals[face]).max(axis=1, keepdims=True)
    np.testing.assert_allclose(facing, [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]], atol=1e-12)


def test_depths_far_from_the_surface_are_two_per_cent_too_large_at_most():
    rng = np.random.default_rng(1)
    for vertices, faces in (ball(200.0, 4), torus(150.0, 60.0)):
        solid, points = solid_of(vertices, faces), rng.uniform(-230, 230, (800, 3))
        truth, graded = depths(solid, points), depths(solid, points, 10.0)
        near = np.abs(graded) <= 10
        np.testing.assert_array_equal(graded[near], truth[near])
        ratio = graded / truth
        assert ratio.min() >= 1 - 1e-12
        assert ratio.max() <= 1 / 0.98 + 1e-9


def test_sign_far_from_a_thin_wall_is_that_of_its_near_side():
    """A shell of one per cent of its radius: from the middle, both sides are nearly as near."""
    outer, inner = ball(100.0, 4), flipped(*ball(99.0, 4))
    vertices = np.concatenate([outer[0], inner[0]])
    solid = solid_of(vertices, np.concatenate([outer[1], inner[1] + len(outer[0])]))
    rng = np.random.default_rng(2)
    points = rng.normal(size=(400, 3)) * 12
    assert (depths(solid, points, 1.0) < 0).all()


def test_answers_do_not_depend_on_the_company():
    points = np.random.default_rng(3).uniform(-25, 25, (300, 3))
    solid = solid_of(*torus(15.0, 6.0))
    together = signed_distances(solid, points, 3.0)
    alone = [signed_distances(solid, points[i : i + 1], 3.0) for i in range(len(points))]
    np.testing.assert_array_equal(together[0], [depth[0] for depth, _ in alone])
    np.testing.assert_array_equal(together[1], [face[0] for _, face in alone])


def test_two_boxes_that_touch_at_a_vertex():
    """Their common vertex belongs to two surfaces; each has its own normal there."""
    vertices, faces = box()
    both = np.concatenate([vertices, vertices + 2 * np.array(BOX)])
    both, inverse = np.unique(both, axis=0, return_inverse=True)
    assert len(both) == 15
    solid = solid_of(both, inverse.ravel()[np.concatenate([faces, faces + 8])])
    corner = np.array(BOX, float)
    for signs in np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T:
        inside = abs(signs.sum()) == 3
        found = depths(solid, corner + 0.5 * signs[None])
        assert found[0] == pytest.approx(0.5 if inside else -np.sqrt(0.5), abs=0.21)
        assert (found[0] > 0) == inside
