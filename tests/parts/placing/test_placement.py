"""A plan is the same for any windows, and no two of its pores merge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from poroscale.kernels.parts.packing import ACCEPTED, SLAB, Candidates, decide, join_candidates
from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.parts.generate import Painter
from poroscale.parts.geometry import Cylinder
from poroscale.parts.placing import placement
from poroscale.parts.placing.placement import Planner, cut_by_ends, place_pores
from tests.parts.scenes import Crowd, ellipsoids

SHAPES = ellipsoids()


def rows_of(candidates):
    columns = (*candidates.corner.T, candidates.shape)
    return {tuple(int(v) for v in row) for row in zip(*columns, strict=True)}


def slim(length=4 * SLAB):
    return Cylinder((length, 64, 64), 1.0, 28.0)


def whole(crowd, first, last):
    """The accepted pores of slabs, decided at once with a wide margin."""
    slabs = [crowd(k) for k in range(first - 8, last + 8)]
    joined = join_candidates(slabs)
    state = decide(joined, *SHAPES, seen=((first - 7) * SLAB, (last + 7) * SLAB))
    begin = sum(slab.size for slab in slabs[:8])
    end = joined.size - sum(slab.size for slab in slabs[-8:])
    own = np.arange(joined.size)
    return joined.select((own >= begin) & (own < end) & (state == ACCEPTED))


@settings(max_examples=12)
@given(st.integers(0, 1000), st.integers(20, 160), st.integers(1, 3), st.booleans())
def test_windows_add_up_to_the_whole(seed, rate, step, backwards):
    crowd = Crowd(SHAPES, slim(), rate, seed)
    planner = Planner(crowd, SHAPES)
    starts = range(0, 6, step)
    found = set()
    for start in reversed(starts) if backwards else starts:
        found |= rows_of(planner.window(start, min(start + step, 6)))
    assert found == rows_of(whole(crowd, 0, 6))


@pytest.mark.parametrize("window", [1, 3, 64])
def test_plan_knows_neither_windows_nor_workers(window, monkeypatch):
    crowd = Crowd(SHAPES, slim(), 120)
    plan = place_pores(Planner(crowd, SHAPES), 5 * SLAB + 7)
    monkeypatch.setattr(placement, "WINDOW", window)
    other = place_pores(Planner(crowd, SHAPES), 5 * SLAB + 7, workers=3)
    for a, b in zip(plan, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_longer_part_begins_with_the_shorter_one():
    crowd = Crowd(SHAPES, slim(), 120)
    short = place_pores(Planner(crowd, SHAPES), 200)
    long = place_pores(Planner(crowd, SHAPES), 400)
    assert rows_of(short) == rows_of(long.select(long.corner[:, 0] < 200))
    a = Painter(slim(200), short, SHAPES)((0, 0, 0), (200, 64, 64))
    b = Painter(slim(400), long, SHAPES)((0, 0, 0), (200, 64, 64))
    np.testing.assert_array_equal(a, b)


def test_seeds_differ():
    first, second = (
        place_pores(Planner(Crowd(SHAPES, slim(), 60, s), SHAPES), 128) for s in (0, 1)
    )
    assert rows_of(first) != rows_of(second)


@given(
    st.tuples(st.integers(0, 150), st.integers(0, 40), st.integers(0, 40)),
    st.tuples(st.integers(1, 50), st.integers(1, 24), st.integers(1, 24)),
)
def test_boxes_are_cut_from_one_part(origin, shape):
    crowd = Crowd(SHAPES, slim(200), 120)
    painter = Painter(slim(200), place_pores(Planner(crowd, SHAPES), 200), SHAPES)
    all_of_it = painter((0, 0, 0), (200, 64, 64))
    box = tuple(slice(o, o + n) for o, n in zip(origin, shape, strict=True))
    np.testing.assert_array_equal(painter(origin, shape), all_of_it[box])


def test_labelling_finds_each_of_5000_closed_pores():
    part = Cylinder((640, 200, 200), 1.0, 90.0)
    shapes = ellipsoids(largest=4.0)
    pores = place_pores(Planner(Crowd(shapes, part, 1100), shapes), 640)
    phases = Painter(part, pores, shapes)((0, 0, 0), part.shape)
    kept = ~cut_by_ends(pores, shapes, 640)
    assert kept.sum() > 5000
    labels, _ = label(phases == 2)
    sizes = np.bincount(labels.ravel())
    seen = set()
    for i in np.flatnonzero(kept):
        mask = shapes.mask(pores.shape[i]).astype(bool)
        place = tuple(slice(c, c + n) for c, n in zip(pores.corner[i], mask.shape, strict=True))
        ids = np.unique(labels[place][mask])
        assert len(ids) == 1
        assert sizes[ids[0]] == mask.sum()
        seen.add(int(ids[0]))
    assert len(seen) == kept.sum()
    # No closed pore has a face in common with the outside.
    near = np.pad(phases, 1, mode="edge")
    for axis in range(3):
        for step in (-1, 1):
            beside = np.roll(near, step, axis)[1:-1, 1:-1, 1:-1]
            assert not ((phases == 2) & (beside == 0)).any()


class Chain:
    """Rods end to end from z = -200 on, each decided by the one below it."""

    reach = 5

    def __call__(self, slab):
        rods = np.arange(-40, 200, dtype=np.int32)
        rods = rods[rods * 5 // SLAB == slab]
        corner = np.stack([5 * rods, 0 * rods, 0 * rods], axis=1)
        none = np.zeros(len(rods), np.int32)
        return Candidates(corner, none, none, none > 0, (rods + 40).astype(np.uint64))


def test_window_grows_to_where_its_dependencies_begin():
    rod = Shapes.of([np.ones((5, 1, 1))])
    kept = Planner(Chain(), rod).window(8, 9).corner[:, 0]
    assert kept.tolist() == [z for z in range(-200, 1000, 10) if z // SLAB == 8]
