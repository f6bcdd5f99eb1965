"""Betti curves and pairs of a volume of any size, exact, in one pass over its blocks.

Components of the sub-level sets {value <= t} come from merge trees of blocks. Cavities of a volume,
or holes of an image, are components of the rest (Alexander duality). The Euler characteristic is a
sum over cells. What is left, the handles of a volume, follows from the three:
b1 = b0 + b2 - euler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, Pass, Reduction, Run, reduce_blocks, reduce_pass
from poroscale.identity import kernel
from poroscale.kernels.topology.euler_curve import euler_cells
from poroscale.kernels.topology.merge_graph import ClosedBox, merge_block
from poroscale.kernels.topology.order_keys import order_keys, values_of_keys
from poroscale.statistics.topology.filtration import Filtration, curve_levels, level_keys
from poroscale.statistics.topology.frontier import TREES, Frontier, packed, plain_pairs
from poroscale.statistics.topology.pair_sums import PairTable
from poroscale.volume import Index, Shape, Volume, flat_axis

PER_VOXEL = 110.0
"""Bytes per voxel of a block that a sweep takes of pure noise, the worst case."""
DISTANCE = 26.0
"""Bytes per voxel of block and halo that distances take; the sweep keeps 4 of them."""
OF_FRONTIER = 60
"""Bytes per voxel of two planes of the volume that the frontier takes of pure noise."""
LEVELS = 256
STATISTICS = ("betti_0", "betti_1", "betti_2", "euler")


@dataclass(frozen=True)
class VolumeTopology:
    """Topology of the sub-level sets of a volume.

    Attributes
    ----------
    levels
        (n,) ascending, in the type of the values.
    betti
        int64 (3, n): components, handles (holes of an image) and cavities of {value <= level}.
    euler
        int64 (n,): its Euler characteristic, betti[0] - betti[1] + betti[2].
    components
        Pairs of components (H0) but the oldest.
    cavities
        Pairs of cavities: H2 of a volume, H1 of an image.
    oldest
        Lowest value: birth of the component that never ends.
    image
        The volume is one voxel thick along one axis.
    """

    levels: NDArray[Any]
    betti: NDArray[np.int64]
    euler: NDArray[np.int64]
    components: PairTable
    cavities: PairTable
    oldest: Any
    image: bool

    def at(self, level: float) -> dict[str, int]:
        """The numbers at the highest level that is not above `level`; 0 of a phase is the phase.

        Raises
        ------
        ValueError
            If all levels lie above it.
        """
        place = int(np.searchsorted(self.levels, level, side="right")) - 1
        if place < 0:
            raise ValueError(f"`level` must be at least {self.levels[0]}, got {level}")
        curves = zip(STATISTICS, (*self.betti, self.euler), strict=True)
        return {name: int(curve[place]) for name, curve in curves}


def volume_topology(
    volume: Volume, filtration: Filtration, *, levels: int = LEVELS, run: Run | None = None
) -> VolumeTopology:
    """Betti curves, Euler curve and pairs of components and cavities of a volume.

    Parameters
    ----------
    volume
        Any volume; floats are finite.
    filtration
        Values whose sub-level sets are looked at.
    levels
        Levels of the curves, if not every value is one (`curve_levels`).
    run
        Memory, workers and cluster; changes no number.

    Raises
    ------
    ValueError
        If a float volume holds NaN or infinity, or `levels` is out of range.
    MemoryError
        If the budget cannot hold one block.
    """
    span = value_span(volume, run=run) if _needs_span(volume, filtration) else None
    chosen = curve_levels(filtration, volume, levels, span)
    dtype, keys = filtration.dtype(volume.dtype), level_keys(chosen)

    def joined(a: Frontier | Mapping[str, Any], b: Mapping[str, Any]) -> Frontier:
        frontier = _frontier(a)
        frontier.take(b)
        return frontier

    def _frontier(found: Frontier | Mapping[str, Any]) -> Frontier:
        if isinstance(found, Frontier):
            return found
        frontier = Frontier(volume.shape, dtype, keys)
        frontier.take(found)
        return frontier

    declared = topology_pass(volume.shape, volume.dtype, filtration).but(
        kernel=Reduction(_sweep_block, joined, _frontier, located=True),
        parameters={"shape": volume.shape, "levels": keys, "filtration": filtration.recipe},
    )
    total: Frontier = reduce_pass(declared, volume, run=run)
    return _result(total, chosen, image=flat_axis(volume.shape) is not None)


def topology_pass(shape: Shape, dtype: np.dtype[Any], filtration: Filtration) -> Pass:
    """The pass of `volume_topology`, without what only its run knows."""
    z, y, x = (n + 1 for n in filtration.halo)
    planes = 2 * prod(sorted(shape)[1:]) if shape[0] > 1 else 2 * prod(shape[1:])
    distances = filtration.kind == "distance"
    return Pass(
        "topology",
        reads=(dtype,),
        halo=Halo.of((z, y, x)),
        # The wide halo of distances is gone when the sweep begins.
        temporary=DISTANCE if distances else PER_VOXEL,
        inner=PER_VOXEL if distances else 0.0,
        driver=OF_FRONTIER * planes,
    )


def value_span(volume: Volume, *, run: Run | None = None) -> tuple[Any, Any]:
    """Least and largest value of a volume.

    Raises
    ------
    ValueError
        If a value is NaN or infinite.
    """
    reduction = Reduction(_span, _wider, lambda found: found["span"])
    low, high = reduce_blocks(reduction, volume, bytes_per_voxel=1.0, run=run)
    if volume.dtype.kind == "f" and not np.isfinite([low, high]).all():
        raise ValueError(
            f"{volume.path} must hold finite values, got NaN or infinity; replace them first"
        )
    return low, high


def _needs_span(volume: Volume, filtration: Filtration) -> bool:
    return filtration.kind == "grey" and volume.dtype.itemsize > 1


@kernel("statistics.topology_span")
def _span(block: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {"span": np.array([block.min(), block.max()])}


def _wider(a: Mapping[str, NDArray[Any]], b: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Of both; NaN stays NaN."""
    (low, high), (other_low, other_high) = a["span"], b["span"]
    return {"span": np.array([np.minimum(low, other_low), np.maximum(high, other_high)])}


