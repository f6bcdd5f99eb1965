"""The first passes: phases as codes, clusters that reach through, and their aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Box
from poroscale.engine.plan import Need
from poroscale.kernels.conduction.aggregates import (
    Kinds,
    aggregates_of_graph,
    aggregates_of_lattice,
    graph_of_graph,
    graph_of_lattice,
)
from poroscale.kernels.conduction.numbering import with_margin
from poroscale.kernels.conduction.slabs import (
    carrying_sets,
    drop_clusters,
    join_planes,
    number_slab,
    outer_clusters,
)
from poroscale.manifest import write_durably
from poroscale.transport.conduction.effective import CodedPhases
from poroscale.transport.conduction.lattice import ConductingLattice
from poroscale.transport.conduction.streamed.slabs import (
    Arrays,
    SlabMedium,
    SlabPasses,
    SlabRecords,
    with_faces,
)


@dataclass(frozen=True)
class CarryingClusters:
    """Which outer clusters of each slab carry current, in a file that workers read."""

    path: Path
    firsts: tuple[int, ...]
    voxels: tuple[int, ...]

    def of(self, number: int) -> NDArray[np.bool_]:
        """bool (count,): for each outer cluster of a slab."""
        first, stop = self.firsts[number : number + 2]
        return np.fromfile(self.path, np.bool_, stop - first, offset=first)

    @property
    def percolates(self) -> bool:
        """Whether any of them does."""
        return any(self.of(k).any() for k in range(len(self.firsts) - 1))


def code_slabs(medium: SlabMedium, passes: SlabPasses, need: Need) -> SlabRecords:
    """The pass over the volume: codes of each slab, and the clusters that touch its faces."""
    task = partial(_code_slab, medium=medium)
    return passes.over("phases", task, need, settled=False)


def _code_slab(_output: object, _number: int, box: Box, *, medium: SlabMedium) -> tuple[None, Any]:
    origin, shape = [0, 0, 0], list(medium.volume.shape)
    axis = medium.drive.axis
    origin[axis], shape[axis] = box.origin[0], box.shape[0]
    z, y, x = shape
    read = medium.volume.read((origin[0], origin[1], origin[2]), (z, y, x))
    codes = CodedPhases.of((z, y, x), [read], medium.known, axis=axis).codes
    del read
    held = with_margin(codes, periodic=medium.periodic)
    before, behind, count = outer_clusters(held, periodic=medium.periodic)
    return None, {
        "codes": codes,
        "plane_first": codes[0],
        "plane_last": codes[-1],
        "labels_first": before,
        "labels_last": behind,
        "clusters": np.array(count),
        "conducting": np.array(np.count_nonzero(codes)),
    }


def join_slabs(medium: SlabMedium, coded: SlabRecords, path: Path) -> CarryingClusters:
    """Join the clusters of all slabs; which of them touch both driven faces goes to `path`."""
    slabs = range(len(medium.grid))
    facts = [coded.load(k, "clusters", "conducting") for k in slabs]
    firsts = np.concatenate([[0], np.cumsum([int(each["clusters"]) for each in facts])])
    parents = np.arange(firsts[-1])
    for k in slabs[1:]:
        before = coded.load(k - 1, "plane_last", "labels_last")
        behind = coded.load(k, "plane_first", "labels_first")
        join_planes(
            before["plane_last"],
            behind["plane_first"],
            before["labels_last"] + firsts[k - 1],
            behind["labels_first"] + firsts[k],
            parents,
        )
    first = coded.one(0, "labels_first") + firsts[0]
    last = coded.one(slabs[-1], "labels_last") + firsts[-2]
    write_durably(path, carrying_sets(parents, first, last).tobytes())
    voxels = tuple(int(each["conducting"]) for each in facts)
    return CarryingClusters(path, tuple(firsts.tolist()), voxels)


@dataclass(frozen=True)
class CodedMedium:
    """A medium whose clusters are known."""

    medium: SlabMedium
    coded: SlabRecords
    clusters: CarryingClusters

    @property
    def share(self) -> float:
        """Largest share of the voxels of a slab that conduct."""
        boxes = zip(self.clusters.voxels, self.medium.grid, strict=True)
        return max(n / box.voxels for n, box in boxes)


@dataclass(frozen=True)
class AggregateRule:
    """How the voxels of a slab are joined.

    Attributes
    ----------
    edge
        Voxels along the edge of a block of an aggregate: 2, 4, 8 and so on.
    kinds
        Kind of each code: aggregates are of one kind.
    """

    edge: int
    kinds: Kinds


def aggregate_slabs(
    given: CodedMedium, rule: AggregateRule, passes: SlabPasses, need: Need, *, name: str
) -> SlabRecords:
    """The pass that leaves out what carries nothing, and joins the rest to aggregates."""
    task = partial(_aggregate_slab, given=given, rule=rule)
    return passes.over(name, task, need, title="aggregates", settled=False)


def _aggregate_slab(
    _output: object, number: int, box: Box, *, given: CodedMedium, rule: AggregateRule
) -> tuple[None, Arrays]:
    medium = given.medium
    periodic, pairs, ends = medium.periodic, medium.pairs, medium.ends(number)
    codes = with_margin(given.coded.one(number, "codes"), periodic=periodic)
    drop_clusters(codes, given.clusters.of(number), periodic=periodic)
    numbers, (_, count, _) = number_slab(codes, periodic=periodic)
    lattice = ConductingLattice(numbers, codes, medium.conductivities, pairs, count, ends)
    groups, places, kinds = aggregates_of_lattice(numbers, codes, count, rule.kinds)
    graph, edge = graph_of_lattice(numbers, codes, pairs, groups, len(places), ends), 2
    finest = len(places)
    while edge < rule.edge:
        further, places, kinds = aggregates_of_graph(graph, places, kinds)
        graph = graph_of_graph(graph, further, len(places))
        groups, edge = further[groups], 2 * edge
    places[:, 0] += box.origin[0] // edge
    inner = codes[1:-1, 1:-1, 1:-1]
    return None, {
        "codes": inner,
        "codes_first": inner[0],
        "codes_last": inner[-1],
        **with_faces(lattice, groups=groups),
        "rows": graph.rows,
        "columns": graph.columns,
        "weights": graph.weights,
        "ground": graph.ground,
        "places": places,
        "kinds": kinds,
        "counts": np.array([count, finest, len(places)]),
    }
