"""The local level of the solid: sums on cells, their smoothing, and the way back to voxels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from poroscale.kernels.grey.level_counts import PART, Looks, count_levels_of
from poroscale.kernels.grey.solid_level import (
    CELL,
    COARSE_SCALES,
    COUNT_BITS,
    FINE_SCALES,
    STEPS,
    coarse_cells,
    deep_voxels,
    interpolate,
    smooth_level,
    unpacked,
)

SHAPE = (96, 104, 112)


def by_cell(array):
    z, y, x = (n // CELL for n in array.shape)
    return array.reshape(z, CELL, y, CELL, x, CELL).transpose(0, 2, 4, 1, 3, 5).reshape(z, y, x, -1)


def cell_sums(values, deep):
    """Packed cells of a block that lies in the part, as the pass over a scan makes them."""
    place, none = np.full(values.shape, PART, np.uint8), np.ones(values.shape, np.uint8)
    unsound = (~deep).astype(np.uint8)
    looks = Looks(values, values, np.ones_like(values), place, unsound, none)
    return count_levels_of(looks)[0]


def test_cells_hold_the_sum_and_the_number_of_their_deep_voxels():
    rng = np.random.default_rng(0)
    values = rng.uniform(-4, 4, (12, 8, 16)).astype(np.float32)
    deep = rng.random(values.shape) < 0.7
    deep[:4, :4, :4], deep[4:8, :4, :4] = True, False
    packed = cell_sums(values, deep)
    assert packed.dtype == np.int32
    sums, counts = unpacked(packed)
    np.testing.assert_array_equal(counts, by_cell(deep).sum(axis=-1))
    assert (counts.max(), counts.min()) == (64, 0)
    rounded = np.floor(values * STEPS + np.float32(0.5)) * deep
    np.testing.assert_array_equal(sums * STEPS, by_cell(rounded).sum(axis=-1))
    np.testing.assert_allclose(sums, by_cell(values * deep).sum(axis=-1), atol=64 / STEPS)


@pytest.mark.parametrize("value", [-4.0, 4.0])
def test_extreme_cells_do_not_overflow(value):
    values = np.full((CELL, CELL, CELL), value, np.float32)
    sums, counts = unpacked(cell_sums(values, np.ones(values.shape, bool)))
    assert (sums.item(), counts.item()) == (64 * value, 64)
    assert 2**COUNT_BITS > CELL**3


def test_cells_do_not_depend_on_the_block():
    rng = np.random.default_rng(1)
    values = rng.normal(1, 0.1, (16, 24, 32)).astype(np.float32)
    deep = rng.random(values.shape) < 0.5
    whole = cell_sums(values, deep)
    part = cell_sums(
        np.ascontiguousarray(values[8:, 4:16, 12:]), np.ascontiguousarray(deep[8:, 4:16, 12:])
    )
    np.testing.assert_array_equal(part, whole[2:, 1:4, 3:])


def test_coarse_cells_add_up_also_at_the_end():
    sums, counts = np.random.default_rng(2).random((2, 9, 8, 19))
    for fine, coarse in zip((sums, counts), coarse_cells(sums, counts, 8), strict=True):
        assert coarse.shape == (2, 1, 3)
        assert coarse.sum() == pytest.approx(fine.sum())
        assert coarse[0, 0, 2] == pytest.approx(fine[:8, :, 16:].sum())


def level_of(truth, *, masked, noise=0.05):
    """The level found on cells, from a noisy solid whose pores are masked; that of the truth."""
    rng = np.random.default_rng(3)
    deep = ~masked
    values = np.where(deep, truth + rng.normal(0, noise, truth.shape), 9).astype(np.float32)
    sums, counts = unpacked(cell_sums(values, deep))
    large = smooth_level(
        *coarse_cells(sums, counts, 8), sums.sum() / counts.sum(), scales=COARSE_SCALES
    )
    start = interpolate(large, (0, 0, 0), (0, 0, 0), sums.shape, factor=8)
    found = smooth_level(sums, counts, start, scales=FINE_SCALES)
    return found, by_cell(truth).mean(axis=-1)


def pores(seed=4):
    """Balls of up to 12 voxels: where they lie, nothing tells the level."""
    masked, grid = np.zeros(SHAPE, bool), np.indices(SHAPE)
    rng = np.random.default_rng(seed)
    for _ in range(40):
        centre = rng.uniform(0, SHAPE)[:, None, None, None]
        masked |= ((grid - centre) ** 2).sum(axis=0) < rng.uniform(4, 12) ** 2
    return masked


@pytest.fixture(scope="module")
def masked():
    return pores()


def places():
    z, y, x = (np.linspace(-1, 1, n) for n in SHAPE)
    return z[:, None, None], y[None, :, None], x[None, None, :]


def test_a_constant_level_is_recovered(masked):
    found, truth = level_of(np.full(SHAPE, 0.93), masked=masked, noise=0)
    np.testing.assert_allclose(found, truth, atol=1 / STEPS)


def test_a_linear_level_is_recovered(masked):
    z, y, x = places()
    found, truth = level_of(1 + 0.1 * z - 0.05 * y + 0.02 * x, masked=masked)
    error = found - truth
    assert np.sqrt((error**2).mean()) < 0.003
    assert np.abs(error).max() < 0.02
    assert abs(error.mean()) < 0.0005


def test_a_curved_level_is_recovered(masked):
    _, y, x = places()
    truth = np.broadcast_to(1 + 0.2 * (y**2 + x**2 - 1), SHAPE)
    found, expected = level_of(truth, masked=masked)
    error = found - expected
    assert np.sqrt((error**2).mean()) < 0.004
    inner = error[4:-4, 4:-4, 4:-4]
    assert np.abs(inner).max() < 0.015
    assert abs(inner.mean()) < 0.0005


def test_without_any_sound_voxel_the_start_stands():
    nothing = np.zeros((6, 7, 8))
    found = smooth_level(nothing, nothing, 0.97, scales=FINE_SCALES)
    np.testing.assert_array_equal(found, np.float32(0.97))


@given(
    cells=st.tuples(*[st.integers(1, 7)] * 3),
    factor=st.sampled_from([1, 2, 3, 4, 8]),
    seed=st.integers(0, 99),
)
def test_interpolation_equals_scipy_for_any_box(cells, factor, seed):
    rng = np.random.default_rng(seed)
    values = rng.random(cells).astype(np.float32)
    shape = tuple(n * factor for n in cells)
    whole = interpolate(values, (0, 0, 0), (0, 0, 0), shape, factor=factor)
    at = np.meshgrid(*((np.arange(n) + 0.5) / factor - 0.5 for n in shape), indexing="ij")
    expected = map_coordinates(values.astype(float), at, order=1, mode="nearest")
    np.testing.assert_allclose(whole, expected, atol=2e-6)
    origin = tuple(int(rng.integers(n)) for n in shape)
    size = tuple(int(rng.integers(1, n - o + 1)) for n, o in zip(shape, origin, strict=True))
    box = tuple(slice(o, o + n) for o, n in zip(origin, size, strict=True))
    part = interpolate(values, (0, 0, 0), origin, size, factor=factor)
    np.testing.assert_array_equal(part, whole[box])


def test_deep_voxels_keep_away_from_all_that_is_darker_or_brighter():
    soft = np.ones((15, 15, 15), np.float32)
    soft[3, 7, 7], soft[11, 7, 7] = 0.5, 1.5
    level = np.ones_like(soft)
    z, y, x = np.indices(soft.shape)
    along_z = np.minimum(abs(z - 3), abs(z - 11))
    away = np.maximum(along_z, np.maximum(abs(y - 7), abs(x - 7)))
    found = deep_voxels(soft, level, depth=2, doubt=(0.1, 0.25))
    np.testing.assert_array_equal(found, away > 2)
    assert deep_voxels(soft, level, depth=2, doubt=(0.6, 0.6)).all()
