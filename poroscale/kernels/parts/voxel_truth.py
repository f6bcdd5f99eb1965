"""Analytic pores on the voxel grid: counts, centroids, pieces, openings of each."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from poroscale.kernels.parts.analytic_shapes import pore_box, wall_distance
from poroscale.kernels.parts.phantom_outline import depth_below_surface

# Columns of the result of `voxelise`, all int64.
COUNT, SUM_Z, SUM_Y, SUM_X, FIRST, PIECES, OPEN, AT_EDGE = range(8)


@njit(nogil=True, cache=True)
def voxelise(outline, pores, shape):  # type: ignore[no-untyped-def]
    """Exact voxel statistics of every pore inside a volume and the part.

    Parameters
    ----------
    outline : Outline
    pores : ndarray of float64, shape (n, COLUMNS)
        Pores that do not touch each other.
    shape : (int, int, int)
        Extent of the volume, whose first voxel is (0, 0, 0).

    Returns
    -------
    statistics : ndarray of int64, shape (n, 8)
        Voxel count, sums of the z, y and x indices, scan-order index of the first voxel (-1: no
        voxel), number of 6-connected pieces, 1 if a face touches the outside of the part, 1 if
        a voxel lies on the volume's edge.
    pieces : ndarray of int64, shape (m, 3)
        Every 6-connected piece: pore, first voxel, voxel count; pore by pore.
    """
    statistics = np.zeros((len(pores), 8), np.int64)
    pieces = [(np.int64(0), np.int64(0), np.int64(0))]
    for i in range(len(pores)):
        box = pore_box(pores[i], (0, 0, 0), shape)
        extent = (max(box[1] - box[0], 0), max(box[3] - box[2], 0), max(box[5] - box[4], 0))
        mask = np.zeros(extent, np.uint8)
        corner = (box[0], box[2], box[4])
        deep = _far_below_surface(outline, pores[i])
        _fill(mask, corner, outline, pores[i], deep)
        _measure(mask, corner, shape, outline, statistics[i], deep)
        for z in range(extent[0]):
            for y in range(extent[1]):
                for x in range(extent[2]):
                    if mask[z, y, x] == 1:
                        first = _linear(corner, shape, z, y, x)
                        count = _erase_piece(mask, z, y, x)
                        pieces.append((np.int64(i), np.int64(first), np.int64(count)))
                        statistics[i, PIECES] += 1
    found = np.zeros((len(pieces) - 1, 3), np.int64)
    for k in range(len(pieces) - 1):
        found[k, 0], found[k, 1], found[k, 2] = pieces[k + 1]
    return statistics, found


@njit(nogil=True, cache=True)
def _far_below_surface(outline, pore):  # type: ignore[no-untyped-def]
    # No voxel in or beside the pore can be outside the part, whatever the height.
    reach = math.sqrt(pore[24] ** 2 + pore[25] ** 2 + pore[26] ** 2) + 2.0
    return depth_below_surface(outline, pore[0], pore[1], pore[2]) > reach + 2.0 * outline.reach


@njit(nogil=True, cache=True)
def _fill(mask, corner, outline, pore, deep):  # type: ignore[no-untyped-def]
    for z in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            for x in range(mask.shape[2]):
                pz, py, px = corner[0] + z + 0.5, corner[1] + y + 0.5, corner[2] + x + 0.5
                if wall_distance(pore, pz, py, px) < 0.0 and (
                    deep or depth_below_surface(outline, pz, py, px) > 0.0
                ):
                    mask[z, y, x] = 1


@njit(nogil=True, cache=True)
def _linear(corner, shape, z, y, x):  # type: ignore[no-untyped-def]
    return ((corner[0] + z) * shape[1] + corner[1] + y) * shape[2] + corner[2] + x


@njit(nogil=True, cache=True)
def _measure(mask, corner, shape, outline, row, deep):  # type: ignore[no-untyped-def]
    row[FIRST] = -1
    for z in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            for x in range(mask.shape[2]):
                if mask[z, y, x] == 0:
                    continue
                if row[FIRST] < 0:
                    row[FIRST] = _linear(corner, shape, z, y, x)
                at = (corner[0] + z, corner[1] + y, corner[2] + x)
                row[COUNT] += 1
                for k in range(3):
                    row[SUM_Z + k] += at[k]
                    if at[k] == 0 or at[k] == shape[k] - 1:
                        row[AT_EDGE] = 1
                if not deep and row[OPEN] == 0 and _beside_outside(outline, at, shape):
                    row[OPEN] = 1


@njit(nogil=True, cache=True)
def _beside_outside(outline, at, shape):  # type: ignore[no-untyped-def]
    for axis in range(3):
        for step in (-1, 1):
            z = at[0] + (step if axis == 0 else 0)
            y = at[1] + (step if axis == 1 else 0)
            x = at[2] + (step if axis == 2 else 0)
            if not (0 <= z < shape[0] and 0 <= y < shape[1] and 0 <= x < shape[2]):
                continue
            if depth_below_surface(outline, z + 0.5, y + 0.5, x + 0.5) <= 0.0:
                return True
    return False


@njit(nogil=True, cache=True)
def _erase_piece(mask, z, y, x):  # type: ignore[no-untyped-def]
    stack = [(z, y, x)]
    mask[z, y, x] = 0
    count = 0
    while len(stack) > 0:
        at = stack.pop()
        count += 1
        for axis in range(3):
            for step in (-1, 1):
                a = at[0] + (step if axis == 0 else 0)
                b = at[1] + (step if axis == 1 else 0)
                c = at[2] + (step if axis == 2 else 0)
                if (
                    0 <= a < mask.shape[0]
                    and 0 <= b < mask.shape[1]
                    and 0 <= c < mask.shape[2]
                    and mask[a, b, c] == 1
                ):
                    mask[a, b, c] = 0
                    stack.append((a, b, c))
    return count
