"""Levels, noise and point spread from samples of a scan, whatever few voxels of it hold."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from poroscale.kernels.grey.survey import (
    ROBUST,
    EdgeSums,
    cubes_of,
    edge_sums,
    noise_variance,
    point_spread,
    two_levels,
)
from poroscale.phantoms.known.bodies import ball, depths, filled

SHAPE = (64, 64, 64)


def survey(grey):
    """Levels in the way of the segmentation, from all voxels."""
    low, high = np.quantile(grey.astype(np.float64), ROBUST)
    reach = 0.1 * (high - low)
    return two_levels(cubes_of(grey), (low - reach, high + reach))


def two_materials(air, solid, *, noise=0.04, sigma=0.8, radius=24.0, seed=0):
    """A ball of solid in air, float64."""
    share = gaussian_filter(filled(ball((32.2, 31.9, 32.4), radius), SHAPE).astype(float), sigma)
    share += noise * np.random.default_rng(seed).standard_normal(SHAPE)
    return air + (solid - air) * share


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("radius", [14.0, 24.0, 31.0])
def test_levels_and_noise_of_two_materials(noise, radius):
    grey = np.rint(two_materials(8000, 38000, noise=noise, radius=radius)).astype(np.int32)
    found = survey(grey)
    assert found.dark == pytest.approx(8000, abs=0.01 * 30000)
    assert found.bright == pytest.approx(38000, abs=0.01 * 30000)
    assert found.noise == pytest.approx(noise * 30000, rel=0.1)


def block_with_pores(count, radius=3.2, seed=1):
    """A block of solid with separate round pores."""
    rng, solid = np.random.default_rng(seed), np.ones(SHAPE, np.float32)
    places = np.stack(np.meshgrid(*[np.arange(10, 60, 11)] * 3, indexing="ij"), -1).reshape(-1, 3)
    for place in rng.permutation(places)[:count]:
        centre = tuple(place + rng.random(3))
        solid -= filled(ball(centre, radius), SHAPE)
    return solid


@pytest.mark.parametrize("count", [19, 60])
def test_levels_where_pores_are_rare(count):
    solid = block_with_pores(count)
    assert 0.009 < 1 - solid.mean() < 0.035
    rng = np.random.default_rng(2)
    grey = 8000 + 30000 * (gaussian_filter(solid, 0.8) + 0.03 * rng.standard_normal(SHAPE))
    found = survey(grey.astype(np.uint16))
    assert found.bright == pytest.approx(38000, abs=300)
    assert found.dark == pytest.approx(8000, abs=0.06 * 30000)
    assert found.noise == pytest.approx(900, rel=0.1)


def test_levels_of_a_small_part_in_air():
    found = survey(two_materials(0.0, 0.05, radius=6.0).astype(np.float32))
    assert found.dark == pytest.approx(0, abs=0.0005)
    assert found.bright == pytest.approx(0.05, rel=0.06)


@pytest.mark.parametrize("outlier", [2.0, 50.0, -50.0, 1e30, 3.4e38])
def test_one_outlier_changes_nothing_of_a_scan_of_attenuation(outlier):
    grey = two_materials(0.0, 0.05).astype(np.float32)
    clean = survey(grey)
    grey[20, 30, 40] = outlier
    found = survey(grey)
    assert found.dark == pytest.approx(clean.dark, abs=1e-4)
    assert found.bright == pytest.approx(clean.bright, abs=1e-4)
    assert found.noise == pytest.approx(clean.noise, rel=0.05)


@pytest.mark.parametrize("outlier", [2**31 - 1, -(2**31)])
def test_one_outlier_changes_nothing_of_a_scan_of_integers(outlier):
    grey = two_materials(-900, 1800).astype(np.int32)
    clean = survey(grey)
    grey[20, 30, 40] = outlier
    found = survey(grey)
    assert found[:2] == pytest.approx(clean[:2], abs=10)
    assert found.noise == pytest.approx(clean.noise, rel=0.05)


def test_saturated_highlights_are_not_the_solid():
    grey = two_materials(8000, 38000)
    rng = np.random.default_rng(3)
    for centre in rng.uniform(20, 44, (12, 3)):
        grey += 60000 * filled(ball(tuple(centre), 2.0), SHAPE)
    found = survey(np.clip(grey, 0, 65535).astype(np.uint16))
    assert found.bright == pytest.approx(38000, abs=300)
    assert found.dark == pytest.approx(8000, abs=300)


def test_a_scan_without_noise():
    found = survey(np.rint(two_materials(20, 200, noise=0)).astype(np.uint8))
    assert (found.dark, found.bright) == pytest.approx((20, 200), abs=0.2)
    assert found.noise == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("noise", [0, 900])
def test_one_material_is_refused(noise):
    grey = 38000 + noise * np.random.default_rng(4).standard_normal(SHAPE)
    with pytest.raises(ValueError, match="one grey value only"):
        survey(grey.astype(np.uint16))


def test_noise_is_the_mode_of_the_variances():
    rng = np.random.default_rng(5)
    quiet = 4 * rng.chisquare(7, 9000) / 7
    assert noise_variance(np.r_[quiet, rng.uniform(50, 500, 3000)]) == pytest.approx(4, rel=0.25)
    assert noise_variance(np.r_[np.zeros(6000), quiet]) == pytest.approx(4, rel=0.25)
    assert noise_variance(np.zeros(600)) == 0


VOXEL = np.sqrt(1 / 12)
"""Standard deviation of a voxel's own edge: what a scanner sees is a mean over voxels."""


