"""The local level of the solid: sums of grey over cells deep inside it, smoothed over cells.

Beam hardening, drift and scatter move the grey value of one and the same solid by a tenth of the
contrast and more. Its level is the mean of what surely is solid in the neighbourhood, extrapolated
to where nothing is sure: the surface, and the pores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.grey.blur import blur, gaussian_weights
from poroscale.kernels.grey.partial_volume import Float, Mask

CELL = 4
"""Edge of a cell [voxels]."""
STEPS = 4096
"""Grey values are summed in steps of 1 / 4096 of the contrast: integers add up in any order."""
COUNT_BITS = 7
"""Of a packed cell: its voxels, up to 64; the sum lies above them."""
COARSE_SCALES = (2.0, 1.0, 0.5)
"""Sigmas of the smoothing of coarse cells, in coarse cells of `COARSE_CELL` cells."""
COARSE_CELL = 8
FINE_SCALES = (2.0, 1.0, 1.0, 1.0, 1.0)
"""Sigmas of the smoothing of cells, in cells; the last ones repeat, for a smoothing of what is left
over takes away the bias where the level bends."""
TRUNCATE = 3.0
FINE_HALO = sum(int(TRUNCATE * sigma + 0.5) for sigma in FINE_SCALES)
FEW = 200.0
"""Voxels under the smoothing window that count as much as the level on the next coarser scale."""


def unpacked(cells: NDArray[np.int32]) -> tuple[Float, Float]:
    """Sums in units of the contrast, and numbers of voxels, of packed cells; both are exact."""
    count = cells & ((1 << COUNT_BITS) - 1)
    return (cells >> COUNT_BITS).astype(np.float32) / np.float32(STEPS), count.astype(np.float32)


def smooth_level(
    sums: NDArray[Any],
    counts: NDArray[Any],
    start: NDArray[Any] | float,
    *,
    scales: tuple[float, ...],
) -> Float:
    """A level on cells: `start`, corrected by the smoothed residual of the cells, scale by scale.

    Parameters
    ----------
    sums, counts
        Sum of the grey values in each cell, and how many they are.
    start
        The level to begin with.
    scales
        Standard deviations of the Gaussian windows [cells].

    Notes
    -----
    Each scale is a normalised convolution (Knutsson and Westin 1993) of what the scales before it
    left over. Repeating a scale is Tukey's twicing: the bias of a curved level falls from second to
    fourth order. Where few voxels lie under the window, the coarser level stands.
    """
    sums, counts = (np.asarray(each, np.float32) for each in (sums, counts))
    level = np.zeros(counts.shape, np.float32) + np.asarray(start, np.float32)
    for sigma in scales:
        known = _windowed(counts, sigma)
        weight = known * np.float32((4 * np.pi * sigma**2) ** 1.5)
        share = weight / (weight + np.float32(FEW)) / np.maximum(known, np.float32(1e-9))
        level += _windowed(sums - level * counts, sigma) * share
    return level


def _windowed(cells: Float, sigma: float) -> Float:
    weights = gaussian_weights(sigma, truncate=TRUNCATE)
    return blur(np.pad(cells, len(weights) // 2), weights)


def coarse_cells(
    sums: NDArray[Any], counts: NDArray[Any], factor: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cells added up over cubes of `factor` cells, the last ones of an axis over what there is."""
    widths = [(0, -n % factor) for n in sums.shape]
    z, y, x = (-(-n // factor) for n in sums.shape)
    cubes = (z, factor, y, factor, x, factor)
    both = (np.pad(each, widths).reshape(cubes).sum(axis=(1, 3, 5)) for each in (sums, counts))
    first, second = both
    return first, second


def interpolate(
    cells: NDArray[Any],
    first: tuple[int, int, int],
    origin: tuple[int, int, int],
    shape: tuple[int, int, int],
    *,
    factor: int,
) -> Float:
    """Cells at the centres of finer voxels, linear between the centres of cells.

    Parameters
    ----------
    cells
        A box of cells whose first one has the index `first` in the whole.
    origin, shape
        Box of the fine voxels; beyond the outermost centres the value stays.
    factor
        Fine voxels along the edge of a cell.
    """
    axes = [
        _neighbours_of(n, o, c, f, factor)
        for n, o, c, f in zip(shape, origin, cells.shape, first, strict=True)
    ]
    cells, (nz, ny, nx) = np.ascontiguousarray(cells, np.float32), shape
    rows = np.empty((*cells.shape[:2], nx), np.float32)
    _along_x(cells, *axes[2], rows)
    out = np.empty((nz, ny, nx), np.float32)
    _interpolate(rows, *axes[0], *axes[1], out)
    return out


def _neighbours_of(
    n: int, origin: int, cells: int, first: int, factor: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Index of the cell before each voxel's centre, and how far the centre is on its way."""
    place = (np.arange(origin, origin + n) + 0.5) / factor - 0.5 - first
    place = np.clip(place, 0, cells - 1)
    before = np.minimum(place.astype(np.int64), max(cells - 2, 0))
    return before, (place - before).astype(np.float32)


@njit(nogil=True, cache=True)
def _along_x(cells, ix, tx, rows):  # type: ignore[no-untyped-def]
    one, nx = np.float32(1), cells.shape[2]
    for z in range(rows.shape[0]):
        for y in range(rows.shape[1]):
            for x in range(rows.shape[2]):
                left, right = cells[z, y, ix[x]], cells[z, y, min(ix[x] + 1, nx - 1)]
                rows[z, y, x] = left * (one - tx[x]) + right * tx[x]


@njit(nogil=True, cache=True)
def _interpolate(rows, iz, tz, iy, ty, out):  # type: ignore[no-untyped-def]
    plane = np.empty(rows.shape[1:], np.float32)
    for z in range(out.shape[0]):
        after = min(iz[z] + 1, rows.shape[0] - 1)
        _between(rows[iz[z]], rows[after], tz[z], plane)
        for y in range(out.shape[1]):
            after = min(iy[y] + 1, rows.shape[1] - 1)
            _between(plane[iy[y] : iy[y] + 1], plane[after : after + 1], ty[y], out[z, y : y + 1])


@njit(nogil=True, cache=True, inline="always")
def _between(a, b, t, out):  # type: ignore[no-untyped-def]
    rest = np.float32(1) - t
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = a[y, x] * rest + b[y, x] * t


def spread_box(mask: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """1 within `reach` voxels of the mask along every axis: its dilation by a cube."""
    mask = np.ascontiguousarray(mask)
    one, other = np.empty_like(mask), np.empty_like(mask)
    _spread_x(mask, reach, one)
    _spread_rows(one[:, :, None], reach, other[:, :, None])
    _spread_rows(other[None], reach, one[None])
    return one


@njit(nogil=True, cache=True)
def _spread_x(mask, reach, out):  # type: ignore[no-untyped-def]
    n = mask.shape[2]
    for z in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            row, line = mask[z, y], out[z, y]
            for x in range(n):
                line[x] = row[x]
            for d in range(1, min(reach, n - 1) + 1):
                for x in range(n - d):
                    line[x] |= row[x + d]
                for x in range(d, n):
                    line[x] |= row[x - d]


@njit(nogil=True, cache=True)
def _spread_rows(mask, reach, out):  # type: ignore[no-untyped-def]
    """Spread along the second of four axes; rows along the last one stay whole."""
    for k in range(mask.shape[0]):
        for i in range(mask.shape[1]):
            for j in range(mask.shape[2]):
                row, line = mask[k, i, j], out[k, i, j]
                for x in range(line.shape[0]):
                    line[x] = row[x]
            for other in range(max(0, i - reach), min(mask.shape[1], i + reach + 1)):
                for j in range(mask.shape[2]):
                    row, line = mask[k, other, j], out[k, i, j]
                    for x in range(line.shape[0]):
                        line[x] |= row[x]


def strange_voxels(soft: Float, level: Float, doubt: tuple[float, float]) -> NDArray[np.uint8]:
    """1 where a smoothed grey value lies farther below or above the level than is believed."""
    out = np.empty(soft.shape, np.uint8)
    _strange(soft, level, np.float32(doubt[0]), np.float32(doubt[1]), out)
    return out


@njit(nogil=True, cache=True)
def _strange(soft, level, low, high, out):  # type: ignore[no-untyped-def]
    for z in range(soft.shape[0]):
        for y in range(soft.shape[1]):
            for x in range(soft.shape[2]):
                away = soft[z, y, x] - level[z, y, x]
                out[z, y, x] = away < -low or away > high


def deep_voxels(soft: Float, level: Float, *, depth: int, doubt: tuple[float, float]) -> Mask:
    """Voxels that are solid for sure: no strange voxel lies within `depth` along every axis.

    Parameters
    ----------
    soft, level
        Smoothed grey values, and the level of the solid as far as it is known.
    depth
        Half the edge of the cube that must be free of others [voxels].
    doubt
        Distances below and above the level from which a voxel is no longer taken for sound solid.
    """
    return spread_box(strange_voxels(soft, level, doubt), depth) == 0


def pool_means(block: NDArray[Any], factor: int) -> Float:
    """Means over cubes of `factor` voxels; those at the end of an axis over what there is."""
    z, y, x = (-(-n // factor) for n in block.shape)
    out = np.empty((z, y, x), np.float32)
    _pool(np.ascontiguousarray(block), factor, out)
    return out


@njit(nogil=True, cache=True)
def _pool(block, factor, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = block.shape
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                total, count = 0.0, 0
                for a in range(factor * z, min(factor * (z + 1), nz)):
                    for b in range(factor * y, min(factor * (y + 1), ny)):
                        for c in range(factor * x, min(factor * (x + 1), nx)):
                            total += block[a, b, c]
                            count += 1
                out[z, y, x] = total / count
