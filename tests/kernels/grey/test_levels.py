"""Grey histograms: levels, peaks, and how much of the dark side is the solid's own noise."""

import numpy as np
import pytest
from hypothesis import given
from scipy.special import ndtr

from poroscale.kernels.grey.levels import (
    Levels,
    brightest_peak,
    count_levels,
    levels_between,
    levels_of,
    noise_share,
    otsu,
    smooth_gaussian,
)
from tests.strategies import grey


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.uint16, np.int16])
def test_every_level_of_a_narrow_integer_has_its_bin(dtype):
    low, high = (0, 1) if dtype is bool else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = np.array([low, low, high], dtype)
    levels = levels_of(np.dtype(dtype))
    counts = count_levels(values, levels)
    assert levels.bins == high - low + 1
    assert (counts[0], counts[-1], counts.sum()) == (2, 1, 3)
    assert (levels.centres[0], levels.centres[-1]) == (low, high)


@given(values=grey(np.float32))
def test_float_bins_are_numpys(values):
    low, high = float(values.min()), float(values.max())
    if low == high:
        return
    levels = levels_between(low, high, values.dtype)
    assert levels.bins == 256
    expected, _ = np.histogram(values.astype(np.float64), 256, (low, high))
    counts = count_levels(values, levels)
    # A value on an edge may fall to either side of it in the last bit.
    assert np.abs(np.cumsum(counts - expected)).max() <= (values.size + 9) // 10
    assert counts.sum() == values.size


def test_wide_integers_keep_their_levels_while_they_are_few():
    assert levels_between(5, 70000, np.dtype(np.uint32)).exact is False
    levels = levels_between(100000, 100300, np.dtype(np.uint32))
    assert levels.exact
    assert count_levels(np.array([100000, 100300], np.uint32), levels)[[0, -1]].tolist() == [1, 1]


def normal_peak(mode, deviation, voxels=10**7):
    levels = levels_of(np.dtype(np.uint16))
    counts = voxels * np.diff(ndtr((np.arange(65537) - 0.5 - mode) / deviation))
    return np.rint(counts).astype(np.int64), levels


@pytest.mark.parametrize("deviation", [200, 1500])
def test_peak_of_normal_noise(deviation):
    counts, levels = normal_peak(30000, deviation)
    counts[36500:37500] += 300
    counts[20000:25000] += 200
    peak = brightest_peak(counts, levels)
    assert peak.mode == pytest.approx(30000, abs=deviation / 4)
    assert peak.deviation == pytest.approx(deviation, rel=0.15)


def test_noise_alone_is_noise_and_pores_are_not():
    counts, levels = normal_peak(30000, 1000)
    cut = otsu(counts, levels, what="test")
    assert noise_share(counts, levels, brightest_peak(counts, levels), cut) > 0.5
    counts[8000:9000] += 1000
    cut = otsu(counts, levels, what="test")
    assert cut < 26000
    assert noise_share(counts, levels, brightest_peak(counts, levels), cut) < 0.01


def test_one_grey_value_has_no_threshold():
    counts = np.zeros(256, np.int64)
    counts[7] = 100
    with pytest.raises(ValueError, match="the scan must have more than one grey value"):
        otsu(counts, Levels(0, 1.0, 256), what="the scan")


def test_smoothing_keeps_type_and_mean():
    block = np.random.default_rng(0).integers(0, 65536, (9, 10, 11)).astype(np.uint16)
    smooth = smooth_gaussian(block, sigma=(1.0, 2.0, 0.5))
    assert smooth.dtype == np.uint16
    assert smooth.mean() == pytest.approx(block.mean(), rel=0.05)
    assert smooth.std() < block.std() / 3
