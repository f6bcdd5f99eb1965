"""Distances between samples of chips, particles, areas, and the reader of conditions."""

import numpy as np
import pytest

from poroscale.compare.micrographs.classifier import read_conditions
from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.distances import (
    average_distance,
    bootstrap_mean,
    compared_distance,
    kernel_distance,
    mean_apart,
    resampled_units,
    sliced_distance,
)
from poroscale.compare.micrographs.particles import bright_particles
from poroscale.compare.micrographs.samples import (
    MicrographSample,
    area_curve,
    published_areas,
)
from poroscale.micrographs.conditions import MicrographCondition
from poroscale.phantoms.micrographs import PhantomMicrographs, PrecipitateLaw

CONFIG = CompareSemConfig(chips=64, splits=3, resamples=12, directions=24)


def sample_of(rng, count, shift=0.0, units=8):
    rows = rng.normal(shift, 1, (count, 5))
    chips = np.clip(120 + 40 * rng.normal(shift, 1, (count, 8, 8)), 0, 255)
    return MicrographSample(
        np.arange(count) % units,
        np.abs(rows),
        rows,
        chips.mean(axis=(1, 2)).astype(np.float32),
        "image",
        rng.normal(shift, 1, (count, 4, 49)),
    )


def test_sliced_wasserstein_of_a_shift_is_its_mean_length():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rows = rng.normal(size=(500, 3))
    assert sliced_distance(rows, rows, directions) == 0
    moved = sliced_distance(rows, rows + np.array([2.0, 0, 0]), directions)
    assert moved == pytest.approx(2 * np.abs(directions[:, 0]).mean(), rel=1e-9)
    assert moved == pytest.approx(1.0, rel=0.15)  # half the shift in three dimensions


def test_kernel_distance_sees_what_means_do_not():
    rng = np.random.default_rng(1)
    one, same = rng.normal(size=(2, 400, 4))
    wide = 2 * rng.normal(size=(400, 4))
    assert kernel_distance(one, same) < 0.4
    assert kernel_distance(one, wide) > 3 * kernel_distance(one, same)
    assert average_distance(one + 5, wide + 5) < 0.05
    assert average_distance(np.ones((3, 2)), np.zeros((3, 2))) == 1


@pytest.mark.parametrize("name", ["sliced_wasserstein", "kernel", "average"])
@pytest.mark.parametrize("feature", ["persistence", "areas", "patches"])
def test_alike_is_near_one_and_unlike_is_far(name, feature):
    rng = np.random.default_rng(2)
    real = sample_of(rng, 240)
    near = compared_distance(name, feature, real, sample_of(rng, 200), CONFIG)
    far = compared_distance(name, feature, real, sample_of(rng, 200, shift=3.0), CONFIG)
    assert 0.4 < near.ratio < 2
    assert far.ratio > 3 * max(near.ratio, 0.4)
    assert far.low > near.high
    assert near.low <= near.value <= near.high
    again = compared_distance(name, feature, real, sample_of(np.random.default_rng(2), 200), CONFIG)
    assert again.halves == near.halves


def test_resampling_draws_whole_units():
    units = np.array([0, 1, 1, 2, 2, 2, 0])
    rng = np.random.default_rng(0)
    for _ in range(20):
        counts = np.bincount(resampled_units(units, rng), minlength=7)
        assert counts[0] == counts[6]
        assert counts[1] == counts[2]
        assert counts[3] == counts[4] == counts[5]
        assert counts[[0, 1, 3]].sum() == 3


def test_the_interval_of_a_mean_covers_units():
    """Chips of a unit are alike: the interval is that of eight values, not of eighty."""
    rng = np.random.default_rng(3)
    units = np.repeat(np.arange(8), 10)
    values = rng.normal(size=8)[units] + 0.01 * rng.normal(size=80)
    mean, low, high = bootstrap_mean(values, units, CONFIG)
    assert low < mean < high
    assert high - low > 2 * values.std() / np.sqrt(80) * 2


