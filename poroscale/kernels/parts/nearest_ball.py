"""Distance of each point of a grid to the nearest of many balls, in radii of that ball."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def nearest_ball(centres, radii, shape, reach):  # type: ignore[no-untyped-def]
    """Smallest of distance / radius over all balls, float32, at most `reach`.

    Parameters
    ----------
    centres : ndarray of float64, shape (n, 3)
        z, y, x, where point (i, j, k) of the grid lies at (i, j, k) + 0.5.
    radii : ndarray of float64, shape (n,)
    shape : tuple of int
        Points of the grid.
    reach : float
        Points beyond `reach` radii of every ball get this value.
    """
    nearest = np.full(shape, np.float32(reach * reach))
    for i in range(len(centres)):
        far = reach * radii[i]
        scale = 1.0 / (radii[i] * radii[i])
        z0, z1 = _range(centres[i, 0], far, shape[0])
        y0, y1 = _range(centres[i, 1], far, shape[1])
        x0, x1 = _range(centres[i, 2], far, shape[2])
        for z in range(z0, z1):
            dz = z + 0.5 - centres[i, 0]
            for y in range(y0, y1):
                dy = y + 0.5 - centres[i, 1]
                rest = dz * dz + dy * dy
                for x in range(x0, x1):
                    dx = x + 0.5 - centres[i, 2]
                    square = np.float32((rest + dx * dx) * scale)
                    nearest[z, y, x] = min(square, nearest[z, y, x])
    return np.sqrt(nearest)


@njit(nogil=True, cache=True)
def _range(centre, far, count):  # type: ignore[no-untyped-def]
    first = max(math.floor(centre - far), 0)
    return first, max(min(math.ceil(centre + far), count), first)
