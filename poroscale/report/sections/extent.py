"""Counts of part and pore in every section, in one reduction over the phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel

if TYPE_CHECKING:
    from poroscale.engine import Run
    from poroscale.volume import Index, Volume, VoxelSize

CELLS = 256
"""Cells of a map along its longer axis, at most."""

Partial = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True)
class PartExtent:
    """Voxel counts of the part (solid and pores) and of its pores.

    Attributes
    ----------
    part, pore : int64 (Z,)
        Voxels of part and of pore in each slice.
    part_map, pore_map : int64 (Y / step, X / step)
        Counts as seen along z, summed over cells of `step` x `step` voxels.
    step : int
    voxel_size : (z, y, x) in um
    has_outside : whether any value means that a voxel is beyond the part
    origin_um : (z, y, x) of the first voxel's corner in the scan that the volume was cropped from
    """

    part: NDArray[np.int64]
    pore: NDArray[np.int64]
    part_map: NDArray[np.int64]
    pore_map: NDArray[np.int64]
    step: int
    voxel_size: VoxelSize
    origin_um: tuple[float, float, float] = (0.0, 0.0, 0.0)
    has_outside: bool = True

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


def measure_extent(
    phases: Volume, *, pore: int, outside: int | None, run: Run | None = None
) -> PartExtent:
    """Count part and pore voxels of `phases` along every axis the report shows.

    Parameters
    ----------
    pore : int
        The value of pore voxels.
    outside : int or None
        The value of voxels that belong to no part; None if all belong to it.
    run : Run, optional
        Memory, workers and cluster; changes no number.
    """
    from poroscale.engine import Reduction, reduce_blocks

    depth, rows, columns = phases.shape
    step = -(-max(rows, columns) // CELLS)
    parameters = {"pore": pore, "outside": outside, "step": step}
    reduction = Reduction(_count_block, _collect, _as_list, located=True)
    partials = reduce_blocks(reduction, phases, parameters=parameters, bytes_per_voxel=4.0, run=run)
    lines = {name: np.zeros(depth, np.int64) for name in ("part", "pore")}
    shape = (-(-rows // step), -(-columns // step))
    maps = {f"{name}_map": np.zeros(shape, np.int64) for name in ("part", "pore")}
    for found in partials:
        z, y, x = found["place"]
        for name, line in lines.items():
            line[z : z + len(found[name])] += found[name]
        for name, plane in maps.items():
            high, wide = found[name].shape
            plane[y : y + high, x : x + wide] += found[name]
    corner = [o * edge for o, edge in zip(phases.origin, phases.voxel_size, strict=True)]
    return PartExtent(
        **lines,
        **maps,
        step=step,
        voxel_size=phases.voxel_size,
        origin_um=(corner[0], corner[1], corner[2]),
        has_outside=outside is not None,
    )


@kernel("report.count_block")
def _count_block(
    block: NDArray[Any], *, origin: Index, pore: int, outside: int | None, step: int
) -> Partial:
    """Counts per slice and per cell; `place` is the first slice and the first cell they are of."""
    is_pore = block == pore
    is_part = is_pore | (block != outside) if outside is not None else np.ones_like(is_pore)
    found = {"place": np.array([origin[0], origin[1] // step, origin[2] // step])}
    for name, mask in (("part", is_part), ("pore", is_pore)):
        seen = mask.sum(axis=0, dtype=np.int64)
        for axis in (0, 1):
            cells = (origin[axis + 1] + np.arange(seen.shape[axis])) // step
            seen = np.add.reduceat(seen, np.flatnonzero(np.diff(cells, prepend=-1)), axis=axis)
        found[name] = np.asarray(np.count_nonzero(mask, axis=(1, 2)), np.int64)
        found[f"{name}_map"] = seen
    return found


def _collect(partials: list[Partial] | Partial, found: Partial) -> list[Partial]:
    partials = _as_list(partials)
    partials.append(found)
    return partials


def _as_list(partials: list[Partial] | Partial) -> list[Partial]:
    return partials if isinstance(partials, list) else [partials]


def _ratio(over: NDArray[np.generic], under: NDArray[np.generic]) -> NDArray[np.float64]:
    top, bottom = np.asarray(over, float), np.asarray(under, float)
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
