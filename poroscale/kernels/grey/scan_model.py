"""Grey values of a scan from the blurred solid fraction and noise."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def scan_grey(fraction, noise, origin, centre, shading, rings, levels):  # type: ignore[no-untyped-def]
    """Grey values of a block, as a scanner stores them.

    Parameters
    ----------
    fraction : ndarray of float32, shape (nz, ny, nx)
        Blurred solid fraction.
    noise : ndarray of float32, the same shape
        Noise relative to the difference of solid and air.
    origin : (int, int, int)
        Absolute index of the first voxel.
    centre : (float, float)
        y and x of the axis of rotation in voxels.
    shading : (float, float, float, float)
        Cupping (how much darker the axis is than the rim), radius of the rim, fall of the grey
        value over the volume's height, and that height, in voxels.
    rings : ndarray of float32, 1-D
        Ring artefacts at each radius in voxels, relative to the difference of solid and air.
    levels : (float, float)
        Grey value of air and of solid at the rim.

    Returns
    -------
    ndarray of uint16, shape (nz, ny, nx)
    """
    nz, ny, nx = fraction.shape
    out = np.empty((nz, ny, nx), np.uint16)
    cupping, rim, fall, height = shading
    bright = np.empty((ny, nx))
    ring = np.empty((ny, nx))
    for y in range(ny):
        for x in range(nx):
            dy, dx = origin[1] + y + 0.5 - centre[0], origin[2] + x + 0.5 - centre[1]
            radius = math.sqrt(dy * dy + dx * dx)
            inward = min(radius / rim, 1.0)
            bright[y, x] = 1.0 - cupping * (1.0 - inward * inward)
            k = min(int(radius), len(rings) - 2)
            part = min(radius - k, 1.0)
            ring[y, x] = rings[k] * (1.0 - part) + rings[k + 1] * part
    contrast = levels[1] - levels[0]
    for z in range(nz):
        drift = 1.0 - fall * ((origin[0] + z + 0.5) / height - 0.5)
        for y in range(ny):
            for x in range(nx):
                value = fraction[z, y, x] * bright[y, x] * drift + ring[y, x] + noise[z, y, x]
                grey = levels[0] + contrast * value + 0.5
                out[z, y, x] = np.uint16(min(max(grey, 0.0), 65535.0))
    return out
