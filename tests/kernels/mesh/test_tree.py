"""The nearest triangle is that of all triangles, whatever the search begins with."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.mesh.tree import (
    DEPTH,
    EXACT,
    build_triangle_tree,
    closest,
    nearest,
    point_of,
)


def triangles(seed, count):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-10, 10, (count, 1, 3)) + rng.normal(size=(count, 3, 3))
    flat = rng.random(count) < 0.2
    corners[flat, 2] = corners[flat, 1]  # segments
    return corners


@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(-1, 59))
def test_nearest_is_the_least_of_all(seed, count, hint):
    tree = build_triangle_tree(triangles(seed, count))
    point = tuple(np.random.default_rng(seed + 1).uniform(-15, 15, 3))
    stack = np.empty(DEPTH, np.int64)
    row, squared, v, w = nearest(tree, point, min(hint, count - 1), np.inf, EXACT, stack)
    each = np.array([closest(corners, point)[0] for corners in tree.corners])
    assert squared == each.min()
    assert tree.face[row] == tree.face[each == each.min()].min()
    apart = np.array(point_of(tree, row, v, w)) - point
    np.testing.assert_allclose((apart**2).sum(), squared, rtol=1e-9, atol=1e-12)


@given(st.integers(0, 10**6))
def test_closest_point_of_a_triangle(seed):
    corners, rng = triangles(seed, 1)[0], np.random.default_rng(seed + 1)
    point = rng.uniform(-15, 15, 3)
    squared, v, w = closest(corners, tuple(point))
    assert min(v, w, 1 - v - w) >= -1e-12
    # No other point of the triangle is nearer.
    others = rng.dirichlet(np.full(3, 0.5), 500) @ corners
    assert ((others - point) ** 2).sum(axis=1).min() >= squared - 1e-9


def test_equal_distances_give_the_first_face():
    same = np.repeat(triangles(3, 1), 40, axis=0)
    stack = np.empty(DEPTH, np.int64)
    for hint in (-1, 7, 39):
        tree = build_triangle_tree(same)
        row, *_ = nearest(tree, (1.0, 2.0, 3.0), hint, np.inf, EXACT, stack)
        assert tree.face[row] == 0


def test_nothing_within_the_limit():
    tree, stack = build_triangle_tree(np.zeros((1, 3, 3))), np.empty(DEPTH, np.int64)
    assert nearest(tree, (3.0, 0.0, 0.0), -1, 8.9, EXACT, stack)[0] == -1
    assert nearest(tree, (3.0, 0.0, 0.0), -1, 9.1, EXACT, stack)[0] == 0
    assert (
        nearest(build_triangle_tree(np.zeros((0, 3, 3))), (0.0, 0.0, 0.0), -1, 9.0, EXACT, stack)[0]
        == -1
    )
