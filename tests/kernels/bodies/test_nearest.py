import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from poroscale.kernels.bodies.nearest import (
    build_tree,
    group_runs,
    nearest_of_points,
    nearest_of_runs,
)
from poroscale.kernels.bodies.runs_of_labels import runs_of_labels


def box_distance(a, b, voxel_size):
    """Distances between the closed boxes of voxels a (m, 3) and b (k, 3): (m, k)."""
    gap = np.maximum(np.abs(a[:, None] - b[None]) - 1, 0) * np.array(voxel_size)
    return np.sqrt((gap**2).sum(axis=-1))


def brute_gaps(labels, voxel_size):
    places = [np.argwhere(labels == one) for one in range(1, labels.max() + 1)]
    return [
        min(box_distance(a, b, voxel_size).min() for j, b in enumerate(places) if j != i)
        for i, a in enumerate(places)
    ]


def gaps_of(labels, voxel_size):
    runs, owners = runs_of_labels(labels.astype(np.uint32), (0, 0, 0))
    present, bodies = group_runs(runs, owners)
    best = np.full(len(present), np.inf)
    nearest_of_runs(build_tree(runs, owners), bodies, best=best, voxel_size=voxel_size)
    return np.sqrt(best)


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.02, 0.5),
    st.sampled_from([(1.0, 1.0, 1.0), (2.0, 0.5, 1.0)]),
)
@settings(max_examples=40, deadline=None)
def test_gaps_equal_brute_force(seed, fill, voxel_size):
    labels, number = label(np.random.default_rng(seed).random((9, 7, 12)) < fill)
    if number < 2:
        return
    np.testing.assert_allclose(gaps_of(labels, voxel_size), brute_gaps(labels, voxel_size))


@pytest.mark.parametrize(
    ("step", "gap"),
    [
        ((0, 1, 1), 0),
        ((1, 1, 1), 0),
        ((0, 0, 2), 1),
        ((3, 0, 0), 2),
        ((0, 4, 5), 5),
        ((2, 2, 2), 3**0.5),
    ],
)
def test_gap_is_measured_from_face_to_face(step, gap):
    labels = np.zeros((6, 6, 6), np.uint32)
    labels[0, 0, 0] = 1
    labels[step] = 2
    np.testing.assert_allclose(gaps_of(labels, (1.0, 1.0, 1.0)), gap)


def test_alone_nothing_is_near():
    assert np.isinf(gaps_of(np.ones((3, 3, 3), np.uint32), (1.0, 1.0, 1.0))).all()


def test_a_long_body_asks_in_many_groups():
    labels = np.zeros((30, 30, 30), np.uint32)
    labels[::2, ::2, 5] = 1
    labels[28, 28, 9] = 2
    np.testing.assert_allclose(gaps_of(labels, (1.0, 1.0, 1.0)), 3)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_points_equal_brute_force(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((8, 9, 10)) < 0.05
    if not mask.any():
        return
    points = rng.random((20, 3)) * 12 - 1
    best = np.full(len(points), np.inf)
    tree = build_tree(*runs_of_labels(mask.astype(np.uint32), (0, 0, 0)))
    nearest_of_points(tree, points, best=best, voxel_size=(1.0, 2.0, 0.5))
    low = np.argwhere(mask)[None]
    gap = np.maximum(np.maximum(low - points[:, None], points[:, None] - low - 1), 0)
    expected = ((gap * np.array([1.0, 2.0, 0.5])) ** 2).sum(axis=-1).min(axis=1)
    np.testing.assert_allclose(best, expected)
