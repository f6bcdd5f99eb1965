"""Mask of a rough cylinder or box, and the depth of points below its surface.

Row i of a map stands at the centre of voxel layer `first` + i, column j at the fraction
(j + 0.5) / columns of the way round (cylinder) or at the voxel j of a face (box). All lengths in
voxels; voxel centres at index + 0.5.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

TURN = 2.0 * math.pi


@njit(nogil=True, cache=True)
def radius_at(radii, row, theta):  # type: ignore[no-untyped-def]
    """Radius at a row of the map and an angle, linear between columns."""
    columns = radii.shape[1]
    u = theta / TURN * columns - 0.5
    j = math.floor(u)
    f = u - j
    return radii[row, j % columns] * (1.0 - f) + radii[row, (j + 1) % columns] * f


@njit(nogil=True, cache=True)
def cylinder_mask(radii, centre, origin, shape):  # type: ignore[no-untyped-def]
    """1 where a voxel's centre is inside, uint8; `radii` has the rows of the box."""
    out = np.zeros(shape, np.uint8)
    smallest, largest = radii.min(), radii.max()
    for y in range(shape[1]):
        dy = origin[1] + y + 0.5 - centre[0]
        for x in range(shape[2]):
            dx = origin[2] + x + 0.5 - centre[1]
            rho = math.sqrt(dy * dy + dx * dx)
            if rho < smallest:
                for z in range(shape[0]):
                    out[z, y, x] = 1
            elif rho < largest:
                theta = math.atan2(dy, dx)
                for z in range(shape[0]):
                    if rho < radius_at(radii, z, theta):
                        out[z, y, x] = 1
    return out


@njit(nogil=True, cache=True)
def cylinder_radii(radii, first, centre, points):  # type: ignore[no-untyped-def]
    """(n, 2) distance from the axis, and radius of the surface there, of points (n, 3)."""
    out = np.empty((len(points), 2))
    for i in range(len(points)):
        dy, dx = points[i, 1] - centre[0], points[i, 2] - centre[1]
        row = min(max(math.floor(points[i, 0]) - first, 0), len(radii) - 1)
        out[i, 0] = math.sqrt(dy * dy + dx * dx)
        out[i, 1] = radius_at(radii, row, math.atan2(dy, dx))
    return out


@njit(nogil=True, cache=True)
def values_around(values, first, centre, points):  # type: ignore[no-untyped-def]
    """(n,) value of a map over (z, θ) at the place of the surface nearest to points (n, 3)."""
    out = np.empty(len(points))
    for i in range(len(points)):
        theta = math.atan2(points[i, 1] - centre[0], points[i, 2] - centre[1])
        row = min(max(math.floor(points[i, 0]) - first, 0), len(values) - 1)
        out[i] = radius_at(values, row, theta)
    return out


@njit(nogil=True, cache=True)
def box_mask(walls, half, centre, origin, shape):  # type: ignore[no-untyped-def]
    """1 where a voxel's centre is inside a box, uint8.

    Parameters
    ----------
    walls : ndarray of float32, shape (4, rows, columns)
        Height of the faces +x, +y, -x, -y over the rows of the box that is asked for; column j is
        voxel j along the face, from the volume's corner.
    half, centre : (float, float)
        Half edges and centre (y, x).
    """
    out = np.zeros(shape, np.uint8)
    reach = max(walls.max(), -walls.min(), 0.0)
    for y in range(shape[1]):
        dy = origin[1] + y + 0.5 - centre[0]
        for x in range(shape[2]):
            dx = origin[2] + x + 0.5 - centre[1]
            nominal = min(half[0] - abs(dy), half[1] - abs(dx))
            if nominal > reach:
                for z in range(shape[0]):
                    out[z, y, x] = 1
            elif nominal > -reach:
                for z in range(shape[0]):
                    if _box_depth(walls, half, z, dy, dx, centre) > 0.0:
                        out[z, y, x] = 1
    return out


@njit(nogil=True, cache=True)
def _box_depth(walls, half, row, dy, dx, centre):  # type: ignore[no-untyped-def]
    last = walls.shape[2] - 1
    iy = min(max(math.floor(dy + centre[0]), 0), last)
    ix = min(max(math.floor(dx + centre[1]), 0), last)
    across_x = half[1] - abs(dx) + walls[0 if dx > 0 else 2, row, iy]
    across_y = half[0] - abs(dy) + walls[1 if dy > 0 else 3, row, ix]
    return min(across_x, across_y)


@njit(nogil=True, cache=True)
def box_depths(walls, half, first, centre, points):  # type: ignore[no-untyped-def]
    """(n,) depth of points (n, 3) below the faces of a box."""
    out = np.empty(len(points))
    for i in range(len(points)):
        row = min(max(math.floor(points[i, 0]) - first, 0), walls.shape[1] - 1)
        dy, dx = points[i, 1] - centre[0], points[i, 2] - centre[1]
        out[i] = _box_depth(walls, half, row, dy, dx, centre)
    return out


@njit(nogil=True, cache=True)
def values_on_faces(walls, half, first, centre, points):  # type: ignore[no-untyped-def]
    """(n,) value of maps of four faces on the face nearest to points (n, 3)."""
    out = np.empty(len(points))
    last = walls.shape[2] - 1
    for i in range(len(points)):
        row = min(max(math.floor(points[i, 0]) - first, 0), walls.shape[1] - 1)
        dy, dx = points[i, 1] - centre[0], points[i, 2] - centre[1]
        if half[1] - abs(dx) < half[0] - abs(dy):
            column = min(max(math.floor(points[i, 1]), 0), last)
            out[i] = walls[0 if dx > 0 else 2, row, column]
        else:
            column = min(max(math.floor(points[i, 2]), 0), last)
            out[i] = walls[1 if dy > 0 else 3, row, column]
    return out


@njit(nogil=True, cache=True)
def without_specks(mask):  # type: ignore[no-untyped-def]
    """The inner voxels of a mask, one voxel smaller on every side, without single voxels.

    A steep surface leaves voxels of air that touch solid by all six faces, and of solid that touch
    air: each joins what surrounds it. A mesh of finite elements would choke on them, and a part
    that was segmented from a scan has none.
    """
    nz, ny, nx = mask.shape[0] - 2, mask.shape[1] - 2, mask.shape[2] - 2
    out = np.empty((nz, ny, nx), mask.dtype)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                own = mask[z + 1, y + 1, x + 1]
                if (
                    own != mask[z + 1, y + 1, x]
                    and own != mask[z + 1, y + 1, x + 2]
                    and own != mask[z + 1, y, x + 1]
                    and own != mask[z + 1, y + 2, x + 1]
                    and own != mask[z, y + 1, x + 1]
                    and own != mask[z + 2, y + 1, x + 1]
                ):
                    own = 1 - own
                out[z, y, x] = own
    return out
