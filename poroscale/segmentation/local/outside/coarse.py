"""A scan as a coarse array in memory: its level of the pyramid, or means of cubes of voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.grey.partial_volume import (
    SMOOTH_HALO,
    normalise,
    smooth,
)
from poroscale.kernels.grey.solid_level import (
    COARSE_CELL,
    COARSE_SCALES,
    FINE_SCALES,
    coarse_cells,
    deep_voxels,
    interpolate,
    pool_means,
    smooth_level,
)
from poroscale.volume import CHUNK, Volume

ROUGH_CELL = 8
"""Edge of the cells of the rough level [voxels]."""
EDGE = 160
"""Voxels an axis that a coarse array has at most."""
FIRST_DOUBT, LATER_DOUBT = (0.25, 0.35), (0.1, 0.25)
"""Distances from the level beyond which a coarse voxel is no longer sound solid: while the
level is that of the whole scan, and once it is local."""


@dataclass(frozen=True)
class Coarse:
    """A coarse view of a scan.

    Attributes
    ----------
    grey
        float32 means of cubes of voxels.
    factor
        Voxels along the edge of a cube.
    """

    grey: NDArray[np.float32]
    factor: int


def coarse_of(scan: Volume, *, edge: int = EDGE) -> Coarse:
    """The scan in at most `edge` voxels an axis: the scan itself where it is no larger.

    Read slab by slab from the coarsest level of the pyramid that is still finer.
    """
    factor = 1
    while max(scan.shape) > edge * factor:
        factor *= 2
    level = min(scan.spec.levels - 1, factor.bit_length() - 1)
    source = Volume.open(scan.path, level=scan.level + level) if level else scan
    return Coarse(_pooled(source, factor >> level), factor)


def _pooled(volume: Volume, factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return volume.read().astype(np.float32)
    nz, ny, nx = volume.shape
    layers = max(factor, CHUNK // factor * factor)  # whole chunks, that none is decoded twice
    slabs = [volume.read((z, 0, 0), (min(layers, nz - z), ny, nx)) for z in range(0, nz, layers)]
    return np.concatenate([pool_means(slab, factor) for slab in slabs])


def coarse_level(coarse: Coarse, scale: tuple[float, float]) -> NDArray[np.float32]:
    """The local level of the solid as far as a coarse array tells it, one value a coarse voxel.

    Parameters
    ----------
    coarse
        The scan.
    scale
        Grey values of air and solid.
    """
    values = normalise(coarse.grey, *scale)
    padded = np.pad(values, SMOOTH_HALO, mode="edge")
    soft = smooth(padded) if coarse.factor == 1 else values
    depth = {1: 2, 2: 1}.get(coarse.factor, 1)
    level = np.ones(values.shape, np.float32)
    for doubt in (FIRST_DOUBT, LATER_DOUBT):
        deep = deep_voxels(soft, level, depth=depth, doubt=doubt)
        level = _level_of(values, deep, coarse.factor)
    return level


def _level_of(
    values: NDArray[np.float32], deep: NDArray[np.bool_], factor: int
) -> NDArray[np.float32]:
    """The level on cells of 8 voxels or, where a coarse voxel is larger, on coarse voxels."""
    edge = max(1, ROUGH_CELL // factor)
    sums, counts = coarse_cells(np.where(deep, values, 0), deep.astype(np.float64), edge)
    weight = float(factor**3)
    level = level_on_cells(sums * weight, counts * weight, edge=edge * factor)
    return interpolate(level, (0, 0, 0), (0, 0, 0), values.shape, factor=edge)


def level_on_cells(
    sums: NDArray[np.float64], counts: NDArray[np.float64], *, edge: int
) -> NDArray[np.float32]:
    """The level of the solid on all cells of a scan, from coarse to fine.

    Parameters
    ----------
    sums, counts
        Sum of normalised grey values in each cell, and how many they are.
    edge
        Edge of a cell [voxels].
    """
    start = start_level(sums, counts, edge=edge)
    return smooth_level(sums, counts, start, scales=FINE_SCALES)


def start_level(
    sums: NDArray[np.float64], counts: NDArray[np.float64], *, edge: int
) -> NDArray[np.float32]:
    """The level on cells as far as cubes of eight cells an edge tell it."""
    large = wide_level(*coarse_cells(sums, counts, COARSE_CELL))
    return interpolate(large, (0, 0, 0), (0, 0, 0), sums.shape, factor=COARSE_CELL)


def wide_level(sums: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float32]:
    """The level on cubes of eight cells an edge, from that of the whole scan on."""
    total = counts.sum()
    whole = float(sums.sum() / total) if total else 1.0
    return smooth_level(sums, counts, whole, scales=COARSE_SCALES)
