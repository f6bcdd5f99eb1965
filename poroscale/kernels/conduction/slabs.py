"""Slabs of a lattice: clusters across them, their numbers, and what passes between two of them.

A slab is a lattice of some planes. Its margin along the driven axis holds the last plane of the
slab before it and the first plane of the slab behind it. Vectors of a slab are in scan order: the
plane before it, its own voxels, the plane behind it. Labels of the outermost planes are int32, in
scan order, for the voxels that conduct.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.conduction.numbering import (
    Codes,
    Numbers,
    join_clusters,
    join_sets,
    number_conducting,
    root_of,
    wrap_sides,
)

Plane = NDArray[np.uint8]
Labels = NDArray[np.int32]


def outer_clusters(codes: Codes, *, periodic: bool) -> tuple[Labels, Labels, int]:
    """The clusters of a slab that touch its first or its last plane.

    Parameters
    ----------
    codes
        uint8 (nz + 2, ny + 2, nx + 2), with the margin of closed or periodic sides.
    periodic
        Whether the four sides join each other.

    Returns
    -------
    before, behind : ndarray
        int32 (n,): cluster of each voxel that conducts in the first and in the last plane.
    count : int
        Number of these clusters.
    """
    _, _, names, count = _clusters(codes, periodic)
    return (*names, count)


def drop_clusters(codes: Codes, carrying: NDArray[np.bool_], *, periodic: bool) -> None:
    """Set the codes to 0 of all voxels but those of the outer clusters that are `carrying`.

    Parameters
    ----------
    codes
        As in `outer_clusters`.
    carrying
        bool (count,): for each cluster of `outer_clusters`.
    periodic
        Whether the four sides join each other.
    """
    numbers, parents, _, _ = _clusters(codes, periodic)
    _drop(codes, numbers, parents, carrying)
    wrap_sides(codes, periodic)


def number_slab(codes: Codes, *, periodic: bool) -> tuple[Numbers, tuple[int, int, int]]:
    """Number the voxels of a slab and of the planes before and behind it.

    Returns
    -------
    numbers : ndarray
        uint32 of the shape of `codes`.
    counts : tuple
        Voxels before the slab, in it, and behind it.
    """
    numbers = np.zeros(codes.shape, np.uint32)
    before, behind = np.count_nonzero(codes[[0, -1], 1:-1, 1:-1], axis=(1, 2))
    total = _number_all(codes, numbers)
    wrap_sides(numbers, periodic)
    return numbers, (int(before), int(total - before - behind), int(behind))


def _clusters(
    codes: Codes, periodic: bool
) -> tuple[Numbers, NDArray[np.uint32], tuple[Labels, Labels], int]:
    """Numbers, sets of a union-find whose outer ones are named by `_name`, and these names."""
    numbers = np.zeros(codes.shape, np.uint32)
    parents = np.arange(number_conducting(codes, numbers), dtype=np.uint32)
    wrap_sides(numbers, periodic)
    join_clusters(codes, numbers, parents)
    lower, upper = (np.count_nonzero(codes[k, 1:-1, 1:-1]) for k in (1, -2))
    names = np.empty(lower, np.int32), np.empty(upper, np.int32)
    count = _name(codes, numbers, parents, *names)
    return numbers, parents, names, count


@njit(nogil=True, cache=True)
def _name(codes, numbers, parents, lower, upper):  # type: ignore[no-untyped-def]
    """Name the sets of the first and last plane in scan order.

    A root of a named set then points to len(parents) + name: a set is named by its last parent.
    """
    nz, ny, nx = codes.shape
    size, count = np.uint32(len(parents)), 0
    for k in range(2):
        out, z, n = (lower, 1, 0) if k == 0 else (upper, nz - 2, 0)
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if codes[z, y, x]:
                    i = numbers[z, y, x]
                    while parents[i] < size and parents[i] != i:
                        i = parents[i]
                    if parents[i] < size:
                        parents[i] = size + np.uint32(count)
                        count += 1
                    out[n] = parents[i] - size
                    n += 1
    return count


@njit(nogil=True, cache=True)
def _drop(codes, numbers, parents, carrying):  # type: ignore[no-untyped-def]
    nz, ny, nx = codes.shape
    size = len(parents)
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if codes[z, y, x]:
                    i = np.int64(numbers[z, y, x])
                    while parents[i] < size and parents[i] != i:
                        i = np.int64(parents[i])
                    if parents[i] < size or not carrying[parents[i] - size]:
                        codes[z, y, x] = 0


@njit(nogil=True, cache=True)
def join_planes(codes, other, labels, others, parents):  # type: ignore[no-untyped-def]
    """Join the sets of two planes that touch: `labels` of `codes`, `others` of `other`.

    Codes are uint8 (ny, nx), labels those of the voxels that conduct, as elements of `parents`.
    """
    ny, nx = codes.shape
    i = j = 0
    for y in range(ny):
        for x in range(nx):
            if codes[y, x] and other[y, x]:
                join_sets(parents, labels[i], others[j])
            i += codes[y, x] != 0
            j += other[y, x] != 0


def carrying_sets(
    parents: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """bool (n,): the elements whose set holds one of `first` and one of `last`."""
    touched = np.zeros((2, len(parents)), np.bool_)
    roots = _roots(parents)
    touched[0, roots[first]] = touched[1, roots[last]] = True
    carrying: NDArray[np.bool_] = (touched[0] & touched[1])[roots]
    return carrying


@njit(nogil=True, cache=True)
def _roots(parents):  # type: ignore[no-untyped-def]
    roots = np.empty_like(parents)
    for i in range(len(parents)):
        roots[i] = root_of(parents, i)
    return roots


@njit(nogil=True, cache=True)
def _number_all(codes, numbers):  # type: ignore[no-untyped-def]
    nz, ny, nx = codes.shape
    n = 0
    for z in range(nz):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if codes[z, y, x]:
                    numbers[z, y, x] = n
                    n += 1
    return n


@njit(nogil=True, cache=True)
def energy_between(codes, other, pairs, values, others):  # type: ignore[no-untyped-def]
    """The power that potentials dissipate between two planes.

    Codes are uint8 (ny, nx), values float32 of the voxels that carry current, in scan order.
    """
    ny, nx = codes.shape
    i = j = 0
    power = 0.0
    for y in range(ny):
        for x in range(nx):
            c, d = codes[y, x], other[y, x]
            if c and d:
                drop = np.float64(values[i]) - np.float64(others[j])
                power += pairs[0, c, d] * drop * drop
            i += c != 0
            j += d != 0
    return power


@njit(nogil=True, cache=True)
def restrict_between(codes, other, pairs, values, others, groups, of_others, out):  # type: ignore[no-untyped-def]
    """Add to each group the current from the other plane; returns the product with the values.

    It is what `operator.restrict_swept` leaves out of two slabs that touch by these planes.
    """
    ny, nx = codes.shape
    i = j = 0
    product = 0.0
    for y in range(ny):
        for x in range(nx):
            c, d = codes[y, x], other[y, x]
            if c and d:
                weight = pairs[0, c, d]
                out[groups[i]] += weight * others[j]
                out[of_others[j]] += weight * values[i]
                product += 2.0 * weight * np.float64(values[i]) * np.float64(others[j])
            i += c != 0
            j += d != 0
    return product


@njit(nogil=True, cache=True)
def links_between(codes, other, pairs, groups, of_others, firsts, seconds, weights):  # type: ignore[no-untyped-def]
    """The conductance between each pair of voxels of two planes, with their groups."""
    ny, nx = codes.shape
    i = j = n = 0
    for y in range(ny):
        for x in range(nx):
            c, d = codes[y, x], other[y, x]
            if c and d:
                firsts[n], seconds[n], weights[n] = groups[i], of_others[j], pairs[0, c, d]
                n += 1
            i += c != 0
            j += d != 0
    return n


@njit(nogil=True, cache=True)
def place_graph(rows, columns, weights, first, at, all_columns, all_weights):  # type: ignore[no-untyped-def]
    """Put the links of a slab, whose nodes begin at `first`, where `at` says; it moves on."""
    for i in range(len(rows) - 1):
        for k in range(rows[i], rows[i + 1]):
            all_columns[at[first + i]] = columns[k] + first
            all_weights[at[first + i]] = weights[k]
            at[first + i] += 1


@njit(nogil=True, cache=True)
def place_links(firsts, seconds, weights, at, all_columns, all_weights):  # type: ignore[no-untyped-def]
    """Put links between nodes where `at` says, in both directions; it moves on."""
    for n in range(len(firsts)):
        i, j = firsts[n], seconds[n]
        all_columns[at[i]], all_columns[at[j]] = j, i
        all_weights[at[i]] = all_weights[at[j]] = weights[n]
        at[i] += 1
        at[j] += 1
