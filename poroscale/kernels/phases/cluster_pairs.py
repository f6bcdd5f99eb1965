"""Pairs of voxels of one label along an axis, counted from the runs of each line.

The pairs that two runs have at a lag grow and fall with the lag in straight lines. Four corners say
all of them, so that the work does not grow with the lags between.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Int64 = NDArray[np.int64]

_TILE = 16
"""Lines that are copied together: 16 labels of four bytes fill a line of the cache."""


def equal_pairs(labels: NDArray[Any], axis: int, lags: int, count: int) -> Int64:
    """Pairs of voxels of one label, by their distance along an axis.

    Parameters
    ----------
    labels
        uint8 or uint32 (nz, ny, nx), 0 for voxels of no label.
    axis
        0, 1 or 2.
    lags
        Largest distance [voxels].
    count
        Voxels along the axis in which pairs begin, from the first on; those behind are ends only.

    Returns
    -------
    ndarray
        int64 (lags + 1,).
    """
    before = int(np.prod(labels.shape[:axis], dtype=np.int64))
    behind = int(np.prod(labels.shape[axis + 1 :], dtype=np.int64))
    sheets = np.ascontiguousarray(labels).reshape(before, labels.shape[axis], behind)
    bends, start = np.zeros(lags + 1, np.int64), np.zeros(2, np.int64)
    _add_sheets(sheets, count, bends, start)
    slopes = start[1] + np.cumsum(bends)
    return start[0] + np.concatenate([[0], np.cumsum(slopes[:-1])])


@njit(nogil=True, cache=True)
def _add_sheets(sheets, count, bends, start):  # type: ignore[no-untyped-def]
    """Add the pairs of all lines along the second axis, a few neighbouring lines at a time."""
    before, n, behind = sheets.shape
    first, stop = np.empty(n, np.int64), np.empty(n, np.int64)
    lines = np.empty((_TILE, n), sheets.dtype)
    for k in range(before):
        for corner in range(0, behind, _TILE):
            wide = min(_TILE, behind - corner)
            for x in range(n):
                for i in range(wide):
                    lines[i, x] = sheets[k, x, corner + i]
            for i in range(wide):
                _add_line(lines[i], first, stop, count, bends, start)


@njit(nogil=True, cache=True)
def _add_line(line, first, stop, count, bends, start):  # type: ignore[no-untyped-def]
    runs, lags = _runs(line, first, stop), len(bends) - 1
    for a in range(runs):
        if first[a] >= count:
            break
        end = min(stop[a], count)
        for b in range(a, runs):
            if first[b] - end >= lags:
                break
            if line[first[b]] == line[first[a]]:
                _bend(first[b] - end, 1, bends, start)
                _bend(first[b] - first[a], -1, bends, start)
                _bend(stop[b] - end, -1, bends, start)
                _bend(stop[b] - first[a], 1, bends, start)


@njit(nogil=True, cache=True)
def _runs(line, first, stop):  # type: ignore[no-untyped-def]
    """Where runs of one label begin and end; how many they are."""
    n = len(line)
    runs, x = 0, 0
    while x < n:
        if line[x] == 0:
            x += 1
            continue
        first[runs] = x
        while x < n and line[x] == line[first[runs]]:
            x += 1
        stop[runs] = x
        runs += 1
    return runs


@njit(nogil=True, cache=True, inline="always")
def _bend(lag, by, bends, start):  # type: ignore[no-untyped-def]
    """The number of pairs rises by `by` for each lag behind this one.

    What bends before lag 0 shows there as a number and a slope.
    """
    if lag < 0:
        start[0] -= by * lag
        start[1] += by
    elif lag < len(bends):
        bends[lag] += by
