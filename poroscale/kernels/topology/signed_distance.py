"""Signed distance to the surface of a phase, exact up to a cap, the same in every block."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Triple = tuple[int, int, int]


def phase_distance(
    phase: NDArray[Any], *, voxel_size: tuple[float, float, float], cap: float
) -> NDArray[np.float32]:
    """Distance from each voxel to the nearest one on the other side of the surface.

    Every distance is the least of the same sums, whatever lies farther away. So a block with a halo
    of `distance_halo` voxels gives the numbers of the whole volume, bit for bit.

    Parameters
    ----------
    phase
        bool (nz, ny, nx).
    voxel_size
        Edges of a voxel along (z, y, x) [um].
    cap
        Largest distance [um]; larger ones become the cap.

    Returns
    -------
    ndarray
        float32 (nz, ny, nx) [um], between centres of voxels: negative in the phase, positive
        outside. No value is zero.
    """
    phase = np.ascontiguousarray(phase, bool)
    if len(set(voxel_size)) == 1:
        distance = _between_cubes(phase, voxel_size[0], cap)
        return np.where(phase, -distance, distance)
    z, y, x = distance_halo(voxel_size, cap)
    squares = np.empty(phase.shape)
    _along_x(phase, squares, voxel_size[2], x, cap * cap)
    squares = _across(phase, squares, voxel_size[1], y, 1)
    squares = _across(phase, squares, voxel_size[0], z, 0)
    distance = np.sqrt(squares).astype(np.float32)
    return np.where(phase, -distance, distance)


def distance_halo(voxel_size: tuple[float, float, float], cap: float) -> Triple:
    """Voxels along each axis within which a distance up to `cap` is decided."""
    z, y, x = (floor(cap / edge) for edge in voxel_size)
    return z, y, x


def _between_cubes(phase: NDArray[Any], edge: float, cap: float) -> NDArray[np.float32]:
    """Distances between voxels of one edge: their squares are whole numbers, exact as floats."""
    import edt

    squares = edt.edtsq(phase.view(np.uint8) + np.uint8(1), black_border=False, parallel=1)
    lengths = edge * np.sqrt(np.asarray(squares, np.float64))
    return np.minimum(lengths, cap).astype(np.float32)


@njit(nogil=True, cache=True)
def _along_x(phase, squares, edge, reach, most):  # type: ignore[no-untyped-def]
    """Square of the distance to the nearest voxel of the other kind in the row."""
    nz, ny, nx = phase.shape
    for z in range(nz):
        for y in range(ny):
            since = reach + 1
            for x in range(nx):
                since = 1 if x > 0 and phase[z, y, x] != phase[z, y, x - 1] else since + 1
                squares[z, y, x] = (edge * since) ** 2 if since <= reach else most
            since = reach + 1
            for x in range(nx - 1, -1, -1):
                changes = x < nx - 1 and phase[z, y, x] != phase[z, y, x + 1]
                since = 1 if changes else since + 1
                if since <= reach:
                    squares[z, y, x] = min(squares[z, y, x], (edge * since) ** 2)
                squares[z, y, x] = min(squares[z, y, x], most)


@njit(nogil=True, cache=True)
def _across(phase, squares, edge, reach, axis):  # type: ignore[no-untyped-def]
    """The least over the rows along `axis`; those of the other kind lie at their own distance."""
    nz, ny, nx = phase.shape
    found = squares.copy()
    for z in range(nz):
        for y in range(ny):
            here, n = (y, ny) if axis == 1 else (z, nz)
            for side in (-1, 1):
                open_voxels = nx
                for step in range(1, reach + 1):
                    there = here + side * step
                    if there < 0 or there >= n or not open_voxels:
                        break
                    w, v = (z, there) if axis == 1 else (there, y)
                    apart = (edge * step) ** 2
                    open_voxels = 0
                    for x in range(nx):
                        best = found[z, y, x]
                        other = squares[w, v, x] if phase[w, v, x] == phase[z, y, x] else 0.0
                        found[z, y, x] = min(best, apart + other)
                        open_voxels += apart < best
    return found
