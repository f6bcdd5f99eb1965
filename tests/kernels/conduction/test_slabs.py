"""Slabs of a lattice put together again, beside the whole lattice."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.conduction.numbering import number_carrying, with_margin
from poroscale.kernels.conduction.operator import pair_table
from poroscale.kernels.conduction.slabs import (
    carrying_sets,
    drop_clusters,
    energy_between,
    join_planes,
    links_between,
    number_slab,
    outer_clusters,
    place_graph,
    place_links,
    restrict_between,
)

PAIRS = pair_table(np.array([0.0, 1.0, 0.125]), (2.0, 1.0, 1.0))


@st.composite
def slabbed(draw):
    """Codes of a volume, planes of a slab, and whether sides join."""
    shape = draw(st.tuples(st.integers(2, 9), st.integers(1, 6), st.integers(1, 6)))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    codes = rng.choice(3, shape, p=[0.4, 0.4, 0.2]).astype(np.uint8)
    return codes, draw(st.integers(1, 4)), draw(st.booleans())


@given(slabbed())
def test_clusters_joined_over_slabs_are_those_that_carry(made):
    codes, planes, periodic = made
    parts = np.split(codes, range(planes, len(codes), planes))
    slabs = [with_margin(part, periodic=periodic) for part in parts]
    found = [outer_clusters(slab, periodic=periodic) for slab in slabs]
    firsts = np.cumsum([0, *(count for _, _, count in found)])
    parents = np.arange(firsts[-1])
    for k in range(1, len(slabs)):
        before, behind = found[k - 1][1] + firsts[k - 1], found[k][0] + firsts[k]
        join_planes(parts[k - 1][-1], parts[k][0], before, behind, parents)
    first, last = found[0][0] + firsts[0], found[-1][1] + firsts[-2]
    carrying = carrying_sets(parents, first, last)
    whole = with_margin(codes, periodic=periodic)
    numbers, count = number_carrying(whole, periodic=periodic)
    total = 0
    for k, slab in enumerate(slabs):
        drop_clusters(slab, carrying[firsts[k] : firsts[k + 1]], periodic=periodic)
        inside = slice(1 + k * planes, 1 + k * planes + len(parts[k]))
        assert np.array_equal(slab[1:-1], whole[inside])
        slab[0, 1:-1, 1:-1] = whole[inside.start - 1, 1:-1, 1:-1]
        slab[-1, 1:-1, 1:-1] = whole[inside.stop, 1:-1, 1:-1]
        own, (before, inner, behind) = number_slab(slab, periodic=periodic)
        seen = slab[:, 1:-1, 1:-1] > 0
        assert np.array_equal(own[:, 1:-1, 1:-1][seen], np.arange(before + inner + behind))
        there = numbers[inside.start - 1 : inside.stop + 1, 1:-1, 1:-1]
        shift = total - before
        assert np.array_equal(own[:, 1:-1, 1:-1][seen] + shift, there[seen])
        total += inner
    assert total == count


def test_what_passes_between_two_planes():
    codes = np.array([[1, 2, 0], [1, 0, 2]], np.uint8)
    other = np.array([[1, 0, 2], [2, 1, 1]], np.uint8)
    values = np.array([0.5, 9.0, 0.25, -1.0], np.float32)
    others = np.array([0.25, 7.0, 1.0, 8.0, 2.0], np.float32)
    unlike = 2 * 2 * 0.125 / 1.125
    drops = [(2.0, 0.5, 0.25), (unlike, 0.25, 1.0), (unlike, -1.0, 2.0)]
    power = sum(w * (a - b) ** 2 for w, a, b in drops)
    assert np.isclose(energy_between(codes, other, PAIRS, values, others), power)
    groups, of_others = np.array([0, 0, 1, 1]), np.array([2, 2, 3, 3, 3])
    out = np.zeros(4, np.float32)
    product = restrict_between(codes, other, PAIRS, values, others, groups, of_others, out)
    assert np.isclose(product, 2 * sum(w * a * b for w, a, b in drops))
    assert np.allclose(out, [2 * 0.25, unlike * 3, 2 * 0.5, unlike * (0.25 - 1)])
    firsts, seconds, weights = np.empty(3, int), np.empty(3, int), np.empty(3, np.float32)
    assert links_between(codes, other, PAIRS, groups, of_others, firsts, seconds, weights) == 3
    assert (firsts.tolist(), seconds.tolist()) == ([0, 1, 1], [2, 3, 3])
    assert np.allclose(weights, [2, unlike, unlike])


def test_links_of_slabs_and_links_between_them_make_one_graph():
    """Two slabs of two nodes each in a row: 0-1 and 2-3, joined by 1-2."""
    rows, columns, weights = np.array([0, 1, 2]), np.array([1, 0], np.int32), np.array([5, 5.0])
    at = np.array([0, 1, 3, 5])
    all_columns, all_weights = np.empty(6, np.int32), np.empty(6, np.float32)
    place_graph(rows, columns, weights, 0, at, all_columns, all_weights)
    place_graph(rows, columns, weights, 2, at, all_columns, all_weights)
    place_links(np.array([1]), np.array([2]), np.array([3.0]), at, all_columns, all_weights)
    assert all_columns.tolist() == [1, 0, 2, 3, 1, 2]
    assert all_weights.tolist() == [5, 5, 3, 5, 3, 5]
