"""The scan itself as scores: the same for any blocks, and no outlier spoils it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.engine import Run
from poroscale.segmentation import evaluate_scores
from poroscale.segmentation.evaluation.grey_scores import (
    GREY,
    SMOOTHED,
    beaten_by_grey,
    grey_baselines,
)
from poroscale.segmentation.network.normalisation import grey_extent
from tests.segmentation.evaluation.test_evaluate import EVERY, scene, stored
from tests.segmentation.thresholds.test_otsu import corners, coupon, flood
from tests.strategies import blocks

__all__ = ["stored"]


def whole_array(grey, low, high):
    """Scores by whole-array tools."""
    wide = grey.astype(np.float32)
    smooth = ndimage.gaussian_filter(wide, 0.7, mode="nearest", radius=3)
    return {
        name: np.clip((high - each.astype(float)) / (high - low), 0, 1)
        for name, each in ((GREY, wide), (SMOOTHED, smooth))
    }


@settings(max_examples=4)
@given(seed=st.integers(0, 99), block=blocks(), dtype=st.sampled_from([np.uint8, np.float32]))
def test_scores_equal_the_whole_array_for_any_block(seed, block, dtype, as_volume, new_path):
    grey = (coupon((9, 22, 24), seed=seed, pores=6) / 256).astype(dtype)
    scan = as_volume(grey)
    low, high = grey_extent(scan)
    found = grey_baselines(scan, new_path("grey"), run=Run(block=block))
    again = grey_baselines(scan, new_path("grey"), run=Run(workers=1))
    for name, wanted in whole_array(grey, low, high).items():
        assert found[name].dtype == np.float16
        np.testing.assert_allclose(found[name].read(), wanted, atol=6e-4)
        np.testing.assert_array_equal(found[name].read(), again[name].read())


def test_what_surrounds_the_part_scores_nothing_once_it_is_flooded(as_volume, new_path):
    grey = coupon((9, 30, 32), seed=3)
    scan = as_volume(grey)
    plain = grey_baselines(scan, new_path("grey"))[GREY].read()
    found = grey_baselines(scan, new_path("grey"), flood=True, run=Run(block=(4, 10, 8)))
    outside = flood(grey <= 19000, corners(grey.shape))
    scores = found[GREY].read()
    assert plain[outside].min() > 0.3
    assert (scores[outside] == 0).mean() > 0.99
    inside = ndimage.binary_erosion(~outside, iterations=2)
    np.testing.assert_array_equal(scores[inside], plain[inside])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("outlier", [0, 65535])
def test_a_single_outlier_does_not_spoil_the_resolution(outlier, dtype, stored, new_path):
    phases, scores = scene(5)
    grey = (32000 - scores.astype(float)).astype(dtype)
    grey[0, 0, 0] = outlier
    truth = stored(phases, "phases")
    alone = evaluate_scores(stored(scores), truth, config=EVERY).ranking
    found = grey_baselines(stored(grey), new_path("grey"))[GREY]
    ranking = evaluate_scores(found, truth, config=EVERY).ranking
    assert ranking.average_precision == pytest.approx(alone.average_precision, abs=0.01)
    assert len(np.unique(found.read())) > 150


def test_few_pores_in_a_crop_without_air_keep_their_order(as_volume):
    rng = np.random.default_rng(0)
    grey = rng.normal(30000, 500, (24, 24, 24))
    grey[10:13, 10:13, 10:12] -= np.linspace(3000, 8000, 18).reshape(3, 3, 2)
    low, high = grey_extent(as_volume(grey.astype(np.uint16)))
    noise = np.sort(grey.ravel())[18:]
    assert low < noise.min() < high < grey.max()


def test_scans_of_two_values_and_of_one(as_volume, new_path):
    grey = np.full((8, 10, 12), 200, np.uint8)
    with pytest.raises(ValueError, match="must have more than one grey value"):
        grey_baselines(as_volume(grey), new_path("grey"))
    grey[4, 5, 6] = 10
    found = grey_baselines(as_volume(grey), new_path("grey"))[GREY].read()
    assert found[4, 5, 6] == 1
    assert np.count_nonzero(found) == 1


def test_only_scores_are_told_that_they_are_beaten(stored):
    phases, scores = scene(11)
    truth = stored(phases, "phases")
    grey, worse = (
        evaluate_scores(stored(each), truth, config=EVERY)
        for each in (scores, ndimage.gaussian_filter(scores, 3))
    )
    hard = evaluate_scores(stored(phases, "phases"), truth, config=EVERY)
    same, grey = grey, grey.called(GREY).as_baseline()
    assert beaten_by_grey([worse, hard]) == []
    (said,) = beaten_by_grey([worse, hard, grey])
    assert said.startswith(f"{worse.name} tells pores from solid no better than grey")
    assert beaten_by_grey([same, grey])  # as good is no better
