"""Shares of pore add up to the volume of a pore, and do not depend on how a scan is cut."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt, gaussian_filter

from poroscale.kernels.distance import distance_to
from poroscale.kernels.grey.partial_volume import (
    CODES_HALO,
    OUTSIDE_SHARE,
    SHARE_STEPS,
    normalise,
    pore_codes,
    pore_shares,
    share_halo,
    smooth,
    support_radius,
    trimmed,
)
from poroscale.phantoms.known.bodies import ball, filled

SIGMAS = (0.6, 0.8, 1.0, 1.5)
RADII = (1.5, 2.0, 2.5, 4.0, 6.0)
ROUNDED = 0.5 / SHARE_STEPS
"""Shares are rounded by so much: noise of that width makes the rounding right on average."""


def shares_of(grey, outside, sigma, *, level=1.0, air=0.0, void=(0.0, 0.0), seed=0.1):
    """Shares of a normalised scan that comes with its halo."""
    return pore_shares(
        grey.astype(np.float32),
        outside,
        np.broadcast_to(np.float32(level), grey.shape),
        scale=(0.0, 1.0),
        air=air,
        void=void,
        sigma=sigma,
        seed=seed,
    )


def ball_in_solid(radius, sigma, *, below=None):
    """Shares of solid with a ball off the middle, the outside, and the ball's volume.

    `below` is the thickness of the solid between the ball and a plane surface.
    """
    edge = 2 * (share_halo(sigma) + math.ceil(radius + support_radius(sigma)) + 2)
    centre = (edge / 2 + 0.3, edge / 2 + 0.1, edge / 2 - 0.4)
    solid = 1 - filled(ball(centre, radius), (edge, edge, edge))
    volume = float((1 - solid).sum(dtype=float))
    outside = np.zeros(solid.shape, bool)
    if below is not None:
        outside[: math.floor(centre[0] - radius - below)] = True
    solid[outside] = 0
    return solid, outside, volume


def blurred(solid, sigma):
    return gaussian_filter(solid, sigma, mode="nearest", truncate=5)


def volume_of(shares):
    inside = shares != OUTSIDE_SHARE
    return shares[inside].sum(dtype=np.int64) / SHARE_STEPS


@pytest.mark.parametrize("below", [None, 3])
@pytest.mark.parametrize("sigma", SIGMAS)
def test_shares_of_a_ball_add_up_to_its_volume(sigma, below):
    for radius in RADII:
        solid, outside, volume = ball_in_solid(radius, sigma, below=below)
        grey, rng = blurred(solid, sigma), np.random.default_rng(0)
        noise = (rng.uniform(-ROUNDED, ROUNDED, grey.shape) for _ in range(3))
        found = np.mean([volume_of(shares_of(grey + n, outside, sigma)) for n in noise])
        assert found == pytest.approx(volume, rel=0.01), radius


@pytest.mark.parametrize("below", [None, 3])
def test_without_noise_only_the_rounding_of_faint_shares_is_lost(below):
    for sigma, radius in [(0.6, 1.5), (0.8, 2.0), (1.0, 2.0), (1.5, 4.0), (1.0, 6.0)]:
        solid, outside, volume = ball_in_solid(radius, sigma, below=below)
        found = volume_of(shares_of(blurred(solid, sigma), outside, sigma))
        assert found == pytest.approx(volume, rel=0.01), (sigma, radius)
    solid, outside, volume = ball_in_solid(1.5, 1.5, below=below)
    assert 0.95 * volume < volume_of(shares_of(blurred(solid, 1.5), outside, 1.5)) < volume


def test_shares_follow_the_levels_of_solid_air_and_void():
    solid, outside, volume = ball_in_solid(3.0, 0.8, below=6)
    pore = np.where(outside, 0, 1 - solid)
    grey = np.where(outside, 0.1, 0.9 - pore * (0.9 - 0.2 - 0.05 * 0.9))
    found = shares_of(blurred(grey, 0.8), outside, 0.8, level=0.9, air=0.1, void=(0.2, 0.05))
    assert volume_of(found) == pytest.approx(volume, rel=0.01)


def test_grey_types_and_scales_give_the_same_shares():
    solid, outside, _ = ball_in_solid(3.0, 0.8)
    grey = np.rint(blurred(solid, 0.8) * 200)
    found = [
        pore_shares(
            (low + grey).astype(dtype),
            outside,
            np.ones(grey.shape, np.float32),
            scale=(low, low + 200.0),
            air=0.0,
            void=(0.0, 0.0),
            sigma=0.8,
            seed=0.1,
        )
        for dtype, low in [(np.uint8, 20.0), (np.int16, -900.0), (np.float32, -0.0)]
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize(("depth", "radius"), [(1, 6), (2, 4), (3, 3)])
def test_a_dent_of_the_surface_is_no_pore(depth, radius):
    sigma, edge = 0.8, 40
    z, y, x = np.indices((edge, edge, edge))
    surface = z < 20
    dent = ((y - 20) ** 2 + (x - 20) ** 2 < radius**2) & (z < 20 + depth)
    solid = np.where(surface | dent, 0.0, 1.0)
    grey = blurred(solid, sigma)
    flooded = grey < 0.5
    assert (shares_of(grey, flooded, sigma) <= 0).all()


def test_all_outside_and_no_pore():
    grey = np.zeros((30, 30, 30), np.float32)
    everywhere = np.ones(grey.shape, bool)
    assert (shares_of(grey, everywhere, 0.8) == OUTSIDE_SHARE).all()
    assert (shares_of(grey + 1, ~everywhere, 0.8) == 0).all()


def test_an_outlier_of_one_voxel_is_no_pore():
    grey = np.ones((40, 40, 40), np.float32)
    grey[20, 20, 20] = 0.4
    assert (shares_of(grey, np.zeros(grey.shape, bool), 0.8) == 0).all()


def codes_of(shares, *, seed=0.1, noise=0.02):
    return pore_codes(np.pad(shares, CODES_HALO), seed=seed, noise=noise)


@pytest.mark.parametrize("sigma", [0.6, 1.0])
def test_a_resolved_pore_is_cut_at_half_its_depth(sigma):
    solid, outside, volume = ball_in_solid(6.0, sigma)
    shares = shares_of(blurred(solid, sigma), outside, sigma)
    codes = codes_of(shares)
    assert (codes[shares > SHARE_STEPS / 2] > 0).all()
    assert (shares[codes > 0] >= 0.45 * SHARE_STEPS).all()
    assert (codes > 0).sum() == pytest.approx(volume, rel=0.1)  # blur shrinks the contour
    assert (codes == 2).any()


def test_a_pore_that_blur_fills_in_is_cut_at_half_its_own_depth():
    solid, outside, _ = ball_in_solid(1.8, 1.2)
    shares = shares_of(blurred(solid, 1.2), outside, 1.2)
    assert shares.max() < 0.5 * SHARE_STEPS
    known = np.pad(shares, CODES_HALO) / np.float32(SHARE_STEPS)
    soft = smooth(known.astype(np.float32))
    codes = codes_of(shares)
    level = 0.5 * soft.max()
    centre = np.unravel_index(codes.argmax(), codes.shape)
    assert (shares[codes > 0] > SHARE_STEPS * level * 0.99).all()
    assert codes[centre] == 2
    assert 9 <= (codes > 0).sum() < 100


def test_where_half_the_depth_drowns_in_noise_the_smoothed_shares_are_taken():
    solid, outside, _ = ball_in_solid(2.0, 1.0)
    grey = blurred(solid, 1.0)
    grey += np.random.default_rng(0).normal(0, 0.2, grey.shape)
    shares = shares_of(grey, outside, 1.0, seed=0.3)
    loud, quiet = codes_of(shares, seed=0.3, noise=0.2), codes_of(shares, seed=0.3, noise=0.01)
    soft = smooth(np.pad(shares, CODES_HALO) / np.float32(SHARE_STEPS))
    assert (trimmed(soft, 2)[loud > 0] > 0.15).all()
    assert (trimmed(soft, 2)[quiet > 0] < 0.15).any()


def test_nothing_begins_a_pore_beside_the_outside():
    shares = np.zeros((20, 20, 20), np.int8)
    shares[:6] = OUTSIDE_SHARE
    shares[6:8, 8:12, 8:12] = 90
    assert set(np.unique(codes_of(shares))) == {0, 1}
    shares[9:12, 8:12, 8:12] = 90
    assert (codes_of(shares)[9:12, 8:12, 8:12] == 2).any()
    assert (codes_of(shares)[:6] == 0).all()


def porous(seed, shape=(34, 37, 41)):
    """A noisy scan with pores of all sizes below a wavy surface, its outside and its level."""
    rng = np.random.default_rng(seed)
    height = 5 + gaussian_filter(rng.normal(0, 30, shape[1:]), 4)
    solid = (np.arange(shape[0])[:, None, None] >= height).astype(np.float32)
    solid[gaussian_filter(rng.standard_normal(shape), 1.5) < -0.12] = 0
    grey = gaussian_filter(solid, 0.8) + rng.normal(0, 0.05, shape)
    level = np.linspace(0.9, 1.1, shape[2], dtype=np.float32)
    outside = np.arange(shape[0])[:, None, None] < height
    return grey.astype(np.float32), outside, np.ascontiguousarray(np.broadcast_to(level, shape))


def cuts(shape, edge):
    """Blocks of `edge` voxels and smaller ones at the end."""
    grid = [range(0, n, e) for n, e in zip(shape, edge, strict=True)]
    for z in grid[0]:
        for y in grid[1]:
            for x in grid[2]:
                sides = zip((z, y, x), edge, shape, strict=True)
                yield tuple(slice(o, min(o + e, n)) for o, e, n in sides)


def cut_out(array, place, halo):
    """A block with its halo, of an array that is padded by the halo."""
    return np.ascontiguousarray(array[tuple(slice(s.start, s.stop + 2 * halo) for s in place)])


EDGES = st.tuples(*[st.integers(7, 41)] * 3)


@settings(max_examples=6)
@given(seed=st.integers(0, 99), edge=EDGES, sigma=st.sampled_from([0.6, 1.1]))
def test_shares_and_codes_of_blocks_equal_the_whole_array(seed, edge, sigma):
    grey, outside, level = porous(seed)
    halo = share_halo(sigma)
    padded = [np.pad(each, halo, mode="edge") for each in (grey, outside, level)]
    known = {"scale": (0.02, 0.99), "air": 0.01, "void": (0.05, 0.1), "sigma": sigma, "seed": 0.15}
    whole = pore_shares(*padded, **known)
    assert {OUTSIDE_SHARE, 0} < set(np.unique(whole).tolist())
    found = np.empty_like(whole)
    for place in cuts(grey.shape, edge):
        found[place] = pore_shares(*(cut_out(each, place, halo) for each in padded), **known)
    np.testing.assert_array_equal(found, whole)

    wide = np.pad(whole, CODES_HALO, mode="edge")
    codes = pore_codes(wide, seed=0.15, noise=0.05)
    assert set(np.unique(codes)) == {0, 1, 2}
    for place in cuts(grey.shape, edge):
        block = pore_codes(cut_out(wide, place, CODES_HALO), seed=0.15, noise=0.05)
        np.testing.assert_array_equal(block, codes[place])


def test_normalised_values_are_cut_where_nothing_is_material():
    grey = np.array([[[8000, 38000, 23000, 65535, 0]]], np.uint16)
    np.testing.assert_allclose(
        normalise(grey, 8000, 38000), [[[0, 1, 0.5, 57535 / 30000, -8 / 30]]], rtol=1e-6
    )
    wild = np.array([[[2**31 - 1, -(2**31)]]], np.int32)
    np.testing.assert_array_equal(normalise(wild, 0, 100), [[[4, -4]]])


def test_distance_equals_scipy_and_is_infinite_of_nothing():
    mask = np.random.default_rng(0).random((9, 10, 11)) < 0.01
    np.testing.assert_allclose(distance_to(mask), distance_transform_edt(~mask), rtol=1e-6)
    assert np.isinf(distance_to(np.zeros((3, 3, 3), bool))).all()
