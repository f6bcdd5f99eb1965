"""Intervals and tests beside those of scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from poroscale.statistics.samples.uncertainty import fold_table, mean_of_folds, welch, wilson

FOLDS = st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda v: np.std(v) > 1e-6)


@given(FOLDS, FOLDS)
def test_welch_equals_scipy(first, second):
    found, expected = welch(first, second), stats.ttest_ind(first, second, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert found.t == pytest.approx(expected.statistic, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-12)
    assert found.degrees == pytest.approx(expected.df)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


@given(FOLDS)
def test_the_interval_of_a_mean_equals_scipy(values):
    found = mean_of_folds(values)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.mean == pytest.approx(np.mean(values))


@given(st.integers(0, 40), st.integers(1, 40))
def test_the_interval_of_a_share_equals_scipy(hits, more):
    count = hits + more
    expected = stats.binomtest(hits, count).proportion_ci(0.95, method="wilson")
    assert wilson(hits, count) == pytest.approx((expected.low, expected.high))
    assert wilson(0, 0) == (0.0, 1.0)


def test_models_that_do_not_vary_have_no_test():
    found = welch([0.5, 0.5], [0.4, 0.4])
    assert (found.difference, found.t, found.p) == (pytest.approx(0.1), None, None)
    assert mean_of_folds([0.7]).low is None


def test_a_table_of_three_models():
    rng = np.random.default_rng(0)
    folds = {
        name: {"average_precision": (mean + 0.03 * rng.random(5)).tolist()}
        for name, mean in {"a": 0.8, "b": 0.79, "c": 0.4}.items()
    }
    table = fold_table(folds)
    assert [row["model"] for row in table["means"]] == ["a", "b", "c"]
    assert [(row["first"], row["second"]) for row in table["pairs"]] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    p = np.array([row["p"] for row in table["pairs"]])
    holm = np.array([row["p_holm"] for row in table["pairs"]])
    order = np.argsort(p)
    expected = np.minimum(1, np.maximum.accumulate(p[order] * [3, 2, 1]))
    np.testing.assert_allclose(holm[order], expected)


def test_folds_that_do_not_compare_are_refused():
    with pytest.raises(ValueError, match="at least 2 finite numbers"):
        welch([0.5], [0.4, 0.3])
    with pytest.raises(ValueError, match="at least 1 finite numbers"):
        mean_of_folds([float("nan")])
    with pytest.raises(ValueError, match="the same measures"):
        fold_table({"a": {"auc": [1.0]}, "b": {"dice": [1.0]}})
