"""Edges, corners that belong together, shells and faces that run the other way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.mesh.edges import corner_groups, edges_of, reversed_faces, shells
from tests.kernels.closed_meshes import ball, box


def test_a_box_has_eighteen_edges():
    edges = edges_of(box()[1])
    assert len(edges.ends) == 18
    assert edges.closed
    assert edges.consistent


def test_missing_and_doubled_faces_are_counted():
    faces = box()[1]
    assert (edges_of(faces[1:]).meeting == 1).sum() == 3
    assert (edges_of(np.concatenate([faces, faces[:1]])).meeting == 3).sum() == 3
    assert not edges_of(np.concatenate([faces[:1, ::-1], faces[1:]])).consistent


def test_corner_groups_are_the_vertices():
    faces = ball(1.0, 2)[1]
    groups = corner_groups(faces, edges_of(faces).pairs)
    assert len(np.unique(groups)) == len(np.unique(faces))
    for number in np.unique(groups):
        assert len(np.unique(faces[groups == number])) == 1


def test_surfaces_that_touch_at_a_vertex_keep_it_twice():
    faces = box()[1]
    both = np.concatenate([faces, np.where(faces == 0, 0, faces + 8)])
    groups = corner_groups(both, edges_of(both).pairs)
    assert len(np.unique(both)) == 15
    assert len(np.unique(groups)) == 16
    assert shells(both, edges_of(both).pairs).max() == 1


@given(st.integers(0, 10**6), st.integers(1, 150))
def test_faces_that_were_reversed_are_found(seed, count):
    faces = ball(1.0, 2)[1]
    wrong = np.random.default_rng(seed).permutation(len(faces))[:count]
    mixed = faces.copy()
    mixed[wrong] = mixed[wrong][:, ::-1]
    turned, one_sided = reversed_faces(mixed, edges_of(mixed).pairs)
    assert sorted(np.flatnonzero(turned)) == sorted(wrong)
    assert not one_sided.any()


def test_a_klein_bottle_has_one_side():
    n = 6

    def node(i, j):
        return (i % n) * n + (j if i < n else -j) % n

    faces = []
    for i in range(n):
        for j in range(n):
            a, b, c, d = node(i, j), node(i + 1, j), node(i + 1, j + 1), node(i, j + 1)
            faces += [(a, b, c), (a, c, d)]
    faces = np.array(faces)
    edges = edges_of(faces)
    assert edges.closed
    assert reversed_faces(faces, edges.pairs)[1].all()
