"""The x-runs of a labelled block: the compact form in which pores are compared.

A run is a row of voxels of one label: `(z, y, x0, x1)` with `x1` one past its last voxel. Twenty
million voxels of sparse pores are six million runs of sixteen bytes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Runs = NDArray[np.int32]
Labels = NDArray[np.uint32]


def label_runs(labels: Labels, origin: tuple[int, int, int]) -> tuple[Runs, Labels]:
    """The x-runs of a block of labels, in scan order.

    Parameters
    ----------
    labels
        Block, uint32 (z, y, x); 0 is background.
    origin
        Index of the block's first voxel, added to the runs.

    Returns
    -------
    runs
        int32 (m, 4): z, y, x0, x1 (half open).
    owners
        uint32 (m,): the label of each run.
    """
    labels = np.ascontiguousarray(labels, np.uint32)
    count = _count_runs(labels)
    runs, owners = np.empty((count, 4), np.int32), np.empty(count, np.uint32)
    _fill_runs(labels, runs, owners)
    runs += np.array([origin[0], origin[1], origin[2], origin[2]], np.int32)
    return runs, owners


def silhouette(runs: Runs, owners: Labels) -> tuple[Runs, Labels]:
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
    order = np.lexsort((runs[:, 2], runs[:, 1], owners))
    merged, labels = runs[order], owners[order]
    merged[:, 0] = 0
    kept = _merge_intervals(merged, labels)
    return merged[:kept].copy(), labels[:kept].copy()


def skin_runs(
    outside: NDArray[np.bool_], origin: tuple[int, int, int]
) -> tuple[Runs, NDArray[np.uint32]]:
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
        As `label_runs`; every owner is 0.
    """
    skin = np.zeros(tuple(n - 2 for n in outside.shape), np.uint32)
    _mark_skin(np.ascontiguousarray(outside), skin)
    runs, owners = label_runs(skin, origin)
    return runs, np.zeros_like(owners)


@njit(nogil=True, cache=True)
def _count_runs(labels):  # type: ignore[no-untyped-def]
    count = 0
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            before = np.uint32(0)
            for x in range(labels.shape[2]):
                here = labels[z, y, x]
                if here != 0:
                    count += here != before
                before = here
    return count


@njit(nogil=True, cache=True)
def _fill_runs(labels, runs, owners):  # type: ignore[no-untyped-def]
    count = 0
    nx = labels.shape[2]
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            x = 0
            while x < nx:
                label = labels[z, y, x]
                if label == 0:
                    x += 1
                    continue
                start = x
                while x < nx and labels[z, y, x] == label:
                    x += 1
                runs[count, 0], runs[count, 1] = z, y
                runs[count, 2], runs[count, 3] = start, x
                owners[count] = label
                count += 1


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
def _mark_skin(outside, skin):  # type: ignore[no-untyped-def]
    nz, ny, nx = skin.shape
    for z in range(1, nz + 1):
        for y in range(1, ny + 1):
            for x in range(1, nx + 1):
                if outside[z, y, x] and not (
                    outside[z - 1, y, x]
                    and outside[z + 1, y, x]
                    and outside[z, y - 1, x]
                    and outside[z, y + 1, x]
                    and outside[z, y, x - 1]
                    and outside[z, y, x + 1]
                ):
                    skin[z - 1, y - 1, x - 1] = 1
