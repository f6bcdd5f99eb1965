"""The pass that measures levels: the solid's on cells, and counts for noise, air and voids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, Run, map_blocks, volume_from_array
from poroscale.engine.filling import fill_and_count
from poroscale.engine.grid import Box
from poroscale.engine.inputs import read_padded
from poroscale.engine.jobs.recipe import plain
from poroscale.engine.passes import Pass
from poroscale.identity import kernel
from poroscale.kernels.grey.level_counts import UNKNOWN, Looks, count_levels_of
from poroscale.kernels.grey.partial_volume import SMOOTH_HALO, normalise, smooth, trimmed
from poroscale.kernels.grey.solid_level import (
    CELL,
    COARSE_CELL,
    FINE_HALO,
    FINE_SCALES,
    coarse_cells,
    smooth_level,
    spread_box,
    strange_voxels,
    unpacked,
)
from poroscale.segmentation.local.fields import CoarseField, LevelField
from poroscale.segmentation.local.outside.coarse import wide_level
from poroscale.volume import Index, Shape, Volume, VolumeSpec

CHUNKS = (32, 64, 64)
"""Cells of a chunk: eight chunks of the scan, that halos are read less often."""
VERSION = 2
VOXEL_BYTES = 22.0
"""Temporary bytes per voxel of the scan: normalised, smoothed, level, masks, a distance."""
CELL_BYTES = 60.0


@kernel("local.CellSampler")
@dataclass(frozen=True)
class CellSampler:
    """Packed sums of the sound solid on cells, with what is counted on the way.

    Attributes
    ----------
    scan
        Grey values.
    level
        The level of the solid as far as the coarse array tells it.
    air
        Coarse voxels: 1 near the outside, 2 well outside, else 0.
    scale
        Grey values of air and solid that are normalised to 0 and 1.
    depth, core
        Half the edge of the cube free of others around a voxel that is surely solid, or void.
    doubt
        Distances below and above the level within which a voxel is sound solid.
    """

    scan: Volume
    level: LevelField
    air: CoarseField
    scale: tuple[float, float]
    depth: int
    core: int
    doubt: tuple[float, float]

    @property
    def halo(self) -> int:
        """Voxels around a box that decide about it."""
        return max(self.depth, self.core) + SMOOTH_HALO

    def __call__(
        self, origin: Index, shape: Shape
    ) -> tuple[NDArray[Any], dict[str, NDArray[np.int64]]]:
        """Packed cells of a box of cells, and counts of the voxels in them."""
        z, y, x = (o * CELL for o in origin)
        dz, dy, dx = (n * CELL for n in shape)
        box, inner = Box((z, y, x), (dz, dy, dx)), self.halo - SMOOTH_HALO
        place = _placed(read_padded(self.air, box, Halo()), box, self.scan.shape)
        grey = read_padded(self.scan, box, Halo.of(self.halo))
        if grey.dtype.kind == "f" and not np.isfinite(grey).all():
            raise ValueError(
                f"{self.scan.path} holds values that are no finite numbers (NaN or infinite)"
            )
        values = normalise(grey, *self.scale)
        level = read_padded(self.level, box, Halo.of(inner))
        soft = smooth(values)
        unsound = spread_box(strange_voxels(soft, level, self.doubt), self.depth)
        bright = (soft >= np.float32(0.5) * level).view(np.uint8)
        shallow = bright if bright.all() else spread_box(bright, self.core)
        looks = Looks(
            sharp=trimmed(values, self.halo),
            soft=trimmed(soft, inner),
            level=trimmed(level, inner),
            place=place,
            unsound=trimmed(unsound, inner),
            shallow=trimmed(shallow, inner),
        )
        return count_levels_of(looks)


LEVELS = Pass("levels", halo=Halo.of(8), temporary=VOXEL_BYTES, scratch=0.1)
"""The pass over grey values, as voxels see it; the halo is that of a usual point spread."""


def _placed(air: NDArray[np.uint8], box: Box, shape: Shape) -> NDArray[np.uint8]:
    """Places of the voxels of a box of whole cells; some of them lie beyond the volume."""
    known = tuple(
        slice(0, min(n, m - o)) for n, m, o in zip(box.shape, shape, box.origin, strict=True)
    )
    place = np.full(box.shape, UNKNOWN, np.uint8)
    place[known] = air[known]
    return place


def centres(span: tuple[float, float], bins: int) -> NDArray[np.float64]:
    """Values at the middle of bins."""
    low, high = span
    return low + (np.arange(bins) + 0.5) * (high - low) / bins


def measure_levels(
    sampler: CellSampler, work: Path, *, run: Run
) -> tuple[LevelField, dict[str, NDArray[np.int64]]]:
    """The local level of the solid at full resolution, and the counts of the whole scan.

    Parameters
    ----------
    sampler
        Of the cells.
    work
        Folder of the outputs.
    run
        Memory, workers and cluster.
    """
    scan = sampler.scan
    z, y, x = (-(-n // CELL) for n in scan.shape)
    dz, dy, dx = (CELL * edge for edge in scan.voxel_size)
    spec = VolumeSpec((z, y, x), np.dtype(np.int32), (dz, dy, dx), chunks=CHUNKS)
    run = run.but(block=None)
    # The blocks are of cells, and each cell reads its voxels with a halo of its own.
    temporary = LEVELS.temporary * CELL**3 * _overhead(sampler.halo)
    cells, counts = fill_and_count(
        Pass(LEVELS.title, sampler, temporary=temporary),
        work / "cells.zarr",
        spec=spec,
        recipe={"version": VERSION, **{k: plain(v) for k, v in _fields(sampler).items()}},
        run=run,
    )
    level = map_blocks(
        level_of_cells,
        (cells, _wide_field(cells, work, run)),
        work / "level.zarr",
        dtype=np.float32,
        halo=Halo.of(FINE_HALO, pad=0),
        bytes_per_voxel=CELL_BYTES,
        run=run,
    )
    return LevelField(level, scan.shape, CELL), counts


@kernel("local.level_of_cells")
def level_of_cells(cells: NDArray[np.int32], start: NDArray[np.float32]) -> NDArray[np.float32]:
    """The level on the cells of a block with a halo of `FINE_HALO`."""
    return smooth_level(*unpacked(cells), start, scales=FINE_SCALES)


def _wide_field(cells: Volume, work: Path, run: Run) -> LevelField:
    """The level on cubes of eight cells an edge, read layer by layer."""
    _, ny, nx = cells.shape
    layers = [
        coarse_cells(
            *unpacked(cells.read((z, 0, 0), (min(COARSE_CELL, n - z), ny, nx))), COARSE_CELL
        )
        for n in cells.shape[:1]
        for z in range(0, n, COARSE_CELL)
    ]
    sums, counts = (np.concatenate(each) for each in zip(*layers, strict=True))
    wide = volume_from_array(wide_level(sums, counts), work / "wide.zarr", run=run)
    return LevelField(wide, cells.shape, COARSE_CELL)


def _fields(sampler: CellSampler) -> Mapping[str, Any]:
    from poroscale.engine.jobs.recipe import input_identity

    return {
        name: input_identity(value) if hasattr(value, "shape") else value
        for name, value in vars(sampler).items()
    }


def _overhead(halo: int) -> float:
    """Voxels of a block with its halo over those of the block, for blocks of one chunk."""
    return float(np.prod([1 + 2 * halo / (CELL * n) for n in CHUNKS]))
