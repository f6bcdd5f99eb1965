from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.kernels.noise import (
    TILE,
    correlated_noise,
    periodic_noise,
    tile_generator,
    uniform_bits,
    white_noise,
)

corners = st.tuples(*[st.integers(-70, 70)] * 3)
extents = st.tuples(*[st.integers(1, 40)] * 3)
SAMPLERS = {
    "white": white_noise,
    "bits": uniform_bits,
    "correlated": lambda o, n, *, seed: correlated_noise(o, n, seed=seed, sigma=0.8),
}


@pytest.mark.parametrize("name", SAMPLERS)
@given(corner=corners, extent=extents, data=st.data())
@settings(max_examples=20, deadline=None)
def test_boxes_agree_bit_for_bit_wherever_they_overlap(name, corner, extent, data):
    sampler = SAMPLERS[name]
    start = tuple(data.draw(st.integers(0, n - 1)) for n in extent)
    size = tuple(data.draw(st.integers(1, n - s)) for n, s in zip(extent, start, strict=True))
    whole = sampler(corner, extent, seed=5)
    part = sampler(tuple(c + s for c, s in zip(corner, start, strict=True)), size, seed=5)
    inside = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
    assert whole[inside].tobytes() == np.ascontiguousarray(part).tobytes()


def test_white_noise_is_standard_normal_and_uncorrelated():
    noise = white_noise((-TILE, 7, 1000), (64, 64, 64), seed=1).astype(float)
    assert abs(noise.mean()) < 5 / np.sqrt(noise.size)
    assert abs(noise.std() - 1) < 5 / np.sqrt(2 * noise.size)
    for axis in range(3):
        along = np.moveaxis(noise, axis, 0)
        assert abs((along[1:] * along[:-1]).mean()) < 5 / np.sqrt(noise.size)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_correlated_noise_keeps_unit_variance_and_has_its_correlation(sigma):
    noise = correlated_noise((0, 0, 0), (80, 80, 80), seed=2, sigma=sigma).astype(float)
    assert noise.std() == pytest.approx(1, abs=0.05)
    # Smoothing white noise by a Gaussian gives the autocorrelation exp(-d² / 4 sigma²).
    lag = (noise[1:] * noise[:-1]).mean() / noise.var()
    if sigma >= 1:
        assert lag == pytest.approx(np.exp(-1 / (4 * sigma**2)), abs=0.06)
    else:
        assert 0.1 < lag < 0.5


def test_seeds_streams_and_tiles_are_independent():
    draws = [
        white_noise((0, 0, 0), (16, 16, 16), seed=1),
        white_noise((0, 0, 0), (16, 16, 16), seed=2),
        white_noise((0, 0, 0), (16, 16, 16), seed=1, stream=1),
        white_noise((TILE, 0, 0), (16, 16, 16), seed=1),
        white_noise((0, -TILE, 0), (16, 16, 16), seed=1),
    ]
    table = np.corrcoef([d.ravel() for d in draws])
    assert np.abs(table - np.eye(len(draws))).max() < 0.08


def test_bits_are_the_published_philox_stream():
    # The definition of the noise: a change of these numbers is a change of every phantom.
    tile = (3, -2, 1)
    counter = np.array([0, 1 | (2**32 - 2) << 32, 3, 0], np.uint64)
    key = np.array([9, 4], np.uint64)
    raw = np.random.Generator(np.random.Philox(key=key, counter=counter))
    assert (
        tile_generator(9, 4, tile).integers(0, 1 << 32, 8, np.uint32)
        == raw.integers(0, 1 << 32, 8, np.uint32)
    ).all()


def test_a_negative_sigma_is_refused():
    with pytest.raises(ValueError, match="sigma must be zero or positive, got -1"):
        correlated_noise((0, 0, 0), (4, 4, 4), seed=0, sigma=-1)


@pytest.mark.parametrize("tile", [(0, 0, 0), (3, -2, 1), (-1, 5, -7)])
def test_each_tile_of_white_noise_is_that_of_its_own_generator(tile):
    box = white_noise(tuple(TILE * (t - 1) for t in tile), (2 * TILE,) * 3, seed=9, stream=4)
    wanted = tile_generator(9, 4, tile).standard_normal((TILE,) * 3, np.float32)
    assert np.array_equal(box[TILE:, TILE:, TILE:], wanted)


@pytest.mark.parametrize("period", [(5, 40, None), (1, None, 7), (64, 33, 90)])
def test_periodic_noise_is_white_noise_at_the_position_modulo_the_period(period):
    origin, shape = (-9, 30, -70), (12, 15, 80)
    found = periodic_noise(origin, shape, period=period, seed=5, stream=2)
    places = [
        np.arange(o, o + n) if p is None else np.arange(o, o + n) % p
        for o, n, p in zip(origin, shape, period, strict=True)
    ]
    low = [int(place.min()) for place in places]
    extent = [int(place.max() - place.min() + 1) for place in places]
    turn = white_noise(tuple(low), tuple(extent), seed=5, stream=2)
    shifted = [place - first for place, first in zip(places, low, strict=True)]
    assert np.array_equal(found, turn[np.ix_(*shifted)])


def test_a_period_below_one_voxel_is_refused():
    with pytest.raises(ValueError, match="period must be at least 1 voxel along each axis"):
        periodic_noise((0, 0, 0), (4, 4, 4), period=(4, 0, None), seed=0)
