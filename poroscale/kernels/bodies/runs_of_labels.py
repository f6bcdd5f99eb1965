"""The x-runs of a labelled block: the compact form in which pores are compared.

A run is a row of voxels of one label: `(z, y, x0, x1)` with `x1` one past its last voxel. Twenty
million voxels of sparse pores are six million runs of sixteen bytes.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numba import njit
from numpy.typing import NDArray

LabelRuns = NDArray[np.int32]
Labels = NDArray[np.uint32]

_SPARSE = 64
"""Voxels to a run for which there is room at first; a block with more runs is gone over twice."""


def runs_of_labels(
    labels: Labels,
    origin: tuple[int, int, int],
    *,
    first: tuple[int, int, int] = (0, 0, 0),
    shape: tuple[int, int, int] | None = None,
) -> tuple[LabelRuns, Labels]:
    """The x-runs of a block of labels, in scan order.

    Parameters
    ----------
    labels
        Block, uint32 (z, y, x); 0 is background.
    origin
        Index of the first voxel that is looked at, added to the runs.
    first, shape
        The piece of the block that is looked at; all of it by default. A piece is not copied.

    Returns
    -------
    runs
        int32 (m, 4): z, y, x0, x1 (half open).
    owners
        uint32 (m,): the label of each run.
    """
    labels = np.ascontiguousarray(labels, np.uint32)
    shape = labels.shape if shape is None else shape
    room, count = -1, prod(shape) // _SPARSE
    while count > room:
        room = count
        runs, owners = np.empty((room, 4), np.int32), np.empty(room, np.uint32)
        count = _fill_runs(labels, first, shape, origin, runs, owners)
    return runs[:count].copy(), owners[:count].copy()


def silhouette(runs: LabelRuns, owners: Labels) -> tuple[LabelRuns, Labels]:
    """The shadow that each label throws along z, as disjoint intervals of its rows.

    Parameters
    ----------
    runs, owners
        Runs of any number of blocks, any order; they may overlap when seen along z. The z of
        a run is not looked at.

    Returns
    -------
    intervals
        int32 (k, 4): 0, y, x0, x1, sorted by label, y, x0; two of one label never touch.
    owners
        uint32 (k,).
    """
    order = _by_row(runs, owners)
    merged, labels = runs[order], owners[order]
    merged[:, 0] = 0
    kept = _merge_intervals(merged, labels)
    return merged[:kept].copy(), labels[:kept].copy()


def skin_runs(
    outside: NDArray[np.bool_], origin: tuple[int, int, int]
) -> tuple[LabelRuns, NDArray[np.uint32]]:
    """The x-runs of the outside voxels that share a face with the part.

    Their faces towards the part are its free surface, so the distance from any point of the
    part to the nearest of these voxels is its distance to the free surface.

    Parameters
    ----------
    outside
        bool (z + 2, y + 2, x + 2): the block with one voxel around it; True where the voxel is
        outside the part, or beyond the volume's edge.
    origin
        Index of the block's first voxel, the halo not counted.

    Returns
    -------
    runs, owners
        As `runs_of_labels`; every owner is 0.
    """
    outside = np.ascontiguousarray(outside)
    room, count = -1, outside.size // _SPARSE
    while count > room:
        room = count
        runs = np.empty((room, 4), np.int32)
        count = _skin(outside, origin, runs)
    return runs[:count].copy(), np.zeros(count, np.uint32)


def _by_row(runs: LabelRuns, owners: Labels) -> NDArray[np.int64]:
    """The order by label, y and x0: of one number for each run where 64 bits hold the three."""
    if not len(runs):
        return np.zeros(0, np.int64)
    y, x = (runs[:, k].astype(np.int64) - int(runs[:, k].min()) for k in (1, 2))
    bits = [int(part.max()).bit_length() for part in (owners, y, x)]
    if sum(bits) > 63:
        return np.lexsort((x, y, owners))
    packed = owners.astype(np.int64) << (bits[1] + bits[2]) | y << bits[2] | x
    return np.argsort(packed)


@njit(nogil=True, cache=True)
def _fill_runs(labels, first, shape, origin, runs, owners):  # type: ignore[no-untyped-def]
    """Number of runs; they are written where `runs` has room for them."""
    count = 0
    nx = shape[2]
    for z in range(shape[0]):
        for y in range(shape[1]):
            row = labels[first[0] + z, first[1] + y, first[2] : first[2] + nx]
            x = 0
            while x < nx:
                label = row[x]
                if label == 0:
                    x += 1
                    continue
                start = x
                while x < nx and row[x] == label:
                    x += 1
                if count < len(runs):
                    runs[count, 0], runs[count, 1] = z + origin[0], y + origin[1]
                    runs[count, 2], runs[count, 3] = start + origin[2], x + origin[2]
                    owners[count] = label
                count += 1
    return count


@njit(nogil=True, cache=True)
def _merge_intervals(runs, owners):  # type: ignore[no-untyped-def]
    last = -1
    for i in range(runs.shape[0]):
        same = last >= 0 and owners[i] == owners[last] and runs[i, 1] == runs[last, 1]
        if same and runs[i, 2] <= runs[last, 3]:
            runs[last, 3] = max(runs[last, 3], runs[i, 3])
        else:
            last += 1
            runs[last] = runs[i]
            owners[last] = owners[i]
    return last + 1


@njit(nogil=True, cache=True)
def _skin(outside, origin, runs):  # type: ignore[no-untyped-def]
    """Number of the skin's runs; they are written where `runs` has room for them."""
    nz, ny, nx = outside.shape
    skin = np.empty(nx - 2, np.uint8)
    count = 0
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            if not _skin_row(outside, z, y, skin):
                continue
            before = np.uint8(0)
            for x in range(nx - 2):
                here = skin[x]
                if here > before and count < len(runs):
                    runs[count, 0], runs[count, 1] = z - 1 + origin[0], y - 1 + origin[1]
                    runs[count, 2] = x + origin[2]
                if here < before:
                    if count < len(runs):
                        runs[count, 3] = x + origin[2]
                    count += 1
                before = here
            if before:
                if count < len(runs):
                    runs[count, 3] = nx - 2 + origin[2]
                count += 1
    return count


@njit(nogil=True, cache=True)
def _skin_row(outside, z, y, skin):  # type: ignore[no-untyped-def]
    """Mark outside voxels of one row that have a neighbour in the part; whether there is any."""
    row = outside[z, y]
    below, above = outside[z - 1, y], outside[z + 1, y]
    front, back = outside[z, y - 1], outside[z, y + 1]
    found = np.uint8(0)
    for x in range(1, len(row) - 1):
        around = below[x] & above[x] & front[x] & back[x] & row[x - 1] & row[x + 1]
        skin[x - 1] = np.uint8(row[x]) & np.uint8(not around)
        found |= skin[x - 1]
    return found
