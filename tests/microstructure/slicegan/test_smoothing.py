"""Averaged shares: exact for any box, and with surfaces as large as wanted."""

import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import softmax

from poroscale.microstructure.slicegan.biases import PhaseBiases, fitted_biases
from poroscale.microstructure.slicegan.reference import sampled_scores
from poroscale.microstructure.slicegan.sampler import SliceGanSampler, SliceGanScores
from poroscale.microstructure.slicegan.smoothing import (
    fitted_width,
    radius_of,
    smoothed_scores,
)

WIDTH = 0.8


@pytest.fixture(scope="module")
def sampler(generator, weights):
    sample = sampled_scores(generator, 2, smoothing=WIDTH)
    biases = PhaseBiases(fitted_biases(sample, (0.3, 0.4, 0.3)))
    return SliceGanSampler(SliceGanScores.of(weights, 16, seed=5), biases, WIDTH)


def drawn(shape=(20, 20, 20), phases=3, seed=0):
    return np.random.default_rng(seed).normal(size=(*shape, phases)).astype(np.float32) * 3


@pytest.mark.parametrize("phases", [2, 3])
def test_shares_are_averaged_by_a_gaussian(phases):
    scores, radius = drawn(phases=phases), radius_of(WIDTH)
    found = smoothed_scores(scores, WIDTH)
    shares = softmax(scores.astype(np.float64), axis=3)
    wanted = gaussian_filter(shares, (WIDTH, WIDTH, WIDTH, 0), radius=(radius,) * 3 + (0,))
    inner = (slice(radius, -radius),) * 3
    np.testing.assert_allclose(np.exp(found), wanted[inner], atol=1e-6)
    np.testing.assert_allclose(softmax(found, axis=3), wanted[inner], atol=1e-6)
    assert smoothed_scores(scores, 0.0) is scores


def test_what_is_even_stays_as_it_is():
    scores = np.broadcast_to(np.float32([1.0, -2.0, 0.5]), (9, 9, 9, 3)).copy()
    found = smoothed_scores(scores, WIDTH)
    np.testing.assert_allclose(found[..., 0] - found[..., 1], 3.0, atol=1e-5)


def test_scores_far_apart_have_a_logarithm():
    scores = np.zeros((9, 9, 9, 2), np.float32)
    scores[..., 1] = -1e4
    assert np.isfinite(smoothed_scores(scores, WIDTH)).all()


@pytest.mark.parametrize("box", [((-3, 5, 2), (21, 9, 18)), ((14, -17, 15), (3, 2, 4))])
def test_a_box_is_a_part_of_the_whole(sampler, box):
    whole = sampler((-24, -24, -24), (56, 48, 60))
    np.testing.assert_allclose(np.bincount(whole.ravel()) / whole.size, (0.3, 0.4, 0.3), atol=0.1)
    origin, shape = box
    at = tuple(slice(o + 24, o + 24 + n) for o, n in zip(origin, shape, strict=True))
    assert np.array_equal(sampler(*box), whole[at])
    for tile in ((8, 8, 8), (24, 16, 32)):
        other = SliceGanSampler(sampler.scores.but(tile=tile), sampler.biases, WIDTH)
        assert np.array_equal(other(*box), whole[at])


def test_it_is_the_average_of_the_scores_around(sampler):
    scores = sampler.scores.computed((-8, -8, -8), (32, 32, 32))
    kept = (slice(8 - radius_of(WIDTH), -8 + radius_of(WIDTH)),) * 3
    around = smoothed_scores(np.ascontiguousarray(scores[kept]), WIDTH)
    wanted = (around + np.float32(sampler.biases.values)).argmax(axis=3)
    assert np.array_equal(sampler((0, 0, 0), (16, 16, 16)), wanted)
    plain = SliceGanSampler(sampler.scores, sampler.biases)
    assert not np.array_equal(plain((0, 0, 0), (16, 16, 16)), wanted)
    assert plain.recipe.keys() < sampler.recipe.keys()
    assert plain.need < sampler.need


def test_a_tile_takes_no_more_than_is_planned(sampler):
    tile = (64, 64, 64)
    large = SliceGanSampler(sampler.scores.but(tile=tile), sampler.biases, WIDTH)
    large((0, 0, 0), (8, 8, 8))
    tracemalloc.start()
    large((0, 0, 0), tile)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.4 * large.need < peak <= large.need


def test_a_period_holds(sampler):
    period = SliceGanSampler(sampler.scores.but(period=(16, None, 24)), sampler.biases, WIDTH)
    box = period((-5, 2, 3), (30, 5, 40))
    assert np.array_equal(box[:14], box[16:])
    assert np.array_equal(box[:, :, :16], box[:, :, 24:])


def noisy(smooth, noise, seed=0):
    """Blocks of a smooth field with noise from voxel to voxel on it."""
    rng = np.random.default_rng(seed)
    for _ in range(2):
        field = gaussian_filter(rng.normal(size=(40, 40, 40)), smooth)
        field = field / field.std() + noise * rng.normal(size=field.shape)
        yield np.stack([np.zeros_like(field), 4 * field], axis=3).astype(np.float32)


def unlike(blocks, share=0.3):
    fields = [block[..., 1] for block in blocks]
    level = np.quantile(np.stack(fields), 1 - share)
    phases = [field > level for field in fields]
    return np.mean([np.diff(each, axis=k).mean() for each in phases for k in range(3)])


def test_the_width_brings_surfaces_to_those_that_are_wanted():
    wanted = unlike(noisy(3.0, 0.0))
    rough = list(noisy(3.0, 0.4))
    width = fitted_width(rough, (0.7, 0.3), wanted)
    assert 0.4 <= width <= 1.3
    smoothed = unlike([smoothed_scores(each, width) for each in rough])
    assert abs(smoothed - wanted) < 0.5 * abs(unlike(rough) - wanted)
    assert fitted_width(list(noisy(3.0, 0.0)), (0.7, 0.3), wanted) == 0
    assert fitted_width(rough, (0.7, 0.3), 1.0) == 0


def test_the_sample_is_that_of_averaged_shares(generator):
    plain, averaged = (sampled_scores(generator, 2, smoothing=width) for width in (0.0, WIDTH))
    assert averaged.shape == plain.shape
    assert averaged[:, 1:].std() < plain[:, 1:].std()
