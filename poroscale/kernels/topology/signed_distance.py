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
    reach, cube = distance_halo(voxel_size, cap), len(set(voxel_size)) == 1
    # Between cubes, squares of distances are whole numbers of voxels, which float32 holds exactly.
    unit, dtype = (voxel_size[0], np.float32) if cube else (1.0, np.float64)
    z, y, x = (
        ((edge / unit * np.arange(n + 2, dtype=np.float64)) ** 2).astype(dtype)
        for edge, n in zip(voxel_size, reach, strict=True)
    )
    squares = np.empty(phase.shape, dtype)
    _along_x(phase, squares, x, max(each[-1] for each in (z, y, x)))
    squares = _across(phase, squares, y, 1)
    squares = _across(phase, squares, z, 0)
    distance = np.minimum(unit * np.sqrt(squares, dtype=np.float64), cap).astype(np.float32)
    return np.where(phase, -distance, distance)


def distance_halo(voxel_size: tuple[float, float, float], cap: float) -> Triple:
    """Voxels along each axis within which a distance up to `cap` is decided."""
    z, y, x = (floor(cap / edge) for edge in voxel_size)
    return z, y, x


@njit(nogil=True, cache=True)
def _along_x(phase, squares, apart, most):  # type: ignore[no-untyped-def]
    """Square of the distance to the nearest voxel of the other kind in the row; else `most`."""
    nz, ny, nx = phase.shape
    reach = apart.size - 2
    for z in range(nz):
        for y in range(ny):
            since = reach + 1
            for x in range(nx):
                since = 1 if x > 0 and phase[z, y, x] != phase[z, y, x - 1] else since + 1
                squares[z, y, x] = apart[since] if since <= reach else most
            since = reach + 1
            for x in range(nx - 1, -1, -1):
                changes = x < nx - 1 and phase[z, y, x] != phase[z, y, x + 1]
                since = 1 if changes else since + 1
                if since <= reach:
                    squares[z, y, x] = min(squares[z, y, x], apart[since])


@njit(nogil=True, cache=True)
def _across(phase, squares, aparts, axis):  # type: ignore[no-untyped-def]
    """The least over the rows along `axis`; those of the other kind lie at their own distance."""
    nz, ny, nx = phase.shape
    found = squares.copy()
    for z in range(nz):
        for y in range(ny):
            here, n = (y, ny) if axis == 1 else (z, nz)
            least, own = found[z, y], phase[z, y]
            for side in (-1, 1):
                closer = nx  # voxels that a farther row could still bring closer
                for step in range(1, aparts.size - 1):
                    there = here + side * step
                    if there < 0 or there >= n or not closer:
                        break
                    w, v = (z, there) if axis == 1 else (there, y)
                    apart, other, kind = aparts[step], squares[w, v], phase[w, v]
                    following, closer = aparts[step + 1], 0
                    for x in range(nx):
                        through = apart + other[x] if kind[x] == own[x] else apart
                        least[x] = min(least[x], through)
                        closer += least[x] > following
    return found
