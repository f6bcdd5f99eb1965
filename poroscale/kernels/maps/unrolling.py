"""Points where rays from the axis of a part leave it.

A ray crosses the surface where the part's mask, smoothed a little, falls below one half: on a
binary mask that is the surface to about a tenth of a voxel. The mask is smoothed where a ray needs
it, not as a whole: most of a block is far from the surface. Each ray is looked at in every block
that it passes; a crossing belongs to the block that holds its last inner sample.
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
TAPS = np.exp(-0.5 * (np.arange(-2, 3) / SIGMA) ** 2)
TAPS /= TAPS.sum()
WINDOW = len(TAPS) + 1
"""Voxels an axis that a smoothed value between voxels depends on."""


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


@njit(nogil=True, cache=True)
def crossings(phases, origin, core, rays):  # type: ignore[no-untyped-def]
    """Crossings of rays in one block.

    Parameters
    ----------
    phases : ndarray of uint8, shape (z, y, x)
        The block and `HALO` voxels around it; all but 0 is part.
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
        True if the last voxel inside is a pore.
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
            t = rays.first + math.ceil(t0 - rays.first)
            if t >= t1:
                continue
            value = _sample(phases, origin, start, rays.along[j], t)
            while t < t1:
                after = _sample(phases, origin, start, rays.along[j], t + 1.0)
                if value >= 0.5 and after < 0.5:
                    number.append(np.int64(i * columns + j))
                    distance.append(np.float32(t + (value - 0.5) / (value - after)))
                    pore.append(_is_pore(phases, origin, start, rays.along[j], t))
                value = after
                t += 1.0
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
def _sample(phases, origin, start, along, t):  # type: ignore[no-untyped-def]
    # Voxel i has its centre at i + 0.5.
    z = start[0] + t * along[0] - origin[0] + HALO - 0.5
    y = start[1] + t * along[1] - origin[1] + HALO - 0.5
    x = start[2] + t * along[2] - origin[2] + HALO - 0.5
    i, j, k = int(math.floor(z)), int(math.floor(y)), int(math.floor(x))
    half = WINDOW // 2 - 1
    corner = (i - half, j - half, k - half)
    if _uniform(phases, corner, (i, j, k)):
        return 1.0 if phases[i, j, k] != 0 else 0.0
    total = 0.0
    for p in range(WINDOW):
        plane = 0.0
        for q in range(WINDOW):
            row = 0.0
            for r in range(WINDOW):
                if phases[corner[0] + p, corner[1] + q, corner[2] + r] != 0:
                    row += _weight(r, x - k)
            plane += row * _weight(q, y - j)
        total += plane * _weight(p, z - i)
    return total


@njit(nogil=True, cache=True)
def _weight(n, f):  # type: ignore[no-untyped-def]
    # Linear between the smoothed values of two voxels.
    before = TAPS[n] if n < WINDOW - 1 else 0.0
    after = TAPS[n - 1] if n > 0 else 0.0
    return (1.0 - f) * before + f * after


@njit(nogil=True, cache=True)
def _uniform(phases, corner, middle):  # type: ignore[no-untyped-def]
    # Corners and middle of the window tell that no surface is in it; a hair that passes between
    # them counts for little in the smoothed mask.
    inside = phases[middle[0], middle[1], middle[2]] != 0
    far = WINDOW - 1
    for p in range(0, WINDOW, far):
        for q in range(0, WINDOW, far):
            for r in range(0, WINDOW, far):
                if (phases[corner[0] + p, corner[1] + q, corner[2] + r] != 0) != inside:
                    return False
    return True


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