@kernel("statistics.topology_block")
def _sweep_block(
    block: NDArray[Any],
    *,
    origin: Index,
    shape: Shape,
    levels: NDArray[np.int64],
    filtration: Mapping[str, Any],
) -> dict[str, NDArray[Any]]:
    """Both trees and the cells of a block; it comes with the filtration's halo and one voxel."""
    chosen = Filtration(**filtration)
    values = chosen.values(block)
    size = [n - 2 * h - 2 for h, n in zip(chosen.halo, values.shape, strict=True)]
    begins = [o == 0 for o in origin]
    ends = [o + n == whole for o, n, whole in zip(origin, size, shape, strict=True)]
    keys = order_keys(_with_one_voxel(values, chosen.halo, begins, ends))
    cells = euler_cells(
        _bins(keys, levels),
        len(levels) + 1,
        first=(begins[0], begins[1], begins[2]),
        last=(ends[0], ends[1], ends[2]),
        wide=chosen.wide,
    )
    # One more plane than its own, where the volume goes on: neighbours share it.
    closed = tuple(slice(1, n + 1 + (not end)) for n, end in zip(size, ends, strict=True))
    own = np.ascontiguousarray(keys[closed])
    z, y, x = (o + n - 1 for o, n in zip(origin, own.shape, strict=True))
    box = ClosedBox(origin, (z, y, x), shape)
    found = {"cells": cells, "box": np.array([box.first, box.last])}
    for tree in TREES:
        low = tree == "low"
        graph, pairs = merge_block(
            own if low else ~own, box, wide=chosen.wide == low, outside=not low
        )
        plain = plain_pairs(pairs, tree, values.dtype)
        found |= packed(graph, plain, tree, levels)
    return found


def _with_one_voxel(
    values: NDArray[Any], halo: Shape, begins: Sequence[bool], ends: Sequence[bool]
) -> NDArray[Any]:
    """The block with one voxel around it; beyond the volume its outermost values are repeated.

    Distances of what was repeated there lie deeper than those of the outermost voxels.
    """
    sides = list(zip(begins, ends, strict=True))
    kept = tuple(
        slice(h + begin, n - h - end)
        for h, n, (begin, end) in zip(halo, values.shape, sides, strict=True)
    )
    return np.pad(values[kept], [(int(a), int(b)) for a, b in sides], mode="edge")


def _bins(keys: NDArray[Any], levels: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The first level that is not below each key."""
    if keys.itemsize > 2:
        return np.searchsorted(levels.astype(keys.dtype), keys).astype(np.uint16)
    every = np.arange(1 << 8 * keys.itemsize)
    return np.searchsorted(levels, every).astype(np.uint16)[keys]


def _result(total: Frontier, levels: NDArray[Any], *, image: bool) -> VolumeTopology:
    n = len(levels)
    euler = np.cumsum(total.cells)[:n]
    components, enclosed = (np.cumsum(total.alive[tree])[:n] for tree in TREES)
    components = components + (total.oldest <= total.levels)
    zero = np.zeros(n, np.int64)
    cavities = zero if image else enclosed
    handles = components + cavities - euler
    tables = {tree: total.sums[tree].table() for tree in TREES}
    oldest = values_of_keys(np.array([total.oldest]), total.dtype)[0]
    return VolumeTopology(
        levels,
        np.stack([components, handles, cavities]),
        euler,
        tables["low"],
        tables["high"],
        oldest,
        image,
    )
