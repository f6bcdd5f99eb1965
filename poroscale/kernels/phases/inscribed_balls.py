"""Centres of the balls inscribed in a phase, without those that lie in the ball of a neighbour.

The ball of a voxel holds the voxels nearer to it than the nearest one that limits it. A ball that
lies within the ball of a neighbour changes nothing where the largest ball counts, so its centre is
forgotten; what lies within what is known from a table (Remy and Thiel 2005).
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.phases.squared_distance import Metric

BEYOND, WITHIN = 0, 1
"""What a code of `ball_centres` says: no voxel of the phase, or one that is no centre of a ball."""
_BINS = 1 << 16
"""Most entries of a table of what lies within what."""

_STEPS = np.array(
    sorted(
        (
            (dz, dy, dx, 4 * abs(dz) + 2 * abs(dy) + abs(dx))
            for dz, dy, dx in product((-1, 0, 1), repeat=3)
            if (dz, dy, dx) != (0, 0, 0)
        ),
        key=lambda step: step[0] ** 2 + step[1] ** 2 + step[2] ** 2,
    )
)
"""Steps to the 26 neighbours, faces first, each with its row of the table."""

Int64 = NDArray[np.int64]
Codes = NDArray[np.uint16] | NDArray[np.uint32]


def code_dtype(metric: Metric) -> np.dtype[Any]:
    """The type that holds the codes of `ball_centres`: uint16, or uint32."""
    return np.dtype(np.uint16 if metric.limit + 1 < 1 << 16 else np.uint32)


def ball_centres(squared: NDArray[np.int32], phase: NDArray[np.bool_], metric: Metric) -> Codes:
    """Centres of the balls that lie in no ball of a neighbour.

    Parameters
    ----------
    squared
        int32 (nz, ny, nx) of `squared_distances`, to what limits the balls.
    phase
        bool, of the same shape: where balls have their centres.
    metric
        The metric of `squared`.

    Returns
    -------
    ndarray
        Of `code_dtype`: `BEYOND`, `WITHIN`, or the squared radius + 1 of a centre that counts.
        Balls of one voxel are not named. All voxels at the limit of the metric are named.
    """
    out = np.empty(squared.shape, code_dtype(metric))
    table, shift = _containing(metric)
    _find_centres(squared, phase, table, shift, metric.limit, min(metric.weights), out)
    return out


def _containing(metric: Metric) -> tuple[Int64, int]:
    """Squared radii that a neighbour's ball must have to contain a ball.

    int64 (8, bins): row 4|dz| + 2|dy| + |dx| by the step to the neighbour, column by the squared
    radius, shifted to the right by the second result. Of the radii of a bin the largest counts.
    """
    shift = max(0, int(metric.limit).bit_length() - _BINS.bit_length() + 1)
    table = np.zeros((8, (metric.limit >> shift) + 2), np.int64)
    _farthest(np.array(metric.weights, np.int64), metric.limit, shift, table)
    np.maximum.accumulate(table, axis=1, out=table)
    return table + 1, shift


@njit(nogil=True, cache=True)
def _farthest(weights, limit, shift, table):  # type: ignore[no-untyped-def]
    """For each squared radius, how far its farthest voxel lies from a neighbour of the centre."""
    wz, wy, wx = weights
    bins = table.shape[1]
    z = np.int64(0)
    while wz * z * z < limit:
        y = np.int64(0)
        while wz * z * z + wy * y * y < limit:
            x = np.int64(0)
            while wz * z * z + wy * y * y + wx * x * x < limit:
                norm = wz * z * z + wy * y * y + wx * x * x
                # The first bin whose largest radius is above the norm; radii are strict.
                place = max(0, ((norm + 2 + (1 << shift) - 1) >> shift) - 1)
                if place < bins:
                    for step in range(1, 8):
                        dz, dy, dx = step >> 2, step >> 1 & 1, step & 1
                        far = norm + wz * dz * (2 * z + dz)
                        far += wy * dy * (2 * y + dy) + wx * dx * (2 * x + dx)
                        table[step, place] = max(table[step, place], far)
                x += 1
            y += 1
        z += 1


@njit(nogil=True, cache=True)
def _find_centres(squared, phase, table, shift, limit, least, out):  # type: ignore[no-untyped-def]
    for z in range(squared.shape[0]):
        for y in range(squared.shape[1]):
            for x in range(squared.shape[2]):
                if not phase[z, y, x]:
                    out[z, y, x] = BEYOND
                    continue
                here = squared[z, y, x]
                counts = here >= limit or (
                    here > least and not _contained(squared, phase, table, here >> shift, z, y, x)
                )
                out[z, y, x] = here + 1 if counts else WITHIN


@njit(nogil=True, cache=True)
def _contained(squared, phase, table, place, z, y, x):  # type: ignore[no-untyped-def]
    """True if the ball of a neighbour contains that of (z, y, x)."""
    nz, ny, nx = squared.shape
    for k in range(len(_STEPS)):
        dz, dy, dx = _STEPS[k, 0], _STEPS[k, 1], _STEPS[k, 2]
        if not (0 <= z + dz < nz and 0 <= y + dy < ny and 0 <= x + dx < nx):
            continue
        if squared[z + dz, y + dy, x + dx] < table[_STEPS[k, 3], place]:
            continue
        if phase[z + dz, y + dy, x + dx]:
            return True
    return False
