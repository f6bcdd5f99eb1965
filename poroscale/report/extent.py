"""How much part and how much pore lie in every section, in one pass over the phases.

The volume is read box by box, so that memory stays at one box and three small arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from poroscale.volume import Index, Shape, Volume, VoxelSize

BOX = 256
CELLS = 256


@dataclass(frozen=True)
class PartExtent:
    """Voxel counts of the part (solid and pores) and of its pores.

    Attributes
    ----------
    part, pore : int64 (Z,)
        Voxels of part and of pore in each slice.
    part_map, pore_map : int64 (Y / step, X / step)
        The same seen along z, summed over cells of `step` x `step` voxels.
    step : int
    voxel_size : (z, y, x) in um
    origin_um : (z, y, x) of the first voxel's corner in the scan that the volume was cropped from
    """

    part: NDArray[np.int64]
    pore: NDArray[np.int64]
    part_map: NDArray[np.int64]
    pore_map: NDArray[np.int64]
    step: int
    voxel_size: VoxelSize
    origin_um: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def slices(self) -> int:
        """Number of slices along z."""
        return len(self.part)

    @property
    def height_um(self) -> float:
        """Extent along z in um."""
        return self.slices * self.voxel_size[0]

    @property
    def shadow_edges_um(self) -> tuple[float, float, float, float]:
        """Left, right, first and last edge [um] of the maps along x and y."""
        rows, columns = self.part_map.shape
        _, top, left = self.origin_um
        _, high, wide = self.voxel_size
        return left, left + columns * self.step * wide, top, top + rows * self.step * high

    @property
    def porosity(self) -> float:
        """Pore voxels over part voxels; NaN where there is no part."""
        total = int(self.part.sum())
        return int(self.pore.sum()) / total if total else float("nan")

    @property
    def volume_um3(self) -> float:
        """Volume of solid and pores together."""
        return float(int(self.part.sum()) * np.prod(self.voxel_size))

    def section_porosity(self, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Edges [um] (n + 1,) and porosity (n,) of at most `most` sections along z."""
        edges = np.unique(np.linspace(0, self.slices, min(most, self.slices) + 1).astype(int))
        part = np.add.reduceat(self.part, edges[:-1])
        pore = np.add.reduceat(self.pore, edges[:-1])
        return self.origin_um[0] + edges * self.voxel_size[0], _ratio(pore, part)

    def radial_porosity(self, rings: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Edges [um] (n + 1,) and porosity (n,) of rings around the vertical axis of the part."""
        rows, columns = self.part_map.shape
        y = (np.arange(rows) + 0.5) * self.step * self.voxel_size[1]
        x = (np.arange(columns) + 0.5) * self.step * self.voxel_size[2]
        total = self.part_map.sum()
        centre_y = float((self.part_map.sum(axis=1) * y).sum() / total)
        centre_x = float((self.part_map.sum(axis=0) * x).sum() / total)
        radius = np.hypot((y - centre_y)[:, None], (x - centre_x)[None, :])
        edges = np.linspace(0, float(radius[self.part_map > 0].max()) * 1.0001, rings + 1)
        part = np.histogram(radius, edges, weights=self.part_map)[0]
        pore = np.histogram(radius, edges, weights=self.pore_map)[0]
        return edges, _ratio(pore, part)


def measure_extent(phases: Volume, *, pore: int, outside: int | None) -> PartExtent:
    """Count part and pore voxels of `phases` along every axis the report shows.

    Parameters
    ----------
    pore : int
        The value of pore voxels.
    outside : int or None
        The value of voxels that belong to no part; None if all belong to it.
    """
    depth, rows, columns = phases.shape
    # a power of two, so that cells never straddle the boxes that are read
    step = 1 << max(0, (-(-max(rows, columns) // CELLS) - 1).bit_length())
    shape = (-(-rows // step), -(-columns // step))
    part, pores = np.zeros((2, depth), np.int64)
    part_map, pore_map = np.zeros((2, *shape), np.int64)
    for origin, size in _boxes(phases.shape):
        box = phases.read(origin, size)
        is_pore = box == pore
        is_part = np.ones(box.shape, bool) if outside is None else box != outside
        is_part |= is_pore
        for mask, line, plane in ((is_part, part, part_map), (is_pore, pores, pore_map)):
            line[origin[0] : origin[0] + size[0]] += np.count_nonzero(mask, axis=(1, 2))
            _add_cells(plane, mask.sum(axis=0, dtype=np.int64), origin=origin, step=step)
    corner = tuple(o * edge for o, edge in zip(phases.origin, phases.voxel_size, strict=True))
    return PartExtent(
        part, pores, part_map, pore_map, step, phases.voxel_size, (corner[0], corner[1], corner[2])
    )


def _add_cells(
    plane: NDArray[np.int64], seen: NDArray[np.int64], *, origin: Index, step: int
) -> None:
    """Add `seen` (y, x), whose box starts on a cell, to the cells of `plane`."""
    row, column = origin[1] // step, origin[2] // step
    cells = np.add.reduceat(seen, np.arange(0, seen.shape[0], step), axis=0)
    cells = np.add.reduceat(cells, np.arange(0, seen.shape[1], step), axis=1)
    plane[row : row + cells.shape[0], column : column + cells.shape[1]] += cells


def _boxes(shape: Shape) -> Iterator[tuple[Index, Shape]]:
    """Boxes of at most `BOX` voxels a side that tile `shape`, aligned with common chunks."""
    for z, y, x in product(*(range(0, length, BOX) for length in shape)):
        yield (
            (z, y, x),
            (min(BOX, shape[0] - z), min(BOX, shape[1] - y), min(BOX, shape[2] - x)),
        )


def _ratio(over: NDArray[np.generic], under: NDArray[np.generic]) -> NDArray[np.float64]:
    top, bottom = np.asarray(over, float), np.asarray(under, float)
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
