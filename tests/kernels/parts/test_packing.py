"""Which pores can stand beside each other: against the definition, one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, label

from poroscale.kernels.parts.packing import (
    ACCEPTED,
    REJECTED,
    UNDECIDED,
    Candidates,
    Spacing,
    decide,
    priorities,
    size_classes,
)
from poroscale.kernels.parts.voxel_shapes import Shapes

FAR = (-10_000, 10_000)
ROOM = (40, 30, 30)


def bank(seed=0, count=12):
    rng = np.random.default_rng(seed)
    masks = [rng.random(rng.integers(1, 7, 3)) < 0.4 for _ in range(count)]
    for mask in masks:
        mask.flat[0] = True  # no pore is empty
    return Shapes.of(masks)


def crowd(shapes, count, seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, shapes.size, count).astype(np.int32)
    corner = rng.integers(0, ROOM, (count, 3)).astype(np.int32)
    keys = rng.integers(0, 1 << 64, count, np.uint64, endpoint=False)
    ranks = priorities(shapes.extents[rows], keys)
    return Candidates(corner, rows, rows, np.zeros(count, bool), ranks)


def room_of(shapes, candidates, i):
    room = np.zeros([n + 20 for n in ROOM], bool)
    mask = shapes.mask(candidates.shape[i])
    corner = candidates.corner[i] + 5
    room[tuple(slice(c, c + n) for c, n in zip(corner, mask.shape, strict=True))] = mask
    return room


@given(st.integers(0, 10**6), st.integers(2, 60))
def test_accepted_pores_are_those_of_the_definition(seed, count):
    shapes = bank(seed % 5)
    crowded = crowd(shapes, count, seed)
    state = decide(crowded, *shapes, seen=FAR)
    taken = np.zeros([n + 20 for n in ROOM], bool)
    for i in np.argsort(crowded.priority):
        room = room_of(shapes, crowded, i)
        touches = (binary_dilation(room) & taken).any()
        assert state[i] == (REJECTED if touches else ACCEPTED)
        if not touches:
            taken |= room
    # No two have merged: as many components as pores, but for pores that are in pieces themselves.
    pieces = sum(label(shapes.mask(crowded.shape[i]))[1] for i in np.flatnonzero(state == ACCEPTED))
    assert label(taken)[1] == pieces


@given(st.integers(0, 10**6), st.sampled_from([2.0, 3.0]))
def test_gap_is_the_least_thickness_of_solid(seed, gap):
    shapes = Shapes.of([np.ones((2, 2, 2)), np.ones((3, 1, 4))])
    crowded = crowd(shapes, 30, seed)
    state = decide(crowded, *shapes, seen=FAR, spacing=Spacing(gap))
    kept = np.flatnonzero(state == ACCEPTED)
    for i in kept:
        for j in kept[kept > i]:
            low = np.maximum(crowded.corner[i], crowded.corner[j])
            high = np.minimum(
                crowded.corner[i] + shapes.extents[crowded.shape[i]],
                crowded.corner[j] + shapes.extents[crowded.shape[j]],
            )
            assert (np.maximum(low - high, 0) ** 2).sum() >= gap**2


def test_a_share_of_the_pairs_keeps_the_wider_gap():
    """Pairs of cubes that leave two voxels of solid: three of them are asked of 30 %."""
    shapes = Shapes.of([np.ones((2, 2, 2))])
    rng = np.random.default_rng(0)
    kept = 0
    for _ in range(400):
        corner = np.array([[0, 0, 0], [4, 0, 0]], np.int32)
        keys = rng.integers(0, 1 << 64, 2, np.uint64, endpoint=False)
        zeros = np.zeros(2, np.int32)
        ranks = priorities(shapes.extents[zeros], keys)
        pair = Candidates(corner, zeros, zeros, np.zeros(2, bool), ranks)
        state = decide(pair, *shapes, seen=FAR, spacing=Spacing(1.0, 3.0, 0.3))
        kept += (state == ACCEPTED).sum() == 2
    assert 0.62 < kept / 400 < 0.78


@given(st.integers(0, 10**6), st.sampled_from([Spacing(), Spacing(0.0, 4.0, 0.5)]))
def test_order_of_the_candidates_does_not_matter(seed, spacing):
    shapes = bank()
    crowded = crowd(shapes, 40, seed)
    order = np.random.default_rng(seed).permutation(40)
    state = decide(crowded, *shapes, seen=FAR, spacing=spacing)
    again = decide(crowded.select(order), *shapes, seen=FAR, spacing=spacing)
    assert np.array_equal(again, state[order])


@given(st.integers(0, 10**6))
def test_what_is_decided_in_a_window_holds_for_the_whole(seed):
    shapes = bank()
    crowded = crowd(shapes, 60, seed)
    whole = decide(crowded, *shapes, seen=FAR)
    drawn = crowded.corner[:, 0] < 24
    state = decide(crowded.select(drawn), *shapes, seen=(-99, 24))
    decided = state != UNDECIDED
    assert np.array_equal(state[decided], whole[drawn][decided])
    assert decided.any()


def test_larger_pores_go_first():
    extents = np.array([[1, 1, 1], [2, 1, 1], [3, 1, 1], [5, 5, 5], [64, 1, 1]], np.int32)
    assert size_classes(extents).tolist() == [0, 1, 2, 3, 6]
    ranks = priorities(extents, np.full(5, 2**64 - 1, np.uint64))
    assert np.all(np.diff(ranks.astype(object)) < 0)