def test_diversity_is_zero_of_one_image_drawn_again():
    rng = np.random.default_rng(4)
    rows, units = rng.normal(size=(60, 5)), np.arange(60)
    assert mean_apart(np.repeat(rows[:1], 60, axis=0), units, 0) == 0
    assert mean_apart(2 * rows, units, 0) == pytest.approx(2 * mean_apart(rows, units, 0))
    assert np.isnan(mean_apart(rows, np.zeros(60, int), 0))


def test_particles_are_those_of_the_phantom():
    law = PrecipitateLaw()
    rates = (2.5, 7.5, 12.5)
    stack = PhantomMicrographs(
        tuple(law.population("T5", each) for each in rates), 400, 400, seed=2
    )
    found = bright_particles(stack((0, 0, 0), stack.shape))
    for k in range(3):
        truth = stack.truth(k)
        assert found.counts[k] == pytest.approx(truth.count, rel=0.15)
        assert found.areas[k] == pytest.approx(truth.area_fraction, rel=0.3)
        assert abs(found.large[k] - truth.large) <= 2
    assert found.mean_size > 10
    mask = (stack.shares(0, (0, 0), (400, 400)) >= 0.5).astype(np.uint8)
    of_mask = bright_particles(np.stack([mask, 255 * mask]))
    assert of_mask.counts[0] == of_mask.counts[1] == pytest.approx(stack.truth(0).count, rel=0.05)
    assert of_mask.areas[0] == pytest.approx(stack.truth(0).area_fraction, rel=0.1)
    flat = bright_particles(np.full((2, 30, 30), 80, np.uint8))
    assert flat.counts.sum() == 0
    assert np.isnan(flat.mean_size)


def test_areas_as_published():
    """Centred and scaled within the condition: brightness between images does not show."""
    rng = np.random.default_rng(5)
    chips = rng.integers(0, 100, (6, 20, 20)).astype(np.uint8)
    brighter = chips + (20 * np.arange(6, dtype=np.uint8))[:, None, None]
    found = published_areas(chips)
    np.testing.assert_allclose(found, published_areas(brighter), atol=1e-6)
    assert found[0] == 1
    assert (np.diff(found) <= 0).all()
    grey = np.array([[[0.05, 0.5], [0.95, 0.3]]], np.float32)
    levels = np.linspace(0, 1, 12)[1:-1]
    np.testing.assert_allclose(area_curve(grey)[0], [(grey >= each).mean() for each in levels])


def test_a_reader_of_conditions():
    """Levels and a scalar that the features show are read on both sides; wrong ones are not."""
    rng = np.random.default_rng(6)
    conditions = (
        MicrographCondition("temper", "category", ("T5", "T6")),
        MicrographCondition("rate", "continuous", (), (0.0, 1.0)),
    )
    codes = np.array([(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])

    def side(swapped=False):
        found = []
        for temper, rate in codes:
            each = sample_of(rng, 40)
            wanted = 1 - temper if swapped else temper
            each.areas[:, 0] += 6 * wanted
            each.areas[:, 1] += 6 * rate
            found.append(each)
        return found

    right = read_conditions(conditions, codes, side(), side())
    assert [each.name for each in right] == ["temper", "rate"]
    assert right[0].real > 0.95
    assert right[0].generated > 0.95
    assert right[0].chance == pytest.approx(0.5)
    assert right[1].real < 0.3
    assert right[1].generated < 0.3
    assert right[1].chance == pytest.approx(0.5)
    wrong = read_conditions(conditions, codes, side(), side(swapped=True))
    assert wrong[0].generated < 0.1


def test_a_large_particle_holds_a_disc_and_small_ones_that_touch_do_not():
    image = np.full((96, 128), 60, np.uint8)
    image[::2, ::3] += 2
    y, x = np.ogrid[:96, :128]
    image[(y - 30) ** 2 + (x - 30) ** 2 <= 8.5**2] = 200
    for place in range(6):  # a chain of as many pixels
        image[(y - 70) ** 2 + (x - 40 - 7 * place) ** 2 <= 3.5**2] = 200
    found = bright_particles(image[None])
    assert found.counts.tolist() == [2]
    assert min(found.sizes) > 200
    assert found.large.tolist() == [1]
    empty = bright_particles(np.full((1, 20, 20), 7, np.uint8))
    assert empty.large.tolist() == [0]
