"""Where rays from the axis of a part leave it.

The part's mask is smoothed a little, and a ray crosses the surface where the smoothed mask falls
below one half: on a binary mask that is the surface to about a tenth of a voxel. Each ray is
looked at in every block that it passes; a crossing belongs to the block that holds its last inner
sample.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

SIGMA = 0.8
HALO = 5
"""Voxels around a block: smoothing, interpolation, and one step of a ray."""


class Rays(NamedTuple):
    """A sheet of rays: row i starts at `point` + (i + 0.5) `axis` + `offset[j]`, along `along[j]`.

    All in voxels (z, y, x).

    Attributes
    ----------
    point, axis : ndarray of float64, shape (3,)
    offset, along : ndarray of float64, shape (columns, 3)
    rows : int
    first, last : float
        Smallest and largest distance that is looked at.
    """

    point: NDArray[np.float64]
    axis: NDArray[np.float64]
    offset: NDArray[np.float64]
    along: NDArray[np.float64]
    rows: int
    first: float
    last: float


def smoothed(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The mask as a smooth field between 0 and 1."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(mask.astype(np.float32), SIGMA, truncate=2.6))


@njit(nogil=True, cache=True)
def crossings(field, phases, origin, core, rays):  # type: ignore[no-untyped-def]
    """Crossings of rays in one block.

    Parameters
    ----------
    field : ndarray of float32, shape (z, y, x)
        Smoothed mask of the block and `HALO` voxels around it.
    phases : ndarray of uint8, same shape
    origin : tuple of int
        First voxel of the block without its halo.
    core : tuple of int
        Shape of the block without its halo.
    rays : Rays

    Returns
    -------
    number : ndarray of int64, shape (n,)
        Row times columns plus column of each crossing.
    distance : ndarray of float32, shape (n,)
    pore : ndarray of uint8, shape (n,)
        Whether the last voxel inside is a pore.
    """
    columns = len(rays.along)
    number, distance, pore = [np.int64(0)], [np.float32(0)], [np.uint8(0)]
    low, high = np.empty(3), np.empty(3)
    for k in range(3):
        low[k], high[k] = origin[k], origin[k] + core[k]
    tilt = math.sqrt(rays.axis[1] ** 2 + rays.axis[2] ** 2) * rays.last + 2
    top = max(0, int((low[0] - tilt - rays.point[0]) / rays.axis[0]) - 1)
    bottom = min(rays.rows, int((high[0] + tilt - rays.point[0]) / rays.axis[0]) + 2)
    start = np.empty(3)
    for i in range(top, bottom):
        for j in range(columns):
            t0, t1 = rays.first, rays.last
            for k in range(3):
                start[k] = rays.point[k] + (i + 0.5) * rays.axis[k] + rays.offset[j, k]
                t0, t1 = _clip(start[k], rays.along[j, k], low[k], high[k], t0, t1)
            # Samples lie on one lattice along the ray, whatever the block.
            n = int(math.ceil(t0 - rays.first))
            while rays.first + n < t1:
                t = rays.first + n
                value = _sample(field, origin, start, rays.along[j], t)
                if value >= 0.5:
                    after = _sample(field, origin, start, rays.along[j], t + 1.0)
                    if after < 0.5:
                        number.append(np.int64(i * columns + j))
                        distance.append(np.float32(t + (value - 0.5) / (value - after)))
                        pore.append(_is_pore(phases, origin, start, rays.along[j], t))
                n += 1
    return np.array(number[1:]), np.array(distance[1:]), np.array(pore[1:])


@njit(nogil=True, cache=True)
def keep_outermost(found, number, distance, pore):  # type: ignore[no-untyped-def]
    """Add the crossings of a block, in any order, to what is known of every ray.

    Parameters
    ----------
    found : (ndarray of float32, of uint8, of uint8), each of shape (rays,)
        Outermost distance so far (NaN: none), how many crossings (up to 255), and whether the
        outermost is one of a pore. Changed in place.
    number, distance, pore
        As `crossings` returns them.
    """
    farthest, count, open_pore = found
    for k in range(len(number)):
        i = number[k]
        if count[i] == 0 or distance[k] > farthest[i]:
            farthest[i], open_pore[i] = distance[k], pore[k]
        count[i] = min(count[i] + 1, 255)


@njit(nogil=True, cache=True)
def _clip(start, along, low, high, t0, t1):  # type: ignore[no-untyped-def]
    if abs(along) < 1e-12:
        if start < low or start >= high:
            return 1.0, 0.0
        return t0, t1
    a, b = (low - start) / along, (high - start) / along
    return max(t0, min(a, b)), min(t1, max(a, b))


@njit(nogil=True, cache=True)
def _sample(field, origin, start, along, t):  # type: ignore[no-untyped-def]
    # Trilinear; voxel i has its centre at i + 0.5. Held at the rim of the block and its halo.
    z = start[0] + t * along[0] - origin[0] + HALO - 0.5
    y = start[1] + t * along[1] - origin[1] + HALO - 0.5
    x = start[2] + t * along[2] - origin[2] + HALO - 0.5
    i = min(max(int(math.floor(z)), 0), field.shape[0] - 2)
    j = min(max(int(math.floor(y)), 0), field.shape[1] - 2)
    k = min(max(int(math.floor(x)), 0), field.shape[2] - 2)
    a = min(max(z - i, 0.0), 1.0)
    b = min(max(y - j, 0.0), 1.0)
    c = min(max(x - k, 0.0), 1.0)
    total = 0.0
    for p in range(2):
        wp = a if p else 1.0 - a
        for q in range(2):
            wq = wp * (b if q else 1.0 - b)
            total += wq * ((1.0 - c) * field[i + p, j + q, k] + c * field[i + p, j + q, k + 1])
    return total


@njit(nogil=True, cache=True)
def _is_pore(phases, origin, start, along, t):  # type: ignore[no-untyped-def]
    # The voxel a step inside: the very last one is often half outside.
    for back in (0.0, 1.0):
        z = int(math.floor(start[0] + (t - back) * along[0])) - origin[0] + HALO
        y = int(math.floor(start[1] + (t - back) * along[1])) - origin[1] + HALO
        x = int(math.floor(start[2] + (t - back) * along[2])) - origin[2] + HALO
        inside = 0 <= z < phases.shape[0] and 0 <= y < phases.shape[1] and 0 <= x < phases.shape[2]
        if inside and phases[z, y, x] == 2:
            return np.uint8(1)
    return np.uint8(0)
