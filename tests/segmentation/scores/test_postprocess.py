"""Post-processed scores: the optimiser, any grid, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.engine import Run
from poroscale.kernels.learning.compensation import compensation_halo
from poroscale.segmentation import PostprocessConfig, postprocess_scores
from poroscale.segmentation.scores.compensation_fit import fit_compensation
from tests.kernels.learning.test_compensation import slopes
from tests.strategies import blocks

SHAPE = (20, 34, 36)
WEIGHT, SIGMA = 0.7, 1.6
CHUNKS = (20, 17, 36)


def ball_and_pore(seed=0):
    """A blurred ball as a network predicts it, and scores that its slope explains, but a pore."""
    centre = (np.array(SHAPE) - 1) / 2
    away = np.linalg.norm(np.indices(SHAPE).T - centre, axis=-1).T
    predicted = ndimage.gaussian_filter((away < 9).astype(float), 1.0).astype(np.float32)
    scores = WEIGHT * slopes(predicted.astype(float), SIGMA)
    scores *= np.random.default_rng(seed).lognormal(0, 0.05, SHAPE)
    pore = away < 2
    scores[pore] += 0.5
    return predicted, np.clip(scores, 0, 1).astype(np.float16), pore


@pytest.fixture
def stored(as_volume):
    """A volume of two blocks."""
    return lambda array: as_volume(array, chunks=CHUNKS)


@pytest.fixture(scope="module")
def scene():
    return ball_and_pore()


def as_bytes(scores):
    return np.rint(scores.astype(np.float32) * 255).astype(np.uint8)


def test_a_known_weight_and_gaussian_are_found(scene, stored, new_path):
    predicted, scores, pore = scene
    config = PostprocessConfig(sigma_range=(0.5, 4.0))
    made = postprocess_scores(stored(scores), stored(predicted), new_path(), config=config)
    found = made.attributes["postprocessing"]
    assert found["weight"] == pytest.approx(WEIGHT, rel=0.02)
    assert found["sigma_voxels"] == pytest.approx(SIGMA, rel=0.02)
    assert found["warnings"] == []
    assert found["mean_l1"] < 0.3 * found["mean_score"]
    assert found["mean_score"] == pytest.approx(scores.astype(float).mean(), rel=1e-6)
    left = made.read().astype(float)
    assert left[pore].min() > 0.4
    assert left[~pore].max() < 0.05
    assert scores[~pore].max() > 0.15


def test_what_lies_outside_the_part_does_not_count(scene, stored, new_path):
    predicted, scores, _ = scene
    centre = (np.array(SHAPE) - 1) / 2
    part = np.linalg.norm(np.indices(SHAPE).T - centre, axis=-1).T < 8.5
    masked = stored(np.where(part, scores, 0).astype(np.float16))
    config = PostprocessConfig(sigma_range=(0.5, 4.0))
    whole = fit_compensation(masked, stored(predicted), config=config)
    assert whole.weight < 0.5 * WEIGHT  # the slope beyond the surface has no score to explain
    inside = stored(part.astype(np.uint8))
    made = postprocess_scores(masked, stored(predicted), new_path(), inside=inside, config=config)
    found = made.attributes["postprocessing"]
    assert found["weight"] == pytest.approx(WEIGHT, rel=0.03)
    assert found["sigma_voxels"] == pytest.approx(SIGMA, rel=0.03)
    assert found["mean_score"] == pytest.approx(scores[part].astype(float).mean(), rel=1e-6)
    assert not made.read()[~part].any()
    with pytest.raises(ValueError, match="no voxel counts"):
        fit_compensation(masked, stored(predicted), inside=stored(np.zeros(SHAPE, np.uint8)))
    with pytest.raises(ValueError, match="inside must have the scores' shape"):
        fit_compensation(masked, stored(predicted), inside=stored(np.ones((20, 17, 36), np.uint8)))


def test_the_minimum_is_that_of_a_plain_search(scene, stored):
    predicted, scores, _ = scene
    rough = ndimage.uniform_filter(scores.astype(float), 3).astype(np.float16)
    config = PostprocessConfig(sigma_range=(0.5, 4.0))
    found = fit_compensation(stored(rough), stored(predicted), config=config)

    def mean_l1(weight, sigma):
        return np.abs(rough.astype(float) - weight * slopes(predicted.astype(float), sigma)).mean()

    assert found.mean_l1 == pytest.approx(mean_l1(found.weight, found.sigma), rel=1e-3)
    for weight in (0.97, 1.03):
        assert mean_l1(weight * found.weight, found.sigma) > found.mean_l1 * (1 - 1e-4)
    for sigma in (0.95, 1.05):
        at = [mean_l1(w * found.weight, sigma * found.sigma) for w in np.linspace(0.9, 1.1, 21)]
        assert min(at) > found.mean_l1 * (1 - 1e-4)


@settings(max_examples=2)
@given(block=blocks(), kind=st.sampled_from([np.uint8, np.float16]))
def test_same_bytes_for_any_block(block, kind, scene, as_volume, new_path):
    predicted, scores, _ = scene
    cut = (slice(5, 14), slice(12, 20), slice(12, 24))
    scores = scores[cut] if kind is np.float16 else as_bytes(scores[cut])
    pair = as_volume(scores), as_volume(as_bytes(predicted[cut]))
    config = PostprocessConfig(sigma_range=(0.5, 2.0), sigmas=4)
    runs = [Run(block=block, workers=2), Run(block=(12, 10, 16), workers=1)]
    made = [postprocess_scores(*pair, new_path(), config=config, run=run) for run in runs]
    assert made[0].digest == made[1].digest


@settings(max_examples=4)
@given(block=blocks(), sigma=st.sampled_from([0.5, 1.3]))
def test_any_grid_equals_the_whole_array(block, sigma, scene, as_volume, new_path):
    predicted, scores, _ = scene
    cut = (slice(5, 14), slice(8, 20), slice(0, 17))
    predicted, scores = predicted[cut], scores[cut]
    config = PostprocessConfig(weight=0.5, sigma=sigma)
    made = postprocess_scores(
        as_volume(scores), as_volume(predicted), new_path(), config=config, run=Run(block=block)
    )
    expected = np.maximum(0, scores.astype(float) - 0.5 * slopes(predicted.astype(float), sigma))
    np.testing.assert_allclose(made.read(), expected, atol=5e-4)
    assert compensation_halo(sigma) > 1


def test_scores_of_zero_are_told_not_fitted(scene, stored, new_path):
    predicted, scores, _ = scene
    nothing = np.where(scores > 0.3, scores, 0).astype(np.float16)
    made = postprocess_scores(stored(nothing), stored(predicted), new_path())
    found = made.attributes["postprocessing"]
    assert found["weight"] == 0
    assert "the best weight is 0" in found["warnings"][0]
    np.testing.assert_array_equal(made.read(), nothing)


def test_a_gaussian_at_the_end_of_the_range_is_told(scene, stored):
    predicted, scores, _ = scene
    config = PostprocessConfig(sigma_range=(0.4, 0.9), sigmas=4)
    found = fit_compensation(stored(scores), stored(predicted), config=config)
    assert "at the end of the range" in found.warnings[0]


def test_what_does_not_belong_together_is_refused(scene, stored, new_path):
    predicted, scores, _ = scene
    a, d = stored(scores), stored(predicted)
    with pytest.raises(ValueError, match="must have the scores' shape"):
        postprocess_scores(a, stored(predicted[:-1]), new_path())
    with pytest.raises(TypeError, match="must hold scores, uint8 or float16, got float32"):
        postprocess_scores(d, d, new_path())
    with pytest.raises(TypeError, match="must hold a prediction"):
        postprocess_scores(a, stored(predicted.astype(np.int32)), new_path())
    with pytest.raises(ValueError, match="must vary"):
        postprocess_scores(a, stored(np.ones_like(predicted)), new_path())
    bad = scores.copy()
    bad[3, 4, 5] = np.nan
    with pytest.raises(ValueError, match="scores from 0 to 1"):
        postprocess_scores(stored(bad), d, new_path())
    bad = predicted.copy()
    bad[3, 4, 5] = np.inf
    with pytest.raises(ValueError, match="no finite numbers"):
        postprocess_scores(a, stored(bad), new_path())
    with pytest.raises(ValueError, match="sigma_range must ascend"):
        PostprocessConfig(sigma_range=(3, 2))
