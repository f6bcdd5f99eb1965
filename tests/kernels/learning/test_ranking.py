"""Areas and curves of scores beside their definitions, voxel by voxel."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from poroscale.kernels.learning.ranking import Ranking
from poroscale.kernels.learning.score_levels import (
    count_invalid,
    count_scores,
    level_of_score,
    level_values,
    score_levels,
)

TYPES = [np.dtype(name) for name in ("bool", "uint8", "float16")]


def roc_auc(scores, pore):
    """Share of pairs in which the pore voxel scores higher; ties count half."""
    above = scores[pore][:, None] > scores[~pore][None, :]
    equal = scores[pore][:, None] == scores[~pore][None, :]
    return (above + 0.5 * equal).mean()


def average_precision(scores, pore):
    """Sum of (R_n - R_n-1) P_n over the distinct scores, as scikit-learn defines it."""
    total, before = 0.0, 0.0
    for threshold in np.unique(scores)[::-1]:
        taken = scores >= threshold
        recall = (taken & pore).sum() / pore.sum()
        total += (recall - before) * (taken & pore).sum() / taken.sum()
        before = recall
    return total


@st.composite
def scored(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(TYPES))
    count, kinds = draw(st.integers(2, 120)), draw(st.sampled_from([2, 5, 10_000]))
    choice = rng.choice(len(level_values(dtype)), min(kinds, len(level_values(dtype))))
    levels = rng.choice(choice, count)
    stored = {"b": bool, "u": np.uint8}.get(dtype.kind, np.uint16)
    scores = levels.astype(stored).view(dtype)
    pore = rng.random(count) < draw(st.sampled_from([0.05, 0.5]))
    inside = rng.random(count) < draw(st.sampled_from([0.5, 1.0]))
    return scores, pore, inside


@given(scored())
def test_measures_equal_their_definitions(case):
    scores, pore, inside = case
    assume(0 < pore[inside].sum() < inside.sum())
    dtype = scores.dtype
    counts = count_scores(scores, pore, inside)
    ranking = Ranking.of(level_values(dtype), counts[:, :-1])
    unit = scores[inside].astype(float) / (255 if dtype.kind == "u" else 1)
    known = pore[inside]
    assert ranking.roc_auc == pytest.approx(roc_auc(unit, known), abs=1e-14)
    assert ranking.average_precision == pytest.approx(average_precision(unit, known), abs=1e-14)
    assert ranking.porosity == known.mean()
    curves = ranking.curves()
    np.testing.assert_array_equal(curves["threshold"], np.unique(unit)[::-1])
    for k, threshold in enumerate(curves["threshold"]):
        taken = unit >= threshold
        assert curves["true_positives"][k] == (taken & known).sum()
        assert curves["precision"][k] == pytest.approx((taken & known).sum() / taken.sum())
        assert curves["false_positive_rate"][k] == pytest.approx(taken[~known].mean())
        dice = 2 * (taken & known).sum() / (taken.sum() + known.sum())
        assert curves["dice"][k] == pytest.approx(dice)
        assert ranking.at(threshold)["dice"] == pytest.approx(dice)
    assert ranking.at(ranking.best_threshold)["dice"] == curves["dice"].max()


def test_figures_that_are_known():
    ranking = Ranking.of(
        np.array([0.1, 0.4, 0.35, 0.8])[[0, 2, 1, 3]], np.array([[1, 0, 1, 0], [0, 1, 0, 1]])
    )
    assert ranking.roc_auc == 0.75
    assert ranking.average_precision == pytest.approx(0.8333333333333333)


@pytest.mark.parametrize(
    ("counts", "what"), [([[3, 1], [0, 0]], "pore"), ([[0, 0], [1, 1]], "solid")]
)
def test_one_class_alone_is_refused(counts, what):
    with pytest.raises(ValueError, match=f"got no {what} voxel"):
        Ranking.of(np.array([0.0, 1.0]), np.array(counts))


@pytest.mark.parametrize("dtype", TYPES)
def test_levels_ascend_with_the_scores(dtype):
    values = level_values(dtype)
    assert values[0] == 0
    assert values[-1] == 1
    assert (np.diff(values) > 0).all()
    stored = (values * 255).round().astype(np.uint8) if dtype.kind == "u" else values.astype(dtype)
    np.testing.assert_array_equal(score_levels(stored), np.arange(len(values)))
    assert all(level_of_score(values[k], dtype) == k for k in (0, 1, len(values) - 1))


def test_what_is_no_score_is_counted_apart():
    odd = np.array([np.nan, np.inf, -np.inf, -0.5, 1.001, -0.0, 0.0, 1.0], np.float16)
    assert count_invalid(odd) == 5
    counts = count_scores(odd, np.zeros(8, bool), np.ones(8, bool))
    assert (counts[0, 0], counts[0, -2], counts[0, -1]) == (2, 1, 5)
    assert count_scores(odd, np.zeros(8, bool), np.zeros(8, bool)).sum() == 0
