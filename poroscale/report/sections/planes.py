"""Choice of the sections to show: those that cut the most pores, and the largest pore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from poroscale.report.table import PoreTable
    from poroscale.volume import Index, Shape, VoxelSize

View = Literal["xy", "xz", "yz"]
NORMAL: dict[View, int] = {"xy": 0, "xz": 1, "yz": 2}
MARGIN = 0.6


@dataclass(frozen=True)
class Plane:
    """A rectangle of one voxel's thickness, `origin` and `shape` in local voxel indices."""

    view: View
    origin: Index
    shape: Shape

    @property
    def index(self) -> int:
        """The slice's index along its normal."""
        return self.origin[NORMAL[self.view]]

    @property
    def is_line(self) -> bool:
        """True if a volume of one slice leaves nothing of the plane to look at but a line."""
        return sorted(self.shape)[1] == 1


def busiest_planes(table: PoreTable, shape: Shape, origin: Index) -> list[Plane]:
    """The xy, xz and yz slice that each cut the most pores; the middle ones where none does.

    The outer tenth on either side is passed over, for pores that the volume cuts off crowd
    there; of equal slices, the one nearest the middle is taken. `origin` is the absolute index
    of the volume's first voxel: bounding boxes in the table are absolute.
    """
    planes = []
    for view, axis in NORMAL.items():
        counts = _pores_cut(table, "zyx"[axis], length=shape[axis], first=origin[axis])
        index = _busiest(counts)
        planes.append(_whole(view, index, shape))
    return planes


def largest_pore_planes(
    table: PoreTable, shape: Shape, *, origin: Index, voxel_size: VoxelSize
) -> list[Plane]:
    """Close-ups of the largest pore in three planes through its centroid; none without a pore.

    Pores that are open or touch the volume's edge are passed over while there are others.
    """
    row = largest_row(table)
    if row is None:
        return []
    pore = table.record(row)
    centre = [_nearest(pore[f"centroid_{a}_um"], voxel_size[i]) for i, a in enumerate("zyx")]
    centre = [min(max(c - o, 0), n - 1) for c, o, n in zip(centre, origin, shape, strict=True)]
    sides = [(pore[f"{a}1"] - pore[f"{a}0"]) * voxel_size[i] for i, a in enumerate("zyx")]
    half_um = max(max(sides) * (0.5 + MARGIN), 12 * max(voxel_size))
    planes = []
    for view, axis in NORMAL.items():
        start, size = list(_whole(view, centre[axis], shape).origin), [1, 1, 1]
        for i in {0, 1, 2} - {axis}:
            half = round(half_um / voxel_size[i])
            start[i] = max(0, centre[i] - half)
            size[i] = min(shape[i], centre[i] + half + 1) - start[i]
        planes.append(Plane(view, _triple(start), _triple(size)))
    return planes


def largest_row(table: PoreTable) -> int | None:
    """Row of the largest pore that lies wholly inside, else of the largest; None without pores."""
    if not table.rows or "z0" not in table.names:
        return None
    volume = table.column("volume_um3")
    inside = ~(table.flags("open") | table.flags("touches_edge"))
    return int(np.argmax(np.where(inside, volume, 0) if inside.any() else volume))


def _busiest(counts: NDArray[np.int64]) -> int:
    """Index of the slice with the most pores among the inner ones."""
    margin = len(counts) // 10
    inner = counts[margin : len(counts) - margin]
    best = np.flatnonzero(inner == inner.max()) + margin
    return int(best[np.argmin(np.abs(best - (len(counts) - 1) / 2))])


def _pores_cut(table: PoreTable, axis: str, *, length: int, first: int) -> NDArray[np.int64]:
    """Number of bounding boxes (half-open) that each of `length` slices cuts."""
    if not table.rows or f"{axis}0" not in table.names:
        return np.zeros(length, np.int64)
    start = np.clip(table.column(f"{axis}0").astype(np.int64) - first, 0, length)
    stop = np.clip(table.column(f"{axis}1").astype(np.int64) - first, 0, length)
    steps = np.bincount(start, minlength=length + 1) - np.bincount(stop, minlength=length + 1)
    return np.cumsum(steps)[:length]


def _whole(view: View, index: int, shape: Shape) -> Plane:
    origin, size = [0, 0, 0], list(shape)
    origin[NORMAL[view]], size[NORMAL[view]] = index, 1
    return Plane(view, _triple(origin), _triple(size))


def _triple(values: list[int]) -> Index:
    return values[0], values[1], values[2]


def _nearest(position_um: float, voxel_um: float) -> int:
    return int(np.floor(position_um / voxel_um))
