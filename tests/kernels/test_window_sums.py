"""Sums of windows in fixed point: exact, in any order, never beyond their type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.window_sums import (
    WEIGHTS,
    FixedPoint,
    add_window,
    axis_weights,
    mean_values,
)


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("edge", [1, 2, 7, 64])
def test_weights_are_symmetric_and_never_zero(kind, edge):
    weights = axis_weights(edge, kind)
    assert weights.min() >= 1
    np.testing.assert_array_equal(weights, weights[::-1])


def test_weights_are_those_of_their_formulas():
    centre = (np.arange(64) + 0.5) / 64
    hann, gauss = axis_weights(64, "hann") / 4096, axis_weights(64, "gaussian") / 4096
    np.testing.assert_allclose(hann, np.sin(np.pi * centre) ** 2, atol=2.5e-4)
    np.testing.assert_allclose(gauss, np.exp(-32 * (centre - 0.5) ** 2), atol=2.5e-4)


def test_an_unknown_weight():
    with pytest.raises(ValueError, match="weight must be one of constant, gaussian, hann, got 'x'"):
        axis_weights(4, "x")


@given(bound=st.floats(1e-3, 1e6), heaviest=st.integers(1, 2**46))
def test_sums_cannot_overflow(bound, heaviest):
    point = FixedPoint.of(bound, heaviest)
    largest = int(np.rint(np.float32(bound) * np.float32(point.scale)))
    assert largest <= 2**point.bits
    assert largest * heaviest <= np.iinfo(point.dtype).max


def test_windows_that_overlap_too_often():
    with pytest.raises(ValueError, match="use a smaller overlap or a constant weight"):
        FixedPoint.of(1.0, 2**50)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_the_order_of_windows_does_not_matter(kind):
    rng = np.random.default_rng(5)
    weights = (axis_weights(5, kind), axis_weights(6, kind), axis_weights(7, kind))
    windows = rng.uniform(-2, 2, (4, 9, 8, 9)).astype(np.float32)
    corners = [(0, 0, 0), (1, 2, 3), (2, 0, 1), (5, 5, 6)]  # the last one ends beyond the sums
    point = FixedPoint.of(2.0, 4 * 4096**3 if kind != "constant" else 4)
    totals = []
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        sums = np.zeros((8, 9, 11), point.dtype)
        for k in order:
            bad = add_window(
                sums, windows[k], corners[k], crop=(2, 1, 1), weights=weights, point=point, bound=2
            )
            assert bad == 0
        totals.append(sums)
    np.testing.assert_array_equal(*totals)
    expected, whole = np.zeros((12, 12, 14)), np.zeros((12, 12, 14))
    product = np.einsum("z,y,x->zyx", *weights)
    for corner, window in zip(corners, windows, strict=True):
        box = tuple(slice(c, c + n) for c, n in zip(corner, (5, 6, 7), strict=True))
        expected[box] += product * window[2:7, 1:7, 1:8]
        whole[box] += product
    np.testing.assert_allclose(
        totals[0] / point.scale, expected[:8, :9, :11], atol=4 * whole.max() / point.scale
    )


def test_means_of_a_part():
    sums = np.arange(60, dtype=np.int32).reshape(3, 4, 5) << 10
    point = FixedPoint(10, 0, np.dtype(np.int32))
    ones, twos = np.ones(2, np.int64), np.full(3, 2, np.int64)
    part = mean_values(sums, (1, 2, 1), (ones, ones, twos), point=point)
    np.testing.assert_array_equal(part, (sums[1:, 2:, 1:4] / 2048).astype(np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -2.1])
def test_values_that_cannot_be_are_counted(value):
    values = np.zeros((2, 2, 2), np.float32)
    values[1, 0, 1] = value
    point, ones = FixedPoint.of(2.0, 1), np.ones(2, np.int64)
    sums = np.zeros((2, 2, 2), point.dtype)
    how = {"crop": (0, 0, 0), "weights": (ones,) * 3, "point": point, "bound": 2.0}
    assert add_window(sums, values, (0, 0, 0), **how) == 1
