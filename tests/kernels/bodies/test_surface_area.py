import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label
from skimage.measure import euler_number

from poroscale.kernels.bodies.surface_area import (
    EARLIER,
    count_surface,
    direction_weights,
    sphericity,
    surface_area,
)
from tests.kernels.solids import ellipsoid, ellipsoid_area, random_rotation

ONE = np.array([1], np.uint32)


def counts_of(mask):
    return count_surface(np.pad(mask.astype(np.uint32), 1), ONE)[0]


def area_of(mask, voxel_size=(1.0, 1.0, 1.0)):
    counts = counts_of(mask)[None]
    return surface_area(np.array([mask.sum()]), counts[:, :13], voxel_size=voxel_size)[0]


@pytest.mark.parametrize("seed", range(6))
def test_ball_of_20_voxels(seed):
    offset = np.random.default_rng(seed).random(3) - 0.5
    ball = ellipsoid((10, 10, 10), offset=offset)
    area = area_of(ball)
    assert area == pytest.approx(np.pi * 400, rel=0.02)
    assert sphericity(np.array([ball.sum()]), np.array([area]))[0] == pytest.approx(1, abs=0.02)


def test_error_of_balls_falls_with_their_size():
    errors = [
        np.mean(
            [
                abs(
                    area_of(ellipsoid((r, r, r), offset=(0.3 * k, 0.1, 0.2))) / (4 * np.pi * r * r)
                    - 1
                )
                for k in range(3)
            ]
        )
        for r in (4, 10, 25)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.002


@pytest.mark.parametrize("half", [(15, 10, 10), (14, 12, 9), (10, 10, 16)])
@pytest.mark.parametrize("seed", range(3))
def test_rotated_ellipsoids(half, seed):
    mask = ellipsoid(half, rotation=random_rotation(seed))
    assert area_of(mask) == pytest.approx(ellipsoid_area(half), rel=0.02)


@pytest.mark.parametrize("voxel_size", [(2.0, 1.0, 1.0), (1.0, 1.5, 0.7)])
def test_ball_in_voxels_that_are_no_cubes(voxel_size):
    ball = ellipsoid((14, 14, 14), voxel_size=voxel_size)
    assert area_of(ball, voxel_size) == pytest.approx(4 * np.pi * 14**2, rel=0.02)


def test_weights_are_those_of_the_cubic_lattice():
    weights = direction_weights((1.0, 1.0, 1.0))
    assert weights.sum() == pytest.approx(1)
    # Ohser & Schladitz 2009, table of the 26 neighbourhood; they weigh d and -d apart
    known = {1: 0.0457778912, 2: 0.0369806278, 3: 0.0351956397}
    for direction, weight in zip(EARLIER, weights, strict=True):
        assert weight == pytest.approx(2 * known[sum(map(abs, direction))], abs=1e-7)
    np.testing.assert_allclose(direction_weights((3.0, 3.0, 3.0)), weights)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_euler_numbers_equal_skimage(seed, fill):
    mask = np.random.default_rng(seed).random((6, 5, 7)) < fill
    counts = counts_of(mask)
    assert counts[13] == euler_number(mask, connectivity=1)
    assert counts[15] == euler_number(mask, connectivity=3)


@pytest.mark.parametrize(
    ("voxels", "expected"),
    [
        ([(0, 0, 0), (1, 1, 1)], (2, 2, 1)),  # a shared corner joins for 26 alone
        ([(0, 0, 1), (1, 1, 0)], (2, 2, 1)),
        ([(0, 1, 0), (1, 0, 1)], (2, 2, 1)),
        ([(0, 1, 1), (1, 0, 0)], (2, 2, 1)),
        ([(0, 0, 0), (0, 1, 1)], (2, 1, 1)),
        ([(0, 0, 0), (1, 1, 1), (0, 0, 1)], (2, 1, 1)),
    ],
)
def test_what_joins_two_voxels(voxels, expected):
    mask = np.zeros((2, 2, 2), bool)
    mask[tuple(np.transpose(voxels))] = True
    assert tuple(counts_of(mask)[13:]) == expected


def test_euler_18_of_a_ring_and_a_hollow_ball():
    ring = np.ones((1, 3, 3), bool)
    ring[0, 1, 1] = False
    hollow = np.ones((3, 3, 3), bool)
    hollow[1, 1, 1] = False
    assert list(counts_of(ring)[13:]) == [0, 0, 0]
    assert list(counts_of(hollow)[13:]) == [2, 2, 2]


@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 6)] * 3), st.floats(0.1, 0.6))
@settings(max_examples=30, deadline=None)
def test_counts_add_up_over_any_blocks(seed, block, fill):
    labels, number = label(np.random.default_rng(seed).random((7, 8, 9)) < fill)
    padded = np.pad(labels.astype(np.uint32), 1)
    present = np.arange(1, number + 1, dtype=np.uint32)
    whole = count_surface(padded, present)
    total = np.zeros_like(whole)
    for z in range(0, 7, block[0]):
        for y in range(0, 8, block[1]):
            for x in range(0, 9, block[2]):
                box = (slice(z, z + block[0] + 2), slice(y, y + block[1] + 2))
                part = padded[(*box, slice(x, x + block[2] + 2))]
                total += count_surface(part, present)
    np.testing.assert_array_equal(total, whole)


def test_labels_are_counted_apart():
    labels, number = label(np.random.default_rng(3).random((9, 9, 9)) < 0.35)
    padded = np.pad(labels.astype(np.uint32), 1)
    counts = count_surface(padded, np.arange(1, number + 1, dtype=np.uint32))
    for one in range(1, number + 1):
        np.testing.assert_array_equal(counts[one - 1], counts_of(labels == one))
