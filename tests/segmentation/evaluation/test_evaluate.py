"""Scores against known pores: voxels, pores, any grid, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.engine import Run, volume_from_array
from poroscale.segmentation import EvaluateConfig, Truth, evaluate_scores
from poroscale.volume import VolumeSpec
from tests.kernels.learning.test_ranking import average_precision, roc_auc
from tests.strategies import CHUNK, blocks

SHAPE = (12, 20, 24)
EVERY = EvaluateConfig(min_voxels=1)


def scene(seed=0, dtype=np.uint8):
    """Phases with pores of several sizes, and scores that blur and miss them."""
    rng = np.random.default_rng(seed)
    phases = np.zeros(SHAPE, np.uint8)
    phases[:, 2:-2, 2:-2] = 1
    for centre in rng.uniform(0, 1, (14, 3)):
        at = 1 + centre * (np.array(SHAPE) - 2)
        away = np.linalg.norm(np.indices(SHAPE).T - at, axis=-1).T
        phases[(away < rng.uniform(0.8, 2.6)) & (phases > 0)] = 2
    scores = ndimage.gaussian_filter((phases == 2).astype(float), 0.7)
    scores = np.clip(scores + rng.normal(0, 0.12, SHAPE), 0, 1)
    return phases, (np.rint(255 * scores) if dtype is np.uint8 else scores).astype(dtype)


@pytest.fixture
def stored(new_path):
    """Write an array as a volume, of one chunk where nothing else is said."""

    def write(array, kind=None, chunks=None):
        attributes = {"kind": kind} if kind else {}
        spec = VolumeSpec(
            array.shape,
            array.dtype,
            (5.0, 5.0, 5.0),
            attributes=attributes,
            chunks=chunks or array.shape,
        )
        return volume_from_array(array, new_path(), spec=spec)

    return write


def matched(phases, shown):
    """Pores found and pores true, by plain loops over scipy's labels."""
    truth, measured = (ndimage.label(mask)[0] for mask in (phases == 2, shown))
    covered = [
        max(
            (((truth == t) & (measured == m)).sum() for m in np.unique(measured[truth == t]) if m),
            default=0,
        )
        for t in range(1, truth.max() + 1)
    ]
    sizes = np.bincount(truth.ravel())[1:]
    true = [(truth[measured == m] > 0).mean() >= 0.25 for m in range(1, measured.max() + 1)]
    return np.array(covered) >= 0.25 * sizes, np.array(true), sizes


@settings(max_examples=2)
@given(block=blocks(), kind=st.sampled_from([np.uint8, np.float16]), seed=st.integers(0, 9))
def test_any_grid_equals_the_whole_array(block, kind, seed, stored):
    phases, scores = scene(seed, kind)
    volumes = stored(scores, chunks=CHUNK), stored(phases, "phases", chunks=CHUNK)
    found = evaluate_scores(*volumes, config=EVERY, run=Run(block=block))
    inside = phases > 0
    unit = scores[inside].astype(float) / (255 if kind is np.uint8 else 1)
    pore = phases[inside] == 2
    numbers = found.numbers
    assert numbers["roc_auc"] == pytest.approx(roc_auc(unit, pore), abs=1e-13)
    assert numbers["average_precision"] == pytest.approx(average_precision(unit, pore), abs=1e-13)
    assert numbers["voxels"] == {
        "counted": inside.sum(),
        "pore": pore.sum(),
        "porosity": pore.mean(),
    }
    shown = inside & (scores.astype(float) / (255 if kind is np.uint8 else 1) >= found.threshold)
    recalled, true, sizes = matched(phases, shown)
    pores = numbers["pores"]
    assert (pores["truth_count"], pores["found_count"]) == (len(recalled), recalled.sum())
    assert (pores["measured_count"], pores["true_count"]) == (len(true), true.sum())
    diameter = np.cbrt(6 * sizes / np.pi)
    for row in pores["by_size"]:
        high = row["high_voxels"] or np.inf
        here = recalled[(diameter > row["low_voxels"]) & (diameter <= high)]
        assert row["truth_count"] == len(here)
        assert row["recall"] == (pytest.approx(here.mean()) if len(here) else None)
        assert row["low_um"] == pytest.approx(5 * row["low_voxels"])


