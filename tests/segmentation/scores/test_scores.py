"""Phases from scores: thresholds, small pores, the outside, and what downstream reads."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu, threshold_yen

from poroscale.engine import Run
from poroscale.pore_analysis import measure_pores
from poroscale.segmentation import (
    OtsuConfig,
    ScoresConfig,
    ScoreSources,
    Truth,
    segment_otsu,
    segment_scores,
)
from tests.segmentation.evaluation.test_evaluate import SHAPE, scene, stored
from tests.segmentation.thresholds.test_otsu import coupon
from tests.strategies import CHUNK

__all__ = ["stored"]


def by_hand(phases, scores, threshold, *, min_voxels=9):
    part = phases > 0
    labels, _ = ndimage.label(part & (scores >= threshold))
    large = np.bincount(labels.ravel()) >= min_voxels
    large[0] = False
    return np.where(part, 1 + large[labels], 0)


def test_phases_equal_the_whole_array(stored, new_path):
    phases, scores = scene(5)
    chunks = (6, 10, 24)
    sources = ScoreSources(part=stored(phases, chunks=chunks))
    config = ScoresConfig(min_voxels=4, sensitivity=(-0.1, 0.1))
    given_scores = stored(scores, chunks=chunks)
    run = Run(block=chunks)
    found = segment_scores(given_scores, new_path(), sources=sources, config=config, run=run)
    record = found.attributes["segmentation"]
    inside = scores[phases > 0]
    threshold = inside[inside > threshold_otsu(inside)].min()
    assert record["score_rule"] == "otsu"
    assert record["score_threshold"] == pytest.approx(threshold / 255)
    expected = by_hand(phases, scores, threshold, min_voxels=4)
    np.testing.assert_array_equal(found.read(), expected)
    assert found.attributes["kind"] == "phases"
    assert record["porosity"] == (expected == 2).sum() / (expected > 0).sum()
    assert [row["shift"] for row in record["sensitivity"]] == [-0.1, 0.0, 0.1]
    for row in record["sensitivity"]:
        other = by_hand(phases, scores / 255, row["threshold"], min_voxels=4)
        assert row["porosity"] == (other == 2).sum() / (other > 0).sum()
        assert row["pore_count"] == ndimage.label(other == 2)[1]


@pytest.mark.parametrize("kind", [np.uint8, np.float16])
def test_pores_among_noise_are_parted_by_yen(kind, stored, new_path):
    rng = np.random.default_rng(3)
    phases, _ = scene(5)
    scores = np.abs(rng.normal(0, 0.06, SHAPE))
    scores[phases == 2] += 0.6
    scores = np.clip(scores, 0, 1)
    scores = np.rint(scores * 255).astype(kind) if kind is np.uint8 else scores.astype(kind)
    unit = scores.astype(float) / (255 if kind is np.uint8 else 1)
    inside = unit[phases > 0]
    sources = ScoreSources(part=stored(phases, chunks=SHAPE))
    config = ScoresConfig(threshold="yen", min_voxels=1, sensitivity=())
    found = segment_scores(stored(scores, chunks=SHAPE), new_path(), sources=sources, config=config)
    threshold = found.attributes["segmentation"]["score_threshold"]
    assert threshold == pytest.approx(threshold_yen(inside), abs=np.ptp(inside) / 128)
    assert dice(found.read() == 2, phases == 2) > 0.8
    assert found.attributes["segmentation"]["score_rule"] == "yen"


def dice(found, true):
    return 2 * (found & true).sum() / (found.sum() + true.sum())


def test_shifts_smaller_than_the_hysteresis(stored, new_path):
    phases, scores = scene(5)
    sources = ScoreSources(part=stored(phases, chunks=SHAPE))
    config = ScoresConfig(threshold=0.5, hysteresis=0.1, sensitivity=(0.001,))
    found = segment_scores(
        stored(scores, chunks=SHAPE), new_path(), sources=sources, config=config
    ).attributes["segmentation"]
    assert [row["shift"] for row in found["sensitivity"]] == [0.0, 0.001]


@pytest.fixture
def whole(stored):
    return lambda array, kind=None: stored(array, kind, chunks=SHAPE)


def test_the_threshold_of_best_dice_on_what_is_labelled(whole, new_path):
    phases, scores = scene(6, np.float16)
    labelled = np.zeros(SHAPE, np.uint8)
    labelled[:7] = 1
    sources = ScoreSources(
        part=whole(phases), truth=Truth(whole(phases), "phases"), labelled=whole(labelled)
    )
    config = ScoresConfig(threshold="dice", sensitivity=(), min_voxels=1)
    found = segment_scores(whole(scores), new_path(), sources=sources, config=config)
    chosen = found.attributes["segmentation"]["score_threshold"]
    here = (phases > 0) & (labelled > 0)
    known = phases[here] == 2

    def dice(threshold):
        shown = scores[here].astype(float) >= threshold
        return 2 * (shown & known).sum() / (shown.sum() + known.sum())

    assert dice(chosen) == max(map(dice, np.unique(scores[here]).astype(float)))
    np.testing.assert_array_equal(
        found.read(), by_hand(phases, scores.astype(float), chosen, min_voxels=1)
    )


def test_hysteresis_grows_pores_only_from_high_scores(whole, new_path):
    scores = np.zeros(SHAPE, np.uint8)
    scores[2:5, 6:9, 6:9], scores[3, 7, 7] = 120, 200
    scores[2:5, 6:9, 14:17] = 120
    config = ScoresConfig(threshold=0.7, hysteresis=0.3, sensitivity=())
    phases = segment_scores(whole(scores), new_path(), config=config).read()
    assert (phases[2:5, 6:9, 6:9] == 2).all()
    assert (phases[2:5, 6:9, 14:17] == 1).all()
    assert (phases > 0).all()


def test_the_outside_of_a_scan_is_that_of_otsus_path(as_volume, new_path):
    grey = coupon(seed=3)
    scan = as_volume(grey, chunks=(7, 30, 32))
    scores = as_volume(np.clip((30000 - grey.astype(float)) / 90, 0, 255).astype(np.uint8))
    config = ScoresConfig(outside=OtsuConfig(circle="none"), sensitivity=())
    found = segment_scores(scores, new_path(), sources=ScoreSources(scan=scan), config=config)
    otsu = segment_otsu(scan, new_path(), config=OtsuConfig(circle="none", sensitivity=()))
    dark = threshold_otsu(grey)
    labels, _ = ndimage.label(grey <= dark)
    corners = np.unique(labels[np.ix_(*[(0, n - 1) for n in grey.shape])])
    outside = np.isin(labels, corners[corners > 0])
    np.testing.assert_array_equal(found.read() == 0, outside)
    record = found.attributes["segmentation"]
    assert record["outer_threshold"] == otsu.attributes["segmentation"]["outer_threshold"]


def test_closing_brings_open_pores_back(whole, new_path):
    part = np.ones(SHAPE, np.uint8)
    part[:, :3] = 0
    part[4:8, 3:8, 10:13] = 0
    scores = np.where(part == 0, 250, 3).astype(np.uint8)
    config = ScoresConfig(threshold=0.5, close_um=15.0, sensitivity=())
    sources = ScoreSources(part=whole(part))
    found = segment_scores(whole(scores), new_path(), sources=sources, config=config).read()
    assert (found[4:8, 5:8, 10:13] == 2).all()
    assert (found[:, :3] == 0).all()


def test_pores_are_measured_as_those_of_otsu(whole, new_path):
    phases, scores = scene(7)
    config = ScoresConfig(sensitivity=())
    sources = ScoreSources(part=whole(phases))
    found = segment_scores(whole(scores), new_path(), sources=sources, config=config)
    table = pd.read_parquet(measure_pores(found, new_path("pores")))
    assert len(table) == found.attributes["segmentation"]["pore_count"] > 2
    again = segment_scores(whole(scores), found.path, sources=sources, config=config)
    assert again.digest == found.digest


def test_what_cannot_be_segmented_is_refused(whole, new_path):
    phases, scores = scene()
    good = whole(scores)
    with pytest.raises(TypeError, match="must hold scores, uint8 or float16, got float32"):
        segment_scores(whole(scores.astype(np.float32)), new_path())
    with pytest.raises(ValueError, match="the part must have the scores' shape"):
        segment_scores(good, new_path(), sources=ScoreSources(part=whole(phases[:-1])))
    with pytest.raises(ValueError, match="must have labels"):
        segment_scores(good, new_path(), config=ScoresConfig(threshold="dice"))
    with pytest.raises(ValueError, match="from a scan or from a part, got both"):
        segment_scores(good, new_path(), sources=ScoreSources(scan=good, part=whole(phases)))
    with pytest.raises(ValueError, match="more than one score"):
        segment_scores(whole(np.full(SHAPE, 9, np.uint8)), new_path())
    nothing = ScoreSources(part=whole(np.zeros(SHAPE, np.uint8)))
    with pytest.raises(ValueError, match="leaves no part"):
        segment_scores(good, new_path(), sources=nothing)
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        ScoresConfig(threshold=1.5)
    bad = np.full(SHAPE, 2, np.float16)
    with pytest.raises(ValueError, match="scores from 0 to 1"):
        segment_scores(whole(bad), new_path())


def test_same_bytes_for_any_block_and_worker_count(stored, new_path):
    phases, scores = scene(8)
    volumes = stored(scores, chunks=CHUNK), ScoreSources(part=stored(phases, chunks=CHUNK))
    config = ScoresConfig(close_um=10.0, sensitivity=())
    runs = [Run(block=CHUNK, workers=1), Run(block=(8, 20, 24), workers=3)]
    made = [
        segment_scores(volumes[0], new_path(), sources=volumes[1], config=config, run=run)
        for run in runs
    ]
    assert made[0].digest == made[1].digest
