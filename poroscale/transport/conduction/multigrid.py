"""A preconditioner of aggregates: what conjugate gradients need of the inverse of the operator.

Voxels are joined to blocks of 2x2x2, those to blocks of 4x4x4, and so on to a graph that is small
enough to be inverted. Potentials that are constant on aggregates are too stiff: one correction by
them reaches about half of what a smooth error needs. So each level asks the next one twice, with
the factors of a polynomial of Chebyshev that is small between `SOFTEST` and 1 (Axelsson and
Vassilevski 1989). The cycle is one fixed symmetric matrix, which the bounds of the error need.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, inf, pi

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.conduction.aggregates import (
    Graph,
    Kinds,
    Places,
    aggregates_of_graph,
    aggregates_of_lattice,
    graph_of_graph,
    graph_of_lattice,
)
from poroscale.kernels.conduction.operator import restrict_swept, sweep_down, sweep_up
from poroscale.kernels.conduction.sweeps import (
    add_of_groups,
    restrict_swept_graph,
    subtract_flow,
    sweep_graph_down,
    sweep_graph_up,
)
from poroscale.transport.conduction.lattice import ConductingLattice, Vector

SMALLEST = 200
"""Nodes of a graph that is inverted."""
MOST_WORK = 1.0
"""Nodes that a cycle goes through on one level, over the voxels, up to which it is asked twice."""
ALIKE = 30.0
"""Ratio of conductivities up to which voxels share an aggregate."""
MOST_PIECES, APART = 0.25, 1 << 20
"""Aggregates over voxels up to which kinds stay apart, and voxels up to which they always do."""
STALLED = 0.6
"""Nodes of a level over those of the finer one, above which kinds no longer stay apart."""
SOFTEST = 0.25
"""Share of an error that one correction takes off at least."""
_HALF = cos(pi / 4) * (1 - SOFTEST)
FACTORS = (2 / (1 + SOFTEST + _HALF), 2 / (1 + SOFTEST - _HALF))


@dataclass
class _Level:
    """A graph, the groups of its nodes on the next level, and its vectors."""

    graph: Graph
    groups: NDArray[np.int32] | None = None
    twice: bool = False
    right: Vector = field(init=False)
    values: Vector = field(init=False)
    total: Vector = field(init=False)

    def __post_init__(self) -> None:
        self.right, self.values, self.total = np.zeros((3, self.graph.nodes), np.float32)


class AggregationMultigrid:
    """The cycle over all levels.

    Parameters
    ----------
    lattice
        The voxels.
    """

    def __init__(self, lattice: ConductingLattice) -> None:
        self._lattice = lattice
        numbers, codes, pairs = lattice.numbers, lattice.codes, lattice.pairs
        self._groups, places, kinds = _aggregates_of_voxels(lattice)
        graph = graph_of_lattice(numbers, codes, pairs, self._groups, len(places), lattice.ends)
        mixed = bool(kinds_of(lattice.conductivities).any() and not kinds.any())
        self._coarse = GraphCycle(graph, places, kinds, voxels=lattice.count, mixed=mixed)

    @property
    def nodes(self) -> list[int]:
        """Nodes of each level, from the finest aggregates on."""
        return self._coarse.nodes

    @property
    def mixed(self) -> bool:
        """Whether aggregates of any level hold voxels of several kinds."""
        return self._coarse.mixed

    @property
    def nbytes(self) -> int:
        """Size in memory [bytes]."""
        return self._groups.nbytes + self._coarse.nbytes

    def apply(self, right: Vector, out: Vector) -> None:
        """Set `out` to the product of the preconditioner with `right`."""
        of, coarse = self._lattice, self._coarse
        sweep_up(of.numbers, of.codes, of.pairs, of.inverse, right, out)
        restrict_swept(of.numbers, of.codes, of.pairs, out, self._groups, coarse.right)
        add_of_groups(coarse.correction(), self._groups, out)
        sweep_down(of.numbers, of.codes, of.pairs, of.inverse, right, out)


class GraphCycle:
    """The cycle over the graph of the finest aggregates and all coarser ones.

    Parameters
    ----------
    graph, places, kinds
        The aggregates.
    voxels
        Voxels that carry current; they say which levels are asked twice.
    mixed
        Whether the aggregates hold voxels of several kinds.

    Attributes
    ----------
    mixed
        Whether those of any level do.
    """

    def __init__(
        self, graph: Graph, places: Places, kinds: Kinds, *, voxels: int, mixed: bool = False
    ) -> None:
        self.mixed = mixed
        self._inverse: NDArray[np.floating]
        self._levels, times = [_Level(graph)], 1
        # Clusters that never meet stay apart on every level: a graph of them has no links.
        while (fine := self._levels[-1]).graph.nodes > SMALLEST and len(fine.graph.columns):
            fine.twice = 2 * times * fine.graph.nodes <= MOST_WORK * voxels
            times *= 1 + fine.twice
            several = kinds.any()
            fine.groups, places, kinds = _aggregates(fine.graph, places, kinds)
            self.mixed = self.mixed or bool(several and not kinds.any())
            self._levels.append(_Level(graph_of_graph(fine.graph, fine.groups, len(places))))
        last = self._levels[-1].graph
        self._inverse = np.linalg.inv(_dense(last)) if len(last.columns) else last.inverse

    @property
    def nodes(self) -> list[int]:
        """Nodes of each level, from the finest aggregates on."""
        return [level.graph.nodes for level in self._levels]

    @property
    def nbytes(self) -> int:
        """Size in memory [bytes]."""
        held = self._inverse.nbytes
        for level in self._levels:
            held += level.graph.nbytes + 3 * level.values.nbytes
            held += 0 if level.groups is None else level.groups.nbytes
        return held

    @property
    def right(self) -> Vector:
        """Right side of the finest graph, to be set before `correction`, which changes it."""
        return self._levels[0].right

    def correction(self) -> Vector:
        """What the cycle answers to `right`."""
        return self._correction(0)

    def _correction(self, k: int) -> Vector:
        """What level k answers to its right side, which is changed: asked once, or twice."""
        level = self._levels[k]
        if k == len(self._levels) - 1:
            linked = self._inverse.ndim == 2
            found = self._inverse @ level.right if linked else self._inverse * level.right
            return np.asarray(found, np.float32)
        self._cycle(k)
        if not level.twice:
            return level.values
        first, second = (np.float32(factor) for factor in FACTORS)
        np.multiply(level.values, first, out=level.total)
        subtract_flow(*level.graph[:4], level.values, first, level.right)
        self._cycle(k)
        level.total += second * level.values
        return level.total

    def _cycle(self, k: int) -> None:
        level, coarse = self._levels[k], self._levels[k + 1]
        matrix, groups = level.graph[:3], level.groups
        sweep_graph_up(*matrix, level.graph.inverse, level.right, level.values)
        restrict_swept_graph(*matrix, level.values, groups, coarse.right)
        add_of_groups(self._correction(k + 1), groups, level.values)
        sweep_graph_down(*matrix, level.graph.inverse, level.right, level.values)


def kinds_of(conductivities: NDArray[np.float64]) -> Kinds:
    """The kind of each phase: those of a kind differ by a factor of `ALIKE` at most."""
    kinds = np.zeros(len(conductivities), np.uint8)
    kind, least = 0, inf
    for code in np.argsort(-conductivities, kind="stable"):
        if conductivities[code] == 0:
            break
        if conductivities[code] * ALIKE < least:
            kind, least = kind + (least < inf), float(conductivities[code])
        kinds[code] = kind
    return kinds


def _aggregates_of_voxels(
    lattice: ConductingLattice,
) -> tuple[NDArray[np.int32], Places, Kinds]:
    """Aggregates of one kind, or of all kinds in much noise, where those would take memory."""
    voxels = lattice.numbers, lattice.codes, lattice.count
    kinds = kinds_of(lattice.conductivities)
    found = aggregates_of_lattice(*voxels, kinds)
    if len(found[1]) <= MOST_PIECES * lattice.count or lattice.count <= APART or not kinds.any():
        return found
    return aggregates_of_lattice(*voxels, np.zeros_like(kinds))


def _aggregates(
    graph: Graph, places: Places, kinds: Kinds
) -> tuple[NDArray[np.int32], Places, Kinds]:
    """Aggregates of one kind, or of all kinds where those would not make a level much smaller."""
    found = aggregates_of_graph(graph, places, kinds)
    if len(found[1]) <= STALLED * graph.nodes or not kinds.any():
        return found
    return aggregates_of_graph(graph, places, np.zeros_like(kinds))


def _dense(graph: Graph) -> NDArray[np.float64]:
    matrix = np.zeros((graph.nodes, graph.nodes))
    lines = np.repeat(np.arange(graph.nodes), np.diff(graph.rows))
    matrix[lines, graph.columns] = -graph.weights
    np.fill_diagonal(matrix, graph.ground - matrix.sum(axis=1))
    return matrix
