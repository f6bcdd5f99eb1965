"""Counts of part and pore voxels in cells of 32³ voxels of a scan, streamed.

The table has a row for each cell that holds part: some megabytes for a scan of any size. A voxel
of a class is drawn by drawing a cell, then one of its voxels, for which that cell alone is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Reduction, Run, reduce_blocks
from poroscale.identity import kernel
from poroscale.volume import PHASES, Index, Volume

CELL = 32
"""Edge of a cell [voxels]."""
Counts = dict[str, NDArray[np.int64]]


class Cells(NamedTuple):
    """Cells that hold part, in (z, y, x) order.

    Attributes
    ----------
    place
        (n, 3) int64, their place on the lattice of cells.
    part, pore
        (n,) int64 voxels of the part (pores included) and of pores in them.
    """

    place: NDArray[np.int64]
    part: NDArray[np.int64]
    pore: NDArray[np.int64]

    def between(self, low: int, high: int) -> Cells:
        """The cells whose first slice lies in [low, high)."""
        z = CELL * self.place[:, 0]
        return Cells(*(each[(z >= low) & (z < high)] for each in self))


def cells_of_truth(truth: Volume, *, journal: Path | None = None, run: Run | None = None) -> Cells:
    """Cells of a volume of phases: the part is what is not outside.

    Raises
    ------
    ValueError
        If it holds anything but the phases 0, 1 and 2.
    """
    counts = reduce_blocks(_PHASES, truth, journal=journal, bytes_per_voxel=4, run=run)
    if counts["strange"].sum():
        raise ValueError(
            f"{truth.path} must hold phases alone (0 outside, 1 solid, 2 pore), got others in "
            f"{int(counts['strange'].sum())} voxels"
        )
    return _cells(counts, truth)


def cells_of_scan(
    scan: Volume, threshold: float, *, journal: Path | None = None, run: Run | None = None
) -> Cells:
    """Cells of a scan without a truth: the part is what is brighter than a threshold."""
    parameters = {"threshold": threshold}
    counts = reduce_blocks(
        _BRIGHT, scan, parameters=parameters, journal=journal, bytes_per_voxel=4, run=run
    )
    return _cells(counts, scan)


def cell_sums(mask: NDArray[np.bool_], origin: Index) -> NDArray[np.int64]:
    """True voxels of a block in each cell that it meets; int64, cells along (z, y, x)."""
    sums = mask.view(np.uint8)
    for axis, dtype in ((2, np.uint8), (1, np.uint16), (0, np.uint16)):  # 32, 32², 32³ at most
        starts = [0, *range(-origin[axis] % CELL or CELL, mask.shape[axis], CELL)]
        sums = np.add.reduceat(sums, starts, axis=axis, dtype=dtype)
    return sums.astype(np.int64)


@kernel("segment.count_phases")
def _count_phases(phases: NDArray[Any], origin: Index) -> Counts:
    pore = phases == PHASES["pore"]
    strange = np.asarray([np.count_nonzero((phases > PHASES["pore"]) | (phases < 0))])
    return _counted(phases != PHASES["outside"], pore, origin) | {"strange": strange}


@kernel("segment.count_bright")
def _count_bright(grey: NDArray[Any], origin: Index, *, threshold: float) -> Counts:
    part = grey > threshold
    return _counted(part, np.zeros_like(part), origin)


def _counted(part: NDArray[np.bool_], pore: NDArray[np.bool_], origin: Index) -> Counts:
    sums = cell_sums(part, origin)
    held = np.nonzero(sums)
    first = np.array([o // CELL for o in origin])
    index = np.stack(held, axis=1) + first
    return {"index": index, "part": sums[held], "pore": cell_sums(pore, origin)[held]}


def _joined(a: Counts, b: Counts) -> Counts:
    return {name: np.concatenate([a[name], b[name]]) for name in a}


_PHASES = Reduction(_count_phases, _joined, lambda total: total, located=True)
_BRIGHT = Reduction(_count_bright, _joined, lambda total: total, located=True)


def _cells(counts: Counts, volume: Volume) -> Cells:
    """Cells in order, the shares of several blocks in one cell added up."""
    if not counts["part"].sum():
        raise ValueError(f"{volume.path} must hold a part, it is outside everywhere")
    index, inverse = np.unique(counts["index"], axis=0, return_inverse=True)
    part, pore = np.zeros(len(index), np.int64), np.zeros(len(index), np.int64)
    np.add.at(part, inverse, counts["part"])
    np.add.at(pore, inverse, counts["pore"])
    return Cells(index, part, pore)
