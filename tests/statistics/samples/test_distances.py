import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from poroscale.compare.comparison import measure_row
from poroscale.compare.config import CompareConfig
from poroscale.compare.pore_values import Measure
from poroscale.statistics.samples.distances import (
    Values,
    bootstrap_interval,
    halves,
    kolmogorov_smirnov,
    ratio_of,
    split_distances,
    wasserstein,
)


def draw(seed, *, shift=0.0, scale=1.0, count=1600, windows=16):
    rng = np.random.default_rng(seed)
    values = rng.normal(shift, scale, count)
    return Values(values, rng.integers(0, windows, count), windows)


def test_distances_are_those_of_scipy():
    a, b = draw(1).values, draw(2, shift=0.3, count=900).values
    assert wasserstein(a, b) == stats.wasserstein_distance(a, b)
    expected = stats.ks_2samp(a, b, method="asymp")
    assert kolmogorov_smirnov(a, b) == (expected.statistic, expected.pvalue)


def test_on_a_circle_a_small_turn_is_a_small_distance():
    a = np.random.default_rng(3).uniform(-5, 5, 400)
    turned = wasserstein(a % 180, (a + 4) % 180, period=180.0)
    assert turned == pytest.approx(4.0)
    assert wasserstein(a % 180, (a + 4) % 180) > 20


@given(st.floats(0, 360), st.integers(0, 1000))
def test_on_a_circle_the_origin_does_not_matter(origin, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, 360, 30), rng.normal(90, 40, 41)
    expected = wasserstein(a, b, period=360.0)
    assert wasserstein(a + origin, b + origin, period=360.0) == pytest.approx(expected, abs=1e-9)


def test_the_interval_covers_a_known_shift():
    covered = 0
    for seed in range(20):
        a, b = draw(seed, count=150).values, draw(100 + seed, shift=1.0, count=200).values
        low, high = bootstrap_interval(a, b, resamples=100, seed=seed)
        assert 0 <= low <= high
        covered += low <= 1.0 <= high
    assert covered >= 16


def test_the_interval_of_many_values_is_narrower():
    width = []
    for count in (400, 40_000):
        a, b = draw(1, count=count).values, draw(2, shift=1.0, count=count).values
        low, high = bootstrap_interval(a, b, resamples=60, seed=0)
        width.append(high - low)
    assert width[1] < 0.2 * width[0]


@given(st.integers(2, 41), st.integers(1, 6))
def test_halves_share_out_pairs_of_neighbours(windows, splits):
    for first, second in halves(windows, splits=splits, seed=1):
        assert len(first) == len(second) == windows // 2
        assert set(first) | set(second) == set(range(2 * (windows // 2)))
        assert (np.abs(first - second) == 1).all()


def test_equal_laws_pass_whatever_the_sizes_and_shifted_ones_fail():
    measure, config = Measure("m", "Measure"), CompareConfig(bootstrap=20)
    ratios = [
        measure_row(measure, draw(s), draw(50 + s, count=n, windows=w), config)["ratio"]
        for s, (n, w) in enumerate([(1600, 16), (16_000, 160), (400, 4), (1600, 16)] * 3)
    ]
    assert 0.7 < np.median(ratios) < 1.3
    assert np.mean(np.array(ratios) <= 1.5) > 0.7
    for other in (draw(9, shift=0.4), draw(9, scale=1.6)):
        row = measure_row(measure, draw(1), other, config)
        assert row["ratio"] > 1.5
        assert row["passes"] is False


def test_halves_and_generated_are_compared_at_one_size():
    across, within = split_distances(draw(1), draw(2, count=64_000, windows=640), splits=20, seed=0)
    assert across.mean() == pytest.approx(within.mean(), rel=0.5)


def test_a_constant_measure_is_as_close_as_it_can_be():
    assert ratio_of(0.0, 0.0) == 1.0
    assert ratio_of(1.0, 0.0) == float("inf")
