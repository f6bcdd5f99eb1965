"""Aggregates: voxels of a block of 2x2x2, or nodes of eight such blocks, that touch each other.

Potentials that are constant on each aggregate are what a coarse level corrects. Pieces of a block
that do not touch inside it are aggregates of their own: they may belong to pores that meet far away
or never, and one value for both would join them. So are pieces of another kind, that is of a
conductivity far from that of the others: two good conductors on both sides of a thin layer have
potentials of their own. A coarse level is a graph: nodes, neighbours and the conductances between
them, in compressed rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.conduction.numbering import join_sets, root_of
from poroscale.kernels.conduction.operator import BOTH, FIRST, LAST


class Graph(NamedTuple):
    """The operator between n nodes.

    Attributes
    ----------
    rows
        int64 (n + 1,): where the neighbours of each node begin.
    columns
        int32 (m,): numbers of the neighbours.
    weights
        float32 (m,): conductances to them.
    ground
        float32 (n,): conductance to the driven faces.
    inverse
        float32 (n,): one over the sum of all conductances of a node.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    ground: NDArray[np.float32]
    inverse: NDArray[np.float32]

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.ground)

    @property
    def nbytes(self) -> int:
        """Size in memory [bytes]."""
        return sum(each.nbytes for each in self)


Places = NDArray[np.int16]
"""(n, 3): the block of each node."""


Kinds = NDArray[np.uint8]
"""(n,): the kind of each node."""


def aggregates_of_lattice(
    numbers: NDArray[np.uint32], codes: NDArray[np.uint8], voxels: int, kinds: Kinds
) -> tuple[NDArray[np.int32], Places, Kinds]:
    """The aggregate of each voxel, and the block and the kind of each aggregate.

    Parameters
    ----------
    numbers, codes, voxels
        The lattice.
    kinds
        uint8 (phases,): the kind of each phase.
    """
    groups = np.empty(voxels, np.int32)
    count = _group_voxels(numbers, codes, kinds, groups)
    places, of_nodes = np.empty((count, 3), np.int16), np.empty(count, np.uint8)
    _place_voxels(numbers, codes, kinds, groups, places, of_nodes)
    return groups, places, of_nodes


def graph_of_lattice(
    numbers: NDArray[np.uint32],
    codes: NDArray[np.uint8],
    pairs: NDArray[np.float32],
    groups: NDArray[np.int32],
    count: int,
    ends: int = BOTH,
) -> Graph:
    """The graph of the aggregates of a lattice; sums of the conductances between their voxels.

    `ends` says which driven faces belong to the lattice (`operator`).
    """
    rows, marks = np.zeros(count + 1, np.int64), np.full(count, -1, np.int64)
    _join_voxels(numbers, codes, pairs, groups, marks, rows, *_of_length(0, 0), ends)
    np.cumsum(rows, out=rows)
    marks[:] = -1
    columns, weights, ground = _of_length(rows[-1], count)
    _join_voxels(numbers, codes, pairs, groups, marks, rows, columns, weights, ground, ends)
    return graph_of_links(rows, columns, weights, ground)


def aggregates_of_graph(
    graph: Graph, places: Places, kinds: Kinds
) -> tuple[NDArray[np.int32], Places, Kinds]:
    """The aggregate of each node, and the block and the kind of each aggregate."""
    groups = np.empty(graph.nodes, np.int32)
    count = _group_nodes(graph.rows, graph.columns, places, kinds, groups)
    coarse, of_coarse = np.empty((count, 3), np.int16), np.empty(count, np.uint8)
    coarse[groups], of_coarse[groups] = places >> 1, kinds
    return groups, coarse, of_coarse


def graph_of_graph(graph: Graph, groups: NDArray[np.int32], count: int) -> Graph:
    """The graph of the aggregates of a graph."""
    members = np.argsort(groups, kind="stable").astype(np.int32)
    firsts = np.searchsorted(groups[members], np.arange(count + 1))
    rows, marks = np.zeros(count + 1, np.int64), np.full(count, -1, np.int64)
    fine = graph[:4]
    _join_nodes(*fine, groups, members, firsts, marks, rows, *_of_length(0, 0))
    np.cumsum(rows, out=rows)
    marks[:] = -1
    columns, weights, ground = _of_length(rows[-1], count)
    _join_nodes(*fine, groups, members, firsts, marks, rows, columns, weights, ground)
    return graph_of_links(rows, columns, weights, ground)


def graph_of_links(
    rows: NDArray[np.int64],
    columns: NDArray[np.int32],
    weights: NDArray[np.float32],
    ground: NDArray[np.float32],
) -> Graph:
    """A graph of these links and conductances to the driven faces."""
    return Graph(rows, columns, weights, ground, _inverse(rows, weights, ground))