def test_mask_labels_and_phases_say_the_same(stored):
    phases, scores = scene(3)
    given_scores, inside = stored(scores, chunks=SHAPE), stored(phases > 0, chunks=SHAPE)
    labels = ndimage.label(phases == 2)[0].astype(np.uint32)
    kinds = {
        "phases": stored(phases, chunks=SHAPE),
        "mask": stored((phases == 2).astype(np.uint8), chunks=SHAPE),
        "labels": stored(labels, "labels", chunks=SHAPE),
    }
    found = {
        kind: evaluate_scores(given_scores, truth, inside=inside).numbers
        for kind, truth in kinds.items()
    }
    assert {kind: numbers["settings"]["truth"] for kind, numbers in found.items()} == {
        kind: kind for kind in kinds
    }
    for kind in ("mask", "labels"):
        assert found[kind]["voxels"] == found["phases"]["voxels"]
        assert found[kind]["average_precision"] == found["phases"]["average_precision"]
        assert found[kind]["pores"] == found["phases"]["pores"]


def test_only_voxels_inside_count(stored):
    phases, scores = scene(1)
    half = np.zeros(SHAPE, np.uint8)
    half[:6] = 1
    scores = np.where(phases == 0, 255, scores).astype(np.uint8)
    config = EvaluateConfig(pores=False)
    volumes = stored(scores), stored(phases, "phases")
    part = evaluate_scores(*volumes, inside=stored(half), config=config)
    counted = (phases > 0) & (half > 0)
    unit, pore = scores[counted] / 255, phases[counted] == 2
    assert part.ranking.average_precision == pytest.approx(average_precision(unit, pore))
    everywhere = EvaluateConfig(pores=False, everywhere=True)
    whole = evaluate_scores(*volumes, config=everywhere)
    assert whole.numbers["voxels"]["counted"] == phases.size
    assert whole.ranking.average_precision < part.ranking.average_precision


def test_phases_are_scores_of_two_levels(stored):
    phases, scores = scene(2)
    shown = np.where((phases > 0) & (scores > 120), 2, np.minimum(phases, 1)).astype(np.uint8)
    volumes = stored(shown, "phases"), stored(phases, "phases")
    found = evaluate_scores(*volumes, config=EVERY).numbers
    true = ((shown == 2) & (phases == 2)).sum()
    assert found["best"]["precision"] == pytest.approx(true / (shown == 2).sum())
    assert found["best"]["recall"] == pytest.approx(true / (phases == 2).sum())
    assert found["pores"]["measured_count"] == ndimage.label(shown == 2)[1]


def test_a_perfect_score_has_full_marks_and_small_pores_can_be_left_out(stored):
    phases, _ = scene(4)
    perfect = stored(np.where(phases == 2, 200, 10).astype(np.uint8))
    found = evaluate_scores(perfect, stored(phases, "phases"), config=EVERY).numbers
    assert found["roc_auc"] == found["average_precision"] == found["best"]["dice"] == 1
    assert found["pores"]["recall"] == found["pores"]["precision"] == 1
    assert found["pores"]["volume_ratio_median"] == 1
    config = EvaluateConfig(min_voxels=40, threshold=0.5)
    fewer = evaluate_scores(perfect, stored(phases, "phases"), config=config).numbers
    assert fewer["pores"]["measured_count"] < found["pores"]["measured_count"]


def test_what_cannot_be_evaluated_is_refused(stored):
    phases, scores = scene()
    good, truth = stored(scores), stored(phases, "phases")
    with pytest.raises(ValueError, match="truth must have the scores' shape"):
        evaluate_scores(good, stored(phases[:-1], "phases"))
    with pytest.raises(ValueError, match="inside must have the scores' shape"):
        evaluate_scores(good, truth, inside=stored(phases[:-1]))
    with pytest.raises(TypeError, match=r"must hold scores .* got float32"):
        evaluate_scores(stored(scores.astype(np.float32)), truth)
    with pytest.raises(TypeError, match="truth as integers"):
        evaluate_scores(good, stored(scores.astype(np.float32)))
    with pytest.raises(ValueError, match="got no pore voxel"):
        evaluate_scores(good, stored(np.minimum(phases, 1), "phases"))
    with pytest.raises(ValueError, match="got no solid voxel"):
        evaluate_scores(good, stored(np.full(SHAPE, 2, np.uint8), "phases"))
    bad = (scores / 255).astype(np.float16)
    bad[phases == 2] = np.nan
    with pytest.raises(ValueError, match="scores from 0 to 1"):
        evaluate_scores(stored(bad), truth)
    with pytest.raises(ValueError, match="phases, a mask or labels: its values are 0 to 7"):
        evaluate_scores(good, stored((phases * 3 + (phases == 2)).astype(np.uint8)))
    with pytest.raises(ValueError, match="truth must be one of"):
        Truth.of(truth, "pores")
