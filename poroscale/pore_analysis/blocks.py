"""The one streamed pass over the labels: integers and minima that only voxels can give.

From every block come, for each label in it,

- pairs of neighbours along thirteen directions and Euler numbers: they add up over blocks;
- its shadow along z. A label that reaches no face of the block is whole, and its shadow is a
  number; of the others the shadow's intervals are kept, and united when all blocks are there;
- the squared distance to the nearest voxel of another label, and of the outside: minima.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, Pass, Reduction, Run, reduce_pass
from poroscale.engine.plan import make_plan
from poroscale.engine.workers.cluster import cluster_of
from poroscale.identity import kernel
from poroscale.kernels.bodies.runs_of_labels import LabelRuns, Labels, runs_of_labels, silhouette
from poroscale.kernels.bodies.surface_area import COUNTS, count_surface
from poroscale.pore_analysis.forest import CACHE_BYTES, LEAST_CACHE, TILE, Forest
from poroscale.volume import Index, Shape, Volume

Partial = Mapping[str, NDArray[Any]]


STREAM_BYTES = 16.0
"""Temporary bytes per voxel of the pass: its halo, and the runs of a tile where every second voxel
is another pore."""
MEASURES = Pass(
    "measures",
    reads=(np.uint32,),
    halo=Halo.of(1, pad=0),
    temporary=STREAM_BYTES,
    held=2 * LEAST_CACHE,
)
"""The pass, with the least of the caches that it keeps."""


def stream_labels(
    labels: Volume,
    phases: Volume,
    *,
    count: int,
    outside: int | None,
    journal: Path,
    run: Run,
) -> dict[str, NDArray[Any]]:
    """Raw columns of all pores that take a look at voxels.

    Parameters
    ----------
    labels
        Labels 1 to `count`, uint32.
    phases
        The volume that was labelled.
    count
        Number of pores.
    outside
        Value of the outside in `phases`; None if it has none.
    journal
        Folder that remembers finished blocks.
    run
        Memory, workers and cluster.

    Returns
    -------
    dict
        Columns of `COUNTS` and "shadow" (int64); "gap2", "ligament2" (float64, squared
        distances [um2], infinite where there is nothing to be distant from).
    """
    forests = 1 if outside is None else 2
    held = _cache_bytes(labels, forests, run)
    chunk = _MeasureBlock(held // forests)
    declared = MEASURES.but(
        kernel=Reduction(chunk, _collect, lambda partials: _unite(partials, count), True),
        parameters={"labels": labels, "phases": phases, "outside": outside},
        held=held,
    )
    result: dict[str, NDArray[Any]] = reduce_pass(declared, labels, journal=journal, run=run)
    return result


def _cache_bytes(labels: Volume, forests: int, run: Run) -> int:
    """Memory for the caches of a process: most of what the blocks leave of the budget."""
    with cluster_of(run) as cluster:
        staff = cluster.staff(run)
    plan = make_plan(labels.shape, labels.chunks, MEASURES.need, staff=staff, settled=True)
    left = int(0.8 * plan.spare / max(1, 1 if plan.budgets else staff.processes))
    return min(forests * CACHE_BYTES, forests * LEAST_CACHE + left)


@kernel("pores.measure_block")
@dataclass(frozen=True)
class _MeasureBlock:
    """Partial result of a block. The limit of its caches changes no value, and is in no recipe."""

    cache_bytes: int

    def __call__(
        self,
        block: Labels,
        *,
        origin: Index,
        labels: Volume,
        phases: Volume,
        outside: int | None,
    ) -> dict[str, NDArray[Any]]:
        forests = {"gap2": Forest(labels, cache_bytes=self.cache_bytes)}
        if outside is not None:
            forests["ligament2"] = Forest(phases, outside, self.cache_bytes)
        return _measure_block(block, origin, forests)


def _measure_block(
    block: Labels, origin: Index, forests: dict[str, Forest]
) -> dict[str, NDArray[Any]]:
    block = np.ascontiguousarray(block)
    inner = block[1:-1, 1:-1, 1:-1]
    tiles = [
        _measure_tile(block, first, shape, origin=origin, forests=forests)
        for first, shape in _tiles(inner.shape)
    ]
    present = np.unique(np.concatenate([tile["label"] for tile in tiles]))
    found: dict[str, NDArray[Any]] = {"label": present, "counts": count_surface(block, present)}
    for name in forests:
        found[name] = np.full(len(present), np.inf)
        for tile in tiles:
            row = np.searchsorted(present, tile["label"])
            found[name][row] = np.minimum(found[name][row], tile[name])
    return found | _shadows(tiles, present, _at_faces(inner))


def _at_faces(block: Labels) -> Labels:
    """Labels that reach a face of the block, sorted."""
    faces = [block[side] for side in (0, -1)]
    faces += [block[:, side] for side in (0, -1)] + [block[:, :, side] for side in (0, -1)]
    return np.unique(np.concatenate([face.ravel() for face in faces]))


def _measure_tile(
    block: Labels, first: Index, shape: Shape, *, origin: Index, forests: Mapping[str, Forest]
) -> dict[str, NDArray[Any]]:
    """Distances of the labels in a tile to what is in the forests, and their shadows."""
    z, y, x = (o + f for o, f in zip(origin, first, strict=True))
    within = (first[0] + 1, first[1] + 1, first[2] + 1)
    runs, owners = runs_of_labels(block, (z, y, x), first=within, shape=shape)
    forests["gap2"].plant((z, y, x), shape, runs, owners)
    found: dict[str, NDArray[Any]] = {"label": np.unique(owners)}
    for name, forest in forests.items():
        found[name] = forest.nearest_of_runs(runs, owners)[1]
    found["interval"], found["interval_label"] = silhouette(runs, owners)
    return found


def _shadows(
    tiles: Sequence[Partial], present: Labels, at_faces: Labels
) -> dict[str, NDArray[Any]]:
    """Size of the shadow of labels that are whole; intervals of those that may go on."""
    intervals, of = _united(tiles)
    whole = ~np.isin(of, at_faces)
    return {
        "shadow": _sum_lengths(intervals[whole], of[whole], present),
        "interval": intervals[~whole],
        "interval_label": of[~whole],
    }


def _united(partials: Sequence[Partial]) -> tuple[LabelRuns, Labels]:
    """The shadows of several parts of a volume as one."""
    return silhouette(
        np.concatenate([found["interval"] for found in partials]),
        np.concatenate([found["interval_label"] for found in partials]),
    )


def _sum_lengths(intervals: LabelRuns, owners: Labels, present: Labels) -> NDArray[np.int64]:
    total = np.zeros(len(present), np.int64)
    np.add.at(total, np.searchsorted(present, owners), intervals[:, 3] - intervals[:, 2])
    return total


def _tiles(shape: tuple[int, ...]) -> Iterator[tuple[Index, Shape]]:
    """Pieces of a block no larger than the tiles of a forest: first voxel and shape."""
    for z, y, x in product(*(range(0, n, TILE) for n in shape)):
        dz, dy, dx = (min(TILE, n - o) for n, o in zip(shape, (z, y, x), strict=True))
        yield (z, y, x), (dz, dy, dx)


def _collect(partials: list[Partial] | Partial, found: Partial) -> list[Partial]:
    """List of partial results: they are united once, when all are there."""
    if isinstance(partials, list):
        partials.append(found)
        return partials
    return [partials, found]


def _unite(partials: list[Partial] | Partial, count: int) -> dict[str, NDArray[Any]]:
    """Columns of labels 1 to `count` from what the blocks gave."""
    counts = np.zeros((count, len(COUNTS)), np.int64)
    shadow = np.zeros(count, np.int64)
    squared = {name: np.full(count, np.inf) for name in ("gap2", "ligament2")}
    parts: list[Partial] = partials if isinstance(partials, list) else [partials]
    for found in parts:
        row = found["label"].astype(np.int64) - 1
        counts[row] += found["counts"]
        shadow[row] += found["shadow"]
        for name, best in squared.items():
            if name in found:
                best[row] = np.minimum(best[row], found[name])
    intervals, owners = _united(parts)
    shadow += _sum_lengths(intervals, owners, np.arange(1, count + 1, dtype=np.uint32))
    columns: dict[str, NDArray[Any]] = {name: counts[:, i] for i, name in enumerate(COUNTS)}
    columns["shadow"] = shadow
    columns.update(squared)
    return columns