def spread_of(sigma, *, noise, highlights=0, seed=6):
    share = gaussian_filter(filled(ball((32.2, 31.9, 32.4), 22), SHAPE).astype(float), sigma)
    rng = np.random.default_rng(seed)
    for centre in rng.uniform(22, 42, (highlights, 3)):
        share += 1.5 * gaussian_filter(filled(ball(tuple(centre), 2.0), SHAPE).astype(float), sigma)
    share += noise * rng.standard_normal(SHAPE)
    return point_spread(edge_sums(share.astype(np.float32), reach=4.0))


@pytest.mark.parametrize("sigma", [0.6, 0.7, 1.0, 1.4, 2.0])
@pytest.mark.parametrize("noise", [0, 0.05, 0.1])
def test_the_point_spread_of_a_ball_includes_that_of_a_voxel(sigma, noise):
    assert spread_of(sigma, noise=noise) == pytest.approx(np.hypot(sigma, VOXEL), rel=0.05)


def test_a_point_spread_that_voxels_hardly_resolve():
    assert 0.5 < spread_of(0.5, noise=0.05) < np.hypot(0.5, VOXEL)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.4, 2.0])
def test_the_point_spread_of_a_ball_of_whole_voxels(sigma):
    solid = depths(ball((32.2, 31.9, 32.4), 22), SHAPE) > 0
    share = gaussian_filter(solid.astype(float), sigma)
    share += 0.05 * np.random.default_rng(7).standard_normal(SHAPE)
    found = point_spread(edge_sums(share.astype(np.float32), reach=4.0))
    assert found == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("sigma", [0.6, 1.0, 1.5])
def test_highlights_leave_the_point_spread_alone(sigma):
    found = spread_of(sigma, noise=0.05, highlights=6)
    assert found == pytest.approx(np.hypot(sigma, VOXEL), rel=0.05)


def test_no_surface_tells_no_point_spread():
    assert point_spread(edge_sums(np.ones((9, 9, 9), np.float32), reach=4.0)) is None
    assert point_spread(EdgeSums(0, 0, 0, 0, 0, 0)) is None


def test_sums_over_tiles_add_up():
    share = gaussian_filter(filled(ball((32.2, 31.9, 32.4), 22), SHAPE).astype(np.float32), 0.9)
    halves = [edge_sums(share[:, :32], reach=4.0), edge_sums(share[:, 32:], reach=4.0)]
    both = EdgeSums(*(a + b for a, b in zip(*halves, strict=True)))
    assert point_spread(both) == pytest.approx(0.9, rel=0.05)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_levels_of_a_single_slice(axis):
    grey = two_materials(8000, 38000).take([32], axis=axis).astype(np.uint16)
    found = survey(grey)
    assert (found.dark, found.bright) == pytest.approx((8000, 38000), abs=400)
    assert found.noise == pytest.approx(1200, rel=0.15)
