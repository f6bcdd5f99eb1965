"""Tiles that are fixed in space, and their choice by memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.engine.plan import MIB
from poroscale.kernels.fixed_tiles import computed_on_tiles, tiles_meeting
from poroscale.microstructure.tiles import (
    choose_tile,
    refuse_large,
    tile_chunks,
    tile_plan,
)

INDEX = st.tuples(*[st.integers(-40, 40)] * 3)
SHAPE = st.tuples(*[st.integers(1, 12)] * 3)


def places(origin, shape):
    """A number for each voxel, and only for whole tiles."""
    z, y, x = np.ogrid[tuple(slice(o, o + n) for o, n in zip(origin, shape, strict=True))]
    return z * 10_000 + y * 100 + x


@given(INDEX, SHAPE, SHAPE)
def test_a_box_is_put_together_from_whole_tiles(origin, shape, tile):
    seen = []

    def compute(first, extent):
        assert extent == tile
        seen.append(first)
        return places(first, extent)

    box = computed_on_tiles(compute, origin, shape, tile=tile, dtype=np.int64)
    assert np.array_equal(box, places(origin, shape))
    assert seen == list(tiles_meeting(origin, shape, tile))
    assert all(f % t == 0 for first in seen for f, t in zip(first, tile, strict=True))
    assert len(set(seen)) == len(seen)


@given(INDEX, SHAPE, st.sampled_from([1, 2, 3]), st.integers(1, 4))
def test_no_more_of_a_tile_is_computed_than_whole_grains(origin, shape, grain, grains):
    tile = (grain * grains,) * 3

    def compute(first, extent):
        for o, n, f, e, t in zip(origin, shape, first, extent, tile, strict=True):
            assert f % grain == e % grain == 0
            assert o - grain < f < o + n
            assert f // t == (f + e - 1) // t
            assert f + e < o + n + grain
        return places(first, extent)

    box = computed_on_tiles(compute, origin, shape, tile=tile, dtype=np.int64, grain=grain)
    assert np.array_equal(box, places(origin, shape))


def plan_of(edge, **settings):
    tile = (edge, edge, edge)
    settings = {"allowed": 100 * MIB, **settings}
    return tile_plan(
        tile,
        need=lambda t: t[0] ** 3 * 100,
        work=lambda t: 5.0 * (t[0] + 8) ** 3,
        own_work=5.0,
        **settings,
    )


def test_the_largest_tile_that_fits_spends_least_on_its_halo():
    plans = [plan_of(edge) for edge in (32, 64, 96, 128)]
    assert [round(plan.halo_cost, 3) for plan in plans] == [1.953, 1.424, 1.271, 1.199]
    assert choose_tile(plans).tile == (96, 96, 96)
    assert choose_tile(plan_of(edge, workers=4) for edge in (32, 64, 96)).tile == (64, 64, 64)
    words = str(choose_tile(plans))
    assert "tiles of 96 x 96 x 96 voxels, 1 at a time: 85 MiB of 100 MiB" in words
    assert "the halo costs 27 % more work" in words


def test_a_small_volume_takes_a_tile_that_it_fills():
    plans = [plan_of(edge, shape=(64, 64, 64)) for edge in (32, 64, 96)]
    assert choose_tile(plans).tile == (64, 64, 64)
    assert plan_of(96, shape=(64, 64, 64)).filled == pytest.approx((64 / 96) ** 3)


def test_every_worker_has_a_tile():
    plans = [plan_of(edge, shape=(96, 96, 96), workers=2, allowed=1 << 30) for edge in (48, 96)]
    assert [plan.busy for plan in plans] == [1, 0.5]
    assert choose_tile(plans).tile == (48, 48, 48)


def test_a_tile_larger_than_the_memory_is_refused_with_the_numbers():
    with pytest.raises(MemoryError, match="at least 400 MiB for tiles of 128 x 128 x 128 voxels f"):
        refuse_large(plan_of(128, workers=2))
    with pytest.raises(MemoryError, match="at least 85 MiB for tiles of 96 x 96 x 96 voxels, got"):
        choose_tile(plan_of(edge, allowed=84 * MIB) for edge in (96, 128))
    assert refuse_large(plan_of(32)).fits


def test_chunks_are_whole_tiles_of_about_128_voxels():
    assert tile_chunks((32, 96, 128)) == (128, 96, 128)
    assert tile_chunks((1, 160, 60)) == (128, 160, 120)
