"""The slope of a prediction, its fit to scores, and what is left, beside scipy and plain sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.kernels.learning.compensation import (
    FIXED,
    compensate,
    compensation_halo,
    fit_weight,
    ratio_sums,
    slope,
)


def slopes(predicted, sigma):
    """D smoothed, of a whole array: mirrored at its faces."""
    found = sum(
        np.abs(ndimage.correlate1d(predicted, [-0.5, 0, 0.5], axis=axis, mode="reflect"))
        for axis in range(3)
    )
    reach = int(np.ceil(4 * sigma))
    return ndimage.gaussian_filter(found, sigma, mode="reflect", radius=reach) if sigma else found


def padded(array, halo):
    return np.pad(array, halo, mode="symmetric")


def test_the_slope_of_a_ramp_is_its_steps():
    z, y, x = np.indices((6, 7, 8)).astype(np.float32)
    np.testing.assert_allclose(slope(0.5 * z - 0.25 * y + 2 * x), 2.75)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16])
@pytest.mark.parametrize("sigma", [0.4, 1.7])
def test_the_whole_array_in_double_precision_gives_the_same(dtype, sigma):
    rng = np.random.default_rng(3)
    predicted = rng.random((9, 12, 11)).astype(np.float32)
    scores = rng.random(predicted.shape)
    scores = np.rint(255 * scores).astype(dtype) if dtype is np.uint8 else scores.astype(dtype)
    halo = compensation_halo(sigma)
    found = compensate(padded(scores, halo), padded(predicted, halo), weight=0.6, sigma=sigma)
    unit = scores / 255 if dtype is np.uint8 else scores.astype(float)
    expected = np.maximum(0, unit - 0.6 * slopes(predicted.astype(float), sigma))
    assert found.dtype == scores.dtype
    if dtype is np.uint8:
        np.testing.assert_allclose(found, 255 * expected, atol=0.501)
    else:
        np.testing.assert_allclose(found, expected, atol=5e-4)


@given(seed=st.integers(0, 999), zeros=st.sampled_from([0, 0.3, 0.9]), spread=st.floats(0.05, 1.0))
def test_the_weight_is_the_one_of_least_mean_l1(seed, zeros, spread):
    rng = np.random.default_rng(seed)
    predicted = rng.random((5, 6, 7)).astype(np.float32)
    shown = slopes(predicted.astype(float), 1.0)
    scores = np.clip(0.8 * shown * rng.lognormal(0, spread, shown.shape), 0, 1)
    scores[rng.random(shown.shape) < zeros] = 0
    scores = scores.astype(np.float16)
    halo = compensation_halo(1.0)
    sums = ratio_sums(padded(scores, halo), padded(predicted, halo), sigmas=[1.0], halo=halo)[0]
    fit = fit_weight(sums, scores.size)
    tried = np.unique(np.concatenate([[0], scores.astype(float).ravel() / shown.ravel()]))
    means = [np.abs(scores.astype(float) - w * shown).mean() for w in tried]
    here = np.abs(scores.astype(float) - fit.weight * shown).mean()
    assert here <= min(means) * (1 + 1e-3) + 1e-9
    assert fit.mean_l1 == pytest.approx(here, rel=2e-3)
    given_one = fit_weight(sums, scores.size, weight=0.31)
    assert given_one.mean_l1 == pytest.approx(
        np.abs(scores.astype(float) - 0.31 * shown).mean(), rel=2e-3
    )


def test_sums_hold_every_score_and_every_slope():
    rng = np.random.default_rng(1)
    predicted = rng.random((6, 6, 6)).astype(np.float32)
    predicted[:3] = 0.5
    scores = rng.integers(0, 256, predicted.shape).astype(np.uint8)
    sums = ratio_sums(padded(scores, 3), padded(predicted, 3), sigmas=[0.4], halo=3)[0]
    assert sums[0].sum() == pytest.approx(FIXED * scores.sum() / 255, abs=scores.size)
    expected = slopes(predicted.astype(float), 0.4).sum()
    assert sums[1].sum() == pytest.approx(FIXED * expected, rel=1e-5)