def _of_length(
    links: int, count: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Columns and weights of a graph, and its ground; empty ones stand for a first counting."""
    columns, weights = np.empty(links, np.int32), np.zeros(links, np.float32)
    return columns, weights, np.zeros(count, np.float32)


@njit(nogil=True, cache=True)
def _group_voxels(numbers, codes, kinds, groups):  # type: ignore[no-untyped-def]
    nz, ny, nx = numbers.shape
    parents, seen = np.empty(8, np.int64), np.empty(8, np.int64)
    there, kind = np.empty(8, np.bool_), np.empty(8, np.uint8)
    count = 0
    for z in range(1, nz - 1, 2):
        for y in range(1, ny - 1, 2):
            for x in range(1, nx - 1, 2):
                for k in range(8):
                    a, b, c = z + (k >> 2), y + (k >> 1 & 1), x + (k & 1)
                    inside = a < nz - 1 and b < ny - 1 and c < nx - 1
                    there[k] = inside and codes[a, b, c] != 0
                    kind[k] = kinds[codes[a, b, c]] if inside else 0
                    parents[k], seen[k] = k, -1
                for k in range(8):
                    for bit in (1, 2, 4):
                        both = not k & bit and there[k] and there[k | bit]
                        if both and kind[k] == kind[k | bit]:
                            join_sets(parents, k, k | bit)
                for k in range(8):
                    if there[k]:
                        root = root_of(parents, k)
                        if seen[root] < 0:
                            seen[root] = count
                            count += 1
                        a, b, c = z + (k >> 2), y + (k >> 1 & 1), x + (k & 1)
                        groups[numbers[a, b, c]] = seen[root]
    return count


@njit(nogil=True, cache=True)
def _place_voxels(numbers, codes, kinds, groups, places, of_nodes):  # type: ignore[no-untyped-def]
    nz, ny, nx = numbers.shape
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if codes[z, y, x]:
                    node = groups[numbers[z, y, x]]
                    of_nodes[node] = kinds[codes[z, y, x]]
                    places[node, 0] = (z - 1) >> 1
                    places[node, 1] = (y - 1) >> 1
                    places[node, 2] = (x - 1) >> 1


@njit(nogil=True, cache=True)
def _inverse(rows, weights, ground):  # type: ignore[no-untyped-def]
    inverse = np.empty(len(ground), np.float32)
    for i in range(len(ground)):
        total = ground[i]
        for k in range(rows[i], rows[i + 1]):
            total += weights[k]
        # A piece of a slab may hang on other slabs alone.
        inverse[i] = np.float32(1) / total if total > 0 else np.float32(0)
    return inverse


@njit(nogil=True, cache=True, inline="always")
def _add(marks, rows, columns, weights, counting, node, other, weight, filled):  # type: ignore[no-untyped-def]
    """Count a neighbour of a node, or add to its weight; returns how many are filled."""
    if counting:
        if marks[other] != node:
            marks[other] = node
            rows[node + 1] += 1
        return filled
    at = marks[other]
    if at < rows[node]:  # filled for an earlier node, or never
        at = marks[other] = filled
        columns[at] = other
        filled += 1
    weights[at] += weight
    return filled


@njit(nogil=True, cache=True)
def _join_voxels(  # type: ignore[no-untyped-def]
    numbers, codes, pairs, groups, marks, rows, columns, weights, ground, ends
):
    """Go through the blocks, whose nodes have numbers that follow each other."""
    nz, ny, nx = numbers.shape
    counting, filled = len(ground) == 0, 0
    for z in range(1, nz - 1, 2):
        for y in range(1, ny - 1, 2):
            for x in range(1, nx - 1, 2):
                first, last = len(groups), -1
                for k in range(8):
                    a, b, c = z + (k >> 2), y + (k >> 1 & 1), x + (k & 1)
                    if a < nz - 1 and b < ny - 1 and c < nx - 1 and codes[a, b, c]:
                        first = min(first, groups[numbers[a, b, c]])
                        last = max(last, groups[numbers[a, b, c]])
                for node in range(first, last + 1):
                    for k in range(8):
                        a, b, c = z + (k >> 2), y + (k >> 1 & 1), x + (k & 1)
                        if not (a < nz - 1 and b < ny - 1 and c < nx - 1 and codes[a, b, c]):
                            continue
                        if groups[numbers[a, b, c]] != node:
                            continue
                        own = codes[a, b, c]
                        if not counting:
                            faces = (a == 1 and ends & FIRST != 0) + (
                                a == nz - 2 and ends & LAST != 0
                            )
                            ground[node] += np.float32(2 * faces) * pairs[0, own, own]
                        for side in range(6):
                            axis, step = side >> 1, 2 * (side & 1) - 1
                            d = a + step * (axis == 0)
                            e = b + step * (axis == 1)
                            f = c + step * (axis == 2)
                            if not codes[d, e, f]:
                                continue
                            other = groups[numbers[d, e, f]]
                            if other == node:
                                continue
                            weight = pairs[axis, own, codes[d, e, f]]
                            filled = _add(
                                marks, rows, columns, weights, counting, node, other, weight, filled
                            )


@njit(nogil=True, cache=True)
def _group_nodes(rows, columns, places, kinds, groups):  # type: ignore[no-untyped-def]
    parents = np.arange(len(groups))
    for i in range(len(groups)):
        for k in range(rows[i], rows[i + 1]):
            j = columns[k]
            if j < i and kinds[i] == kinds[j]:
                together = places[i, 0] >> 1 == places[j, 0] >> 1
                together = together and places[i, 1] >> 1 == places[j, 1] >> 1
                if together and places[i, 2] >> 1 == places[j, 2] >> 1:
                    join_sets(parents, i, j)
    count = 0
    for i in range(len(groups)):  # a root is the lowest of its set, so it comes first
        root = root_of(parents, i)
        if root == i:
            groups[i] = count
            count += 1
        else:
            groups[i] = groups[root]
    return count


@njit(nogil=True, cache=True)
def _join_nodes(  # type: ignore[no-untyped-def]
    fine_rows, fine_columns, fine_weights, fine_ground,
    groups, members, firsts, marks, rows, columns, weights, ground,
):  # fmt: skip
    counting, filled = len(ground) == 0, 0
    for node in range(len(marks)):
        for member in range(firsts[node], firsts[node + 1]):
            i = members[member]
            if not counting:
                ground[node] += fine_ground[i]
            for k in range(fine_rows[i], fine_rows[i + 1]):
                other = groups[fine_columns[k]]
                if other != node:
                    filled = _add(
                        marks, rows, columns, weights, counting, node, other, fine_weights[k],
                        filled,
                    )  # fmt: skip
