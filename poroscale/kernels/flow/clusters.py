"""Pores through which a fluid can pass along the first axis of a box."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def carrying_pores(pore: NDArray[np.bool_], periodic: tuple[bool, bool, bool]) -> NDArray[np.bool_]:
    """Pores of the clusters that carry a flow along the first axis.

    Voxels are joined by their faces, also across periodic sides. If the first axis is not
    periodic, a cluster carries when it touches both ends. If it is, a cluster carries when it leads
    from a voxel to the image of that voxel one or more periods further on: each voxel keeps its
    distance [periods] from the root of its cluster, and a link that disagrees with the distances
    closes such a loop.

    Parameters
    ----------
    pore
        bool (nz, ny, nx).
    periodic
        Which axes are periodic.

    Returns
    -------
    bool, the shape of `pore`.
    """
    pore = np.ascontiguousarray(pore)
    size = pore.size
    parent = np.arange(size, dtype=np.int32 if size < 2**31 else np.int64)
    shift = np.zeros(size, np.int32)
    winds = np.zeros(size, np.bool_)
    _join(pore, periodic[0], periodic[1], periodic[2], parent, shift, winds)
    out = np.zeros(pore.shape, np.bool_)
    _choose(pore, periodic[0], parent, shift, winds, out)
    return out


@njit(nogil=True, cache=True)
def _root(parent, shift, i):  # type: ignore[no-untyped-def]
    """Root of a voxel and its distance from it; the path is halved on the way."""
    total = 0
    while parent[i] != i:
        up = parent[i]
        shift[i] += shift[up]
        parent[i] = parent[up]
        total += shift[i]
        i = parent[i]
    return i, total


@njit(nogil=True, cache=True)
def _link(parent, shift, winds, i, j, step):  # type: ignore[no-untyped-def]
    """Join voxel `j`, which lies `step` periods further on than `i`, with it."""
    a, from_a = _root(parent, shift, i)
    b, from_b = _root(parent, shift, j)
    if a == b:
        if from_b != from_a + step:
            winds[a] = True
        return
    low, high, between = (a, b, from_a + step - from_b)
    if b < a:
        low, high, between = b, a, -between
    parent[high] = low
    shift[high] = between
    winds[low] = winds[low] or winds[high]


@njit(nogil=True, cache=True)
def _join(pore, around_z, around_y, around_x, parent, shift, winds):  # type: ignore[no-untyped-def]
    nz, ny, nx = pore.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if not pore[z, y, x]:
                    continue
                i = (z * ny + y) * nx + x
                if x and pore[z, y, x - 1]:
                    _link(parent, shift, winds, i, i - 1, 0)
                if y and pore[z, y - 1, x]:
                    _link(parent, shift, winds, i, i - nx, 0)
                if z and pore[z - 1, y, x]:
                    _link(parent, shift, winds, i, i - ny * nx, 0)
                if around_x and x == nx - 1 and pore[z, y, 0]:
                    _link(parent, shift, winds, i, i - x, 0)
                if around_y and y == ny - 1 and pore[z, 0, x]:
                    _link(parent, shift, winds, i, i - y * nx, 0)
                if around_z and z == nz - 1 and pore[0, y, x]:
                    _link(parent, shift, winds, i, i - z * ny * nx, 1)


@njit(nogil=True, cache=True)
def _choose(pore, around_z, parent, shift, winds, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = pore.shape
    size = ny * nx
    touched = np.zeros(parent.size if not around_z else 0, np.bool_)
    if not around_z:
        for i in range(size):
            if pore[0, i // nx, i % nx]:
                touched[_root(parent, shift, i)[0]] = True
        for k in range(size):
            i = (nz - 1) * size + k
            if pore[nz - 1, k // nx, k % nx]:
                root = _root(parent, shift, i)[0]
                winds[root] = touched[root]
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if pore[z, y, x]:
                    i = (z * ny + y) * nx + x
                    out[z, y, x] = winds[_root(parent, shift, i)[0]]
