"""Test of whether pores fit below the surface of a part."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.parts.geometry import Geometry

POINTS = 1 << 19
"""Voxels that are looked at at a time: 12 MB of coordinates."""
OPEN_SHARE = 0.85
"""Of the voxels of a pore that cuts the surface, at least this share lies below it."""


def fits_in_part(
    shapes: Shapes,
    rows: NDArray[np.int64],
    corner: NDArray[np.int32],
    *,
    opened: NDArray[np.bool_],
    geometry: Geometry,
) -> NDArray[np.bool_]:
    """True for each pore that lies where it may.

    A closed pore and all voxels that share a face with it are inside the part, so that solid is
    left between it and the outside. A pore that is open to the surface touches the outside. A good
    share of its voxels is inside, in one piece: two pieces would count as two pores.

    Parameters
    ----------
    shapes, rows
        The bank, and the row of each pore, (n,).
    corner
        (n, 3) first voxel of each box.
    opened
        (n,) whether it is to cut the surface.
    geometry
        The part.
    """
    result = np.ones(len(rows), bool)
    extents = shapes.extents[rows]
    middle = corner + 0.5 * extents
    reach = 0.5 * np.sqrt((extents.astype(float) ** 2).sum(axis=1)) + 2
    # Roughness is steep: the depth of the middle tells little about the depth a reach away.
    doubtful = np.flatnonzero(opened | (geometry.depth(middle) < 3 * reach + 8))
    sizes = np.cumsum(2 * np.prod(extents[doubtful] + 2, axis=1, dtype=np.int64))
    for part in np.split(doubtful, np.searchsorted(sizes, np.arange(POINTS, _last(sizes), POINTS))):
        result[part] = _fit(shapes, rows[part], corner[part], opened[part], geometry)
    return result


def _last(sizes: NDArray[np.int64]) -> int:
    return int(sizes[-1]) if len(sizes) else 0


def _fit(
    shapes: Shapes,
    rows: NDArray[np.int64],
    corner: NDArray[np.int32],
    opened: NDArray[np.bool_],
    geometry: Geometry,
) -> NDArray[np.bool_]:
    if not len(rows):
        return np.zeros(0, bool)
    points, kinds, first = _around(shapes.extents, shapes.start, shapes.voxels, rows, corner)
    inside = geometry.depth(points) > 0
    fit = np.asarray(_judge(inside, kinds, first, opened))
    for i in np.flatnonzero(fit & opened):
        span = slice(first[i], first[i + 1])
        below = inside[span] & (kinds[span] == 1)
        fit[i] = _in_one_piece(points[span][below], corner[i], shapes.extents[rows[i]])
    return fit


def _in_one_piece(
    points: NDArray[np.float64], corner: NDArray[np.int32], extent: NDArray[np.int32]
) -> bool:
    from scipy.ndimage import label

    mask = np.zeros(extent, bool)
    mask[tuple(np.floor(points).astype(np.int64).T - corner[:, None])] = True
    return bool(label(mask)[1] == 1)


@njit(nogil=True, cache=True)
def _around(extents, start, voxels, rows, corner):  # type: ignore[no-untyped-def]
    """Centres of the voxels of pores (kind 1) and of those that share a face with them (kind 0)."""
    total = 0
    for row in rows:
        total += (extents[row, 0] + 2) * (extents[row, 1] + 2) * (extents[row, 2] + 2)
    points = np.empty((total, 3))
    kinds = np.empty(total, np.uint8)
    first = np.zeros(len(rows) + 1, np.int64)
    n = 0
    for i in range(len(rows)):
        nz, ny, nx = extents[rows[i]]
        base = start[rows[i]]
        for z in range(-1, nz + 1):
            for y in range(-1, ny + 1):
                for x in range(-1, nx + 1):
                    own = _set(voxels, base, nz, ny, nx, z, y, x)
                    if own or (
                        _set(voxels, base, nz, ny, nx, z - 1, y, x)
                        or _set(voxels, base, nz, ny, nx, z + 1, y, x)
                        or _set(voxels, base, nz, ny, nx, z, y - 1, x)
                        or _set(voxels, base, nz, ny, nx, z, y + 1, x)
                        or _set(voxels, base, nz, ny, nx, z, y, x - 1)
                        or _set(voxels, base, nz, ny, nx, z, y, x + 1)
                    ):
                        points[n, 0] = corner[i, 0] + z + 0.5
                        points[n, 1] = corner[i, 1] + y + 0.5
                        points[n, 2] = corner[i, 2] + x + 0.5
                        kinds[n] = 1 if own else 0
                        n += 1
        first[i + 1] = n
    return points[:n], kinds[:n], first


@njit(nogil=True, cache=True)
def _set(voxels, base, nz, ny, nx, z, y, x):  # type: ignore[no-untyped-def]
    if z < 0 or y < 0 or x < 0 or z >= nz or y >= ny or x >= nx:
        return False
    return voxels[base + (z * ny + y) * nx + x] != 0


@njit(nogil=True, cache=True)
def _judge(inside, kinds, first, opened):  # type: ignore[no-untyped-def]
    out = np.zeros(len(opened), np.bool_)
    for i in range(len(opened)):
        away, own, below = 0, 0, 0
        for k in range(first[i], first[i + 1]):
            away += not inside[k]
            own += kinds[k]
            below += inside[k] and kinds[k] == 1
        out[i] = (away > 0 and below >= OPEN_SHARE * own) if opened[i] else away == 0
    return out
