"""Local patterns: all of an image, and sets of them with a wanted fraction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.kernels.phases.codes import OUTSIDE
from poroscale.microstructure.swnn_training.patterns import (
    coarse_patterns,
    grey_levels,
    patterns_of,
    patterns_within,
    resampled,
)


def test_grey_levels_are_evenly_spaced():
    assert grey_levels(np.arange(2), 2).tolist() == [-1, 1]
    assert grey_levels(np.arange(3), 3).tolist() == [-1, 0, 1]
    assert grey_levels(np.arange(3), 3).dtype == np.float32


def test_a_pattern_is_what_the_template_shows():
    image = np.arange(30).reshape(5, 6)
    found = patterns_of(image, 3)
    assert found.shape == (12, 9)
    places = [(y, x) for y in range(3) for x in range(4)]
    for row, (y, x) in zip(found, places, strict=True):
        assert np.array_equal(row.reshape(3, 3), image[y : y + 3, x : x + 3])
    with pytest.raises(ValueError, match="fit the image"):
        patterns_of(image, 6)


@settings(deadline=None, max_examples=60)
@given(
    shares=st.lists(st.integers(0, 49), min_size=40, max_size=200),
    place=st.floats(0.02, 0.98),
    seed=st.integers(0, 99),
)
def test_resampled_patterns_have_the_wanted_fraction(shares, place, seed):
    values = np.array(shares) / 49
    low, high = values.min(), values.max()
    wanted = low + place * (high - low)
    found = resampled(values, wanted, np.random.default_rng(seed))
    assert len(found.rows) == len(values)
    assert found.fraction == pytest.approx(values[found.rows].mean())
    # One pattern more or less, and what fills the set up, are all that it may miss.
    kinds = np.unique(found.rows)
    own = values[kinds].mean()
    assert abs(own - wanted) <= (high - low) / len(kinds) + 1e-9
    times = np.bincount(found.rows, minlength=len(values))[kinds]
    assert times.max() - times.min() <= 1


def test_only_patterns_of_one_end_are_taken():
    shares = np.linspace(0, 1, 101)
    few = resampled(shares, 0.2, np.random.default_rng(0))
    assert shares[few.rows].max() < 0.42
    many = resampled(shares, 0.8, np.random.default_rng(0))
    assert shares[many.rows].min() > 0.58
    same = resampled(shares, 0.5, np.random.default_rng(0))
    assert sorted(same.rows) == list(range(101))


def test_a_fraction_out_of_reach_tells_the_range():
    shares = np.linspace(0.1, 0.6, 50)
    with pytest.raises(ValueError, match=r"between 0\.100 and 0\.600 .* got 0\.7: no combination"):
        resampled(shares, 0.7, np.random.default_rng(0))


def test_patterns_lie_within_a_region_of_any_form():
    generator = np.random.default_rng(3)
    section = generator.integers(0, 2, (30, 40)).astype(np.uint8)
    section[generator.random((30, 40)) < 0.05] = OUTSIDE
    found = patterns_within(section, 4)
    wanted = [
        section[y : y + 4, x : x + 4].ravel()
        for y in range(27)
        for x in range(37)
        if (section[y : y + 4, x : x + 4] < 2).all()
    ]
    assert 100 < len(wanted) < 27 * 37
    assert np.array_equal(found, wanted)
    whole = section % 2
    assert np.array_equal(patterns_within(whole, 4), patterns_of(whole, 4))


def test_coarse_patterns_are_means_with_shares_of_their_own():
    generator = np.random.default_rng(3)
    section = generator.integers(0, 3, (14, 17)).astype(np.uint8)
    section[2, 9] = OUTSIDE
    patterns, shares = coarse_patterns(section, 3, 2, 3)
    number = 0
    for y in range(9):
        for x in range(12):
            window = section[y : y + 6, x : x + 6]
            if (window > 2).any():
                continue
            grey = (window.astype(float) - 1).reshape(3, 2, 3, 2).mean(axis=(1, 3))
            np.testing.assert_allclose(patterns[number], grey.ravel(), atol=1e-6)
            wanted = [(window == phase).mean() for phase in range(3)]
            assert shares[number] == pytest.approx(wanted)
            number += 1
    assert number == len(patterns) == len(shares) < 9 * 12
    with pytest.raises(ValueError, match="patterns that span 12 voxels for an image"):
        coarse_patterns(section[:10], 3, 4, 3)
