"""Rings are what a slice has in common at one distance from the axis, and nothing else is."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from poroscale.kernels.grey.ring_profile import PER_VOXEL, ring_bins, ring_profile

EDGE, CENTRE = 160, (80.0, 80.0)
BINS = ring_bins((EDGE, EDGE), CENTRE)
LENGTH = int(BINS.max()) + 1
RADIUS = np.hypot(*(np.indices((EDGE, EDGE)) - 80.0))
EVERYWHERE = np.ones((EDGE, EDGE), bool)


def rings(height=0.04, seed=0):
    """Rings of detector pixels by radius [voxels]."""
    drawn = gaussian_filter1d(np.random.default_rng(seed).standard_normal(EDGE), 0.7)
    return height * drawn / drawn.std()


def noise_of(sigma, seed=1):
    return sigma * np.random.default_rng(seed).standard_normal((EDGE, EDGE))


def profile_of(residual, sound=EVERYWHERE, *, noise=0.04):
    return ring_profile(residual.astype(np.float32), sound, BINS, length=LENGTH, noise=noise)


def test_bins_are_half_voxels_of_the_radius():
    np.testing.assert_array_equal(BINS, np.floor(PER_VOXEL * RADIUS).ravel())


def test_rings_are_recovered():
    true = rings()[RADIUS.astype(int)]
    profile, agreement = profile_of(true + noise_of(0.04))
    assert agreement > 0.8
    far = (RADIUS > 6) & (RADIUS < 76)
    left = (true - profile[BINS].reshape(true.shape))[far]
    assert left.std() < 0.35 * true[far].std()


def test_rings_are_recovered_with_pores_in_the_way():
    rng = np.random.default_rng(2)
    dark = gaussian_filter(rng.standard_normal((EDGE, EDGE)), 3)
    pores = gaussian_filter(np.where(dark < np.quantile(dark, 0.1), 1.0, 0.0), 0.8)
    true = rings()[RADIUS.astype(int)]
    profile, agreement = profile_of(true + noise_of(0.04) - pores, RADIUS < 78)
    assert agreement > 0.7
    far = (RADIUS > 8) & (RADIUS < 72)
    left = (true - profile[BINS].reshape(true.shape))[far]
    assert left.std() < 0.5 * true[far].std()


@pytest.mark.parametrize("seed", range(4))
def test_pores_and_grains_make_no_rings(seed):
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal((EDGE, EDGE)), 2.5)
    spots = np.where(field < np.quantile(field, 0.08), -1.0, 0.0)
    spots[field > np.quantile(field, 0.98)] = 0.9
    residual = gaussian_filter(spots, 0.9) + noise_of(0.04, seed)
    profile, agreement = profile_of(residual)
    assert agreement < 0.3
    assert np.abs(profile).max() < 0.02


@pytest.mark.parametrize("seed", range(4))
def test_noise_alone_makes_no_rings(seed):
    profile, agreement = profile_of(noise_of(0.1, seed), noise=0.1)
    assert agreement < 0.3
    assert profile.std() < 0.005


def test_what_varies_slowly_is_left_to_the_level():
    cupping = 0.2 * (RADIUS / 80) ** 2
    profile, _ = profile_of(cupping + noise_of(0.02), RADIUS < 78, noise=0.02)
    assert np.abs(profile[: 2 * 70]).max() < 0.02


def test_nothing_sound_tells_nothing():
    profile, agreement = profile_of(noise_of(0.04), ~EVERYWHERE)
    assert agreement == 0
    assert profile.shape == (LENGTH,)
    assert not profile.any()
