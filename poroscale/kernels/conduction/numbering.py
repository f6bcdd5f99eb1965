"""Numbers of the voxels that carry current: those of clusters that join both driven faces.

A lattice is an array (nz, ny, nx) with one voxel more on every side, driven along its first axis.
A code of 0 stands for no current, any other for a phase. What surrounds the lattice holds 0, or the
voxels of the opposite side where the sides are periodic, so that the operator needs no case for the
edge of the volume.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Numbers = NDArray[np.uint32]
"""(nz + 2, ny + 2, nx + 2): the number of each voxel in scan order; 0, too, where none flows."""
Codes = NDArray[np.uint8]
"""(nz + 2, ny + 2, nx + 2): the phase of each voxel, a row of the table of conductances."""
MOST = (1 << 32) - 1
"""Voxels that can be numbered."""

_FIRST, _LAST, _BOTH = 1, 2, 3


def number_carrying(codes: Codes, *, periodic: bool = False) -> tuple[Numbers, int]:
    """Number the voxels from which current can flow to both driven faces.

    Parameters
    ----------
    codes
        uint8 (nz + 2, ny + 2, nx + 2), with its margin; set to 0 where no current flows.
    periodic
        Whether the four sides join each other.

    Returns
    -------
    numbers : ndarray
        uint32 of the shape of `codes`.
    carrying : int
        Voxels that are numbered.
    """
    numbers = np.zeros(codes.shape, np.uint32)
    parents = np.arange(number_conducting(codes, numbers), dtype=np.uint32)
    wrap_sides(numbers, periodic)
    join_clusters(codes, numbers, parents)
    touched = np.zeros(len(parents), np.uint8)
    _touch(codes, numbers, parents, touched)
    _forget(codes, numbers, parents, touched)
    wrap_sides(codes, periodic)
    del parents, touched
    numbers[:] = 0
    carrying = number_conducting(codes, numbers)
    wrap_sides(numbers, periodic)
    return numbers, carrying


def with_margin(inner: NDArray[np.uint8], *, periodic: bool = False) -> Codes:
    """An array of codes with the margin that a lattice has."""
    codes = np.zeros([n + 2 for n in inner.shape], np.uint8)
    codes[1:-1, 1:-1, 1:-1] = inner
    wrap_sides(codes, periodic)
    return codes


def wrap_sides(array: NDArray[np.generic], periodic: bool) -> None:
    """Copy each side to the margin of the opposite side, the driven faces apart."""
    if not periodic:
        return
    inner = array[1:-1]
    if array.shape[1] > 3:  # a single layer has no neighbour but itself
        inner[:, 0], inner[:, -1] = inner[:, -2], inner[:, 1]
    if array.shape[2] > 3:
        inner[:, :, 0], inner[:, :, -1] = inner[:, :, -2], inner[:, :, 1]


@njit(nogil=True, cache=True)
def number_conducting(codes, numbers):  # type: ignore[no-untyped-def]
    """Number the voxels that conduct in scan order; returns how many there are."""
    nz, ny, nx = codes.shape
    n = 0
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if codes[z, y, x]:
                    numbers[z, y, x] = n
                    n += 1
    return n


@njit(nogil=True, cache=True)
def root_of(parents, i):  # type: ignore[no-untyped-def]
    """The representative of a set of a union-find; ways are halved."""
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


@njit(nogil=True, cache=True)
def join_sets(parents, i, j):  # type: ignore[no-untyped-def]
    """Join two sets of a union-find; the lower root stays."""
    a, b = root_of(parents, i), root_of(parents, j)
    if a < b:
        parents[b] = a
    elif b < a:
        parents[a] = b


@njit(nogil=True, cache=True)
def join_clusters(codes, numbers, parents):  # type: ignore[no-untyped-def]
    """Join each voxel with its lower neighbours, and with those that a margin repeats."""
    nz, ny, nx = codes.shape
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if not codes[z, y, x]:
                    continue
                i = numbers[z, y, x]
                if codes[z - 1, y, x]:
                    join_sets(parents, i, numbers[z - 1, y, x])
                if codes[z, y - 1, x]:
                    join_sets(parents, i, numbers[z, y - 1, x])
                if codes[z, y, x - 1]:
                    join_sets(parents, i, numbers[z, y, x - 1])


@njit(nogil=True, cache=True)
def _touch(codes, numbers, parents, touched):  # type: ignore[no-untyped-def]
    """Mark each set with the driven faces that it touches."""
    nz, ny, nx = codes.shape
    for y in range(1, ny - 1):
        for x in range(1, nx - 1):
            if codes[1, y, x]:
                touched[root_of(parents, numbers[1, y, x])] |= _FIRST
            if codes[nz - 2, y, x]:
                touched[root_of(parents, numbers[nz - 2, y, x])] |= _LAST


@njit(nogil=True, cache=True)
def _forget(codes, numbers, parents, touched):  # type: ignore[no-untyped-def]
    """Take away the voxels of sets that do not touch both faces."""
    nz, ny, nx = codes.shape
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if codes[z, y, x] and touched[root_of(parents, numbers[z, y, x])] != _BOTH:
                    codes[z, y, x] = 0
