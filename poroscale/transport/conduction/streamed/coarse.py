"""The coarse level of a streamed solution: the graph of all aggregates, which is held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.conduction.aggregates import Graph, graph_of_links
from poroscale.kernels.conduction.slabs import (
    energy_between,
    links_between,
    place_graph,
    place_links,
    restrict_between,
)
from poroscale.transport.conduction.lattice import Vector
from poroscale.transport.conduction.multigrid import GraphCycle
from poroscale.transport.conduction.streamed.slabs import SlabLattice, SlabRecords

Links = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True)
class SlabSeams:
    """The aggregates of all slabs, and the planes in which two slabs touch.

    Attributes
    ----------
    slabs
        The lattice.
    firsts
        int64 (slabs + 1,): number of the first aggregate of each slab, and of all of them.
    voxels
        Voxels that carry current.
    """

    slabs: SlabLattice
    firsts: NDArray[np.int64]
    voxels: int

    @classmethod
    def of(cls, slabs: SlabLattice) -> SlabSeams:
        """The seams of a lattice."""
        counts = [slabs.carried.one(k, "counts") for k in range(len(slabs.medium.grid))]
        firsts = np.concatenate([[0], np.cumsum([each[2] for each in counts])])
        return cls(slabs, firsts, int(sum(each[0] for each in counts)))

    def cycle(self, *, mixed: bool) -> GraphCycle:
        """The preconditioner of the aggregates, which may hold voxels of several kinds."""
        graph, places, kinds = self._graph()
        return GraphCycle(graph, places, kinds, voxels=self.voxels, mixed=mixed)

    def add_residual(self, swept: SlabRecords, right: Vector) -> float:
        """Add to each aggregate the current through the seams; the product as of a sweep."""
        product = 0.0
        for k, seam in self._seams():
            before, behind = swept.one(k - 1, "z_last"), swept.one(k, "z_first")
            product += restrict_between(*seam[:3], before, behind, *seam[3:], right)
        return product

    def energy(self, directions: SlabRecords) -> float:
        """What a direction dissipates between slabs."""
        power = 0.0
        for k, seam in self._seams():
            before, behind = directions.one(k - 1, "p_last"), directions.one(k, "p_first")
            power += energy_between(*seam[:3], before, behind)
        return power

    def _seams(self) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Number of a slab with codes, conductances and aggregates of the planes before it."""
        carried, pairs = self.slabs.carried, self.slabs.medium.pairs
        for k in range(1, len(self.firsts) - 1):
            before = carried.load(k - 1, "codes_last", "groups_last")
            behind = carried.load(k, "codes_first", "groups_first")
            groups = before["groups_last"] + np.int32(self.firsts[k - 1])
            others = behind["groups_first"] + np.int32(self.firsts[k])
            yield k, (before["codes_last"], behind["codes_first"], pairs, groups, others)

    def _graph(self) -> tuple[Graph, NDArray[np.int16], NDArray[np.uint8]]:
        """The graph of all slabs with the links between them."""
        carried, count = self.slabs.carried, int(self.firsts[-1])
        across = [self._links(seam) for _, seam in self._seams()]
        degrees = np.zeros(count + 1, np.int64)
        places, kinds = np.empty((count, 3), np.int16), np.empty(count, np.uint8)
        ground = np.empty(count, np.float32)
        for k, (first, stop) in enumerate(zip(self.firsts, self.firsts[1:], strict=False)):
            found = carried.load(k, "rows", "places", "kinds", "ground")
            degrees[1 + first : 1 + stop] = np.diff(found["rows"])
            places[first:stop], kinds[first:stop] = found["places"], found["kinds"]
            ground[first:stop] = found["ground"]
        for firsts, seconds, _ in across:
            np.add.at(degrees, firsts + 1, 1)
            np.add.at(degrees, seconds + 1, 1)
        rows = np.cumsum(degrees)
        at = rows[:-1].copy()
        columns, weights = np.empty(rows[-1], np.int32), np.empty(rows[-1], np.float32)
        for k, first in enumerate(self.firsts[:-1]):
            of = carried.load(k, "rows", "columns", "weights")
            place_graph(of["rows"], of["columns"], of["weights"], first, at, columns, weights)
        for links in across:
            place_links(*links, at, columns, weights)
        return graph_of_links(rows, columns, weights, ground), places, kinds

    def _links(self, seam: tuple[Any, ...]) -> Links:
        """Aggregates that touch across a seam, with the conductance between them."""
        codes, other, pairs, groups, others = seam
        most = int(np.count_nonzero((codes != 0) & (other != 0)))
        firsts, seconds = np.empty((2, most), np.int64)
        weights = np.empty(most, np.float32)
        links_between(codes, other, pairs, groups, others, firsts, seconds, weights)
        keys, places = np.unique(firsts * self.firsts[-1] + seconds, return_inverse=True)
        total = np.bincount(places, weights, len(keys)).astype(np.float32)
        first, second = np.divmod(keys, self.firsts[-1])
        return first.astype(np.int32), second.astype(np.int32), total
