"""Merge trees of blocks joined in the order of the blocks; what is held is the frontier.

Blocks come in scan order. Boxes of equal length are joined along x, rows along y, slabs along z. So
few boxes are held at a time, and of each the minima of the faces where the volume goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.topology.merge_graph import ClosedBox, MergeGraph, glue
from poroscale.kernels.topology.order_keys import key_dtype, unflipped
from poroscale.statistics.topology.pair_sums import (
    PairSum,
    alive_by_level,
    unique_pairs,
)
from poroscale.volume import Shape

Int64 = NDArray[np.int64]
Found = Mapping[str, NDArray[Any]]

TREES = ("low", "high")
"""Components of the sub-level sets, and of the rest by falling level, keys flipped."""


def packed(graph: MergeGraph, pairs: Int64, tree: str, levels: Int64) -> dict[str, NDArray[Any]]:
    """What a block gives of one tree as arrays with names; pairs of the high tree as they are."""
    counted = unique_pairs(pairs)
    arrays = {f"{tree}_{name}": getattr(graph, name) for name in MergeGraph._fields}
    changes = alive_by_level(counted, levels)
    return {**arrays, f"{tree}_pairs": counted, f"{tree}_alive": changes}


def plain_pairs(pairs: Int64, tree: str, dtype: np.dtype[Any]) -> Int64:
    """Pairs as births and deaths of the sub-level sets: those of the high tree run downwards."""
    return pairs if tree == "low" else unflipped(pairs[::-1], key_dtype(dtype))


@dataclass
class Frontier:
    """What is known of the blocks so far.

    Attributes
    ----------
    shape
        Shape of the volume.
    dtype
        Type of the values.
    levels
        int64 keys of the levels.
    sums, alive, cells
        Pairs of each tree, changes of how many are alive by level, changes of the Euler
        characteristic by level.
    """

    shape: Shape
    dtype: np.dtype[Any]
    levels: Int64
    sums: dict[str, PairSum] = field(default_factory=dict)
    alive: dict[str, Int64] = field(default_factory=dict)
    cells: Int64 = field(default_factory=lambda: np.zeros(0, np.int64))
    _boxes: list[tuple[ClosedBox, dict[str, MergeGraph]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sums = {tree: PairSum(self.dtype) for tree in TREES}
        self.alive = {tree: np.zeros(len(self.levels) + 1, np.int64) for tree in TREES}
        self.cells = np.zeros(len(self.levels) + 1, np.int64)

    def take(self, found: Found) -> None:
        """The next block, in scan order."""
        graphs = {}
        for tree in TREES:
            graphs[tree] = MergeGraph(*(found[f"{tree}_{name}"] for name in MergeGraph._fields))
            self.sums[tree].add(found[f"{tree}_pairs"])
            self.alive[tree] += found[f"{tree}_alive"]
        self.cells += found["cells"]
        first, last = (tuple(map(int, corner)) for corner in found["box"])
        box = ClosedBox(first, last, self.shape)  # type: ignore[arg-type]
        if box.covered:  # its voxels lie in the box before it
            return
        self._boxes.append((box, graphs))
        while len(self._boxes) > 1 and self._may_join():
            self._join()

    @property
    def oldest(self) -> int:
        """Key of the lowest voxel of the volume, when all blocks are joined."""
        ((_, graphs),) = self._boxes
        return int(graphs["low"].birth.min())

    def _may_join(self) -> bool:
        (a, _), (b, _) = self._boxes[-2:]
        apart = [k for k in range(3) if a.first[k] != b.first[k] or a.last[k] != b.last[k]]
        if len(apart) != 1 or a.last[apart[0]] != b.first[apart[0]]:
            return False
        (k,) = apart
        as_long = b.last[k] - b.first[k] >= a.last[k] - a.first[k]
        return k == 0 or as_long or b.last[k] == self.shape[k] - 1

    def _join(self) -> None:
        (b, of_b), (a, of_a) = self._boxes.pop(), self._boxes.pop()
        both = ClosedBox(a.first, b.last, self.shape)
        graphs = {}
        for tree in TREES:
            graphs[tree], pairs = glue(of_a[tree], of_b[tree], both)
            counted = unique_pairs(plain_pairs(pairs, tree, self.dtype))
            self.sums[tree].add(counted)
            self.alive[tree] += alive_by_level(counted, self.levels)
        self._boxes.append((both, graphs))
