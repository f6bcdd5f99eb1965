from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.kernels.parts.sequential_placement import cells_of, place_in_order


def spheres(seed, count, size):
    rng = np.random.default_rng(seed)
    radii = rng.uniform(1, 4, count)
    spans = radii[:, None, None] * np.eye(3)
    return size * rng.random((count, 3)), spans, radii


def place(centres, spans, radii, *, target=1e9, gap=1.0, fixed=0):
    cells = cells_of(centres, 2 * radii.max() + gap)
    volumes = 4 / 3 * np.pi * radii**3
    return place_in_order(centres, spans, cells, volumes, fixed, target, gap)


@given(seed=st.integers(0, 99), gap=st.floats(0, 3))
@settings(max_examples=25, deadline=None)
def test_spheres_keep_their_distance_and_none_is_skipped_in_vain(seed, gap):
    centres, spans, radii = spheres(seed, 120, 40)
    kept = place(centres, spans, radii, gap=gap)
    away = np.linalg.norm(centres[:, None] - centres, axis=2) - radii[:, None] - radii
    np.fill_diagonal(away, np.inf)
    assert (away[np.ix_(kept, kept)] >= gap).all()
    for i in np.flatnonzero(~kept):
        # z and the poles are tried besides the line of centres, so only true overlaps block.
        assert (away[i, kept & (np.arange(len(kept)) < i)] <= gap).any()


def test_the_volume_stops_at_the_target():
    centres, spans, radii = spheres(1, 4000, 200)
    target = 3000.0
    kept = place(centres, spans, radii, target=target)
    placed = (4 / 3 * np.pi * radii[kept] ** 3).sum()
    assert target <= placed <= 1.02 * target


def test_earlier_ones_stay():
    centres, spans, radii = spheres(2, 50, 15)
    first = place(centres, spans, radii)
    order = np.r_[np.flatnonzero(first), np.flatnonzero(~first)]
    again = place(centres[order], spans[order], radii[order], fixed=int(first.sum()))
    assert again[: first.sum()].all()
    assert not again[first.sum() :].any()


def test_flat_bodies_may_lie_close_above_each_other():
    centres = np.array([[5.0, 20, 20], [10.0, 20, 20], [12.0, 20, 20]])
    spans = np.array([np.diag([20.0, 20.0, 1.0])[:, [2, 1, 0]]] * 3)
    kept = place_in_order(centres, spans, cells_of(centres, 50.0), np.ones(3), 0, 1e9, 2.0)
    assert kept.tolist() == [True, True, False]
