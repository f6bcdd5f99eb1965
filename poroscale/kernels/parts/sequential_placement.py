"""Place pores one after the other so that no two of them touch (random sequential addition)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def cells_of(centres: FloatArray, edge: float) -> NDArray[np.int64]:
    """Integer cell of each centre on a cubic grid of `edge` voxels, from 1, shape (n, 3)."""
    low = centres.min(axis=0) if len(centres) else np.zeros(3)
    return np.asarray((centres - low) // edge + 1, dtype=np.int64)


@njit(nogil=True, cache=True)
def place_in_order(centres, spans, cells, volumes, fixed, target, gap):  # type: ignore[no-untyped-def]
    """Keep candidates in their order, skipping those that come within `gap` of a kept one.

    Parameters
    ----------
    centres : ndarray of float64, shape (n, 3)
    spans : ndarray of float64, shape (n, 3, 3)
        Semi-axes of the enclosing ellipsoid as vectors, the last the pole.
    cells : ndarray of int64, shape (n, 3)
        Cells from `cells_of`, with an edge no smaller than twice the largest reach plus `gap`.
    volumes : ndarray of float64, shape (n,)
    fixed : int
        The first `fixed` candidates are kept already (earlier rounds).
    target : float
        Stop when the kept volume reaches it; a candidate that overshoots by over 2 % is skipped.
    gap : float
        Smallest distance of two pores in voxels.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    size = (cells[:, 0].max() + 2, cells[:, 1].max() + 2, cells[:, 2].max() + 2)
    head = np.full(size, -1, np.int64)
    following = np.full(len(centres), -1, np.int64)
    kept = np.zeros(len(centres), np.bool_)
    total = 0.0
    for i in range(len(centres)):
        if i >= fixed:
            if total >= target:
                break
            if total + volumes[i] > 1.02 * target or _blocked(
                i, centres, spans, cells, head, following, gap
            ):
                continue
        kept[i] = True
        total += volumes[i]
        cell = cells[i]
        following[i] = head[cell[0], cell[1], cell[2]]
        head[cell[0], cell[1], cell[2]] = i
    return kept


@njit(nogil=True, cache=True)
def _blocked(i, centres, spans, cells, head, following, gap):  # type: ignore[no-untyped-def]
    for a in range(-1, 2):
        for b in range(-1, 2):
            for c in range(-1, 2):
                j = head[cells[i, 0] + a, cells[i, 1] + b, cells[i, 2] + c]
                while j >= 0:
                    if not _apart(centres[j] - centres[i], spans[i], spans[j], gap):
                        return True
                    j = following[j]
    return False


@njit(nogil=True, cache=True)
def _apart(between, first, second, gap):  # type: ignore[no-untyped-def]
    # Two convex bodies are apart if they are along any one direction: try the line of centres,
    # z, and the poles of both.
    if _apart_along(between, between, first, second, gap):
        return True
    if _apart_along(np.array((1.0, 0.0, 0.0)), between, first, second, gap):
        return True
    if _apart_along(first[2], between, first, second, gap):
        return True
    return _apart_along(second[2], between, first, second, gap)


@njit(nogil=True, cache=True)
def _apart_along(direction, between, first, second, gap):  # type: ignore[no-untyped-def]
    length = math.sqrt(
        direction[0] * direction[0] + direction[1] * direction[1] + direction[2] * direction[2]
    )
    if length == 0.0:
        return False
    shift = 0.0
    for k in range(3):
        shift += direction[k] * between[k]
    return (
        abs(shift) / length
        > (_support(direction, first) + _support(direction, second)) / (length) + gap
    )


@njit(nogil=True, cache=True)
def _support(direction, span):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(3):
        along = direction[0] * span[k, 0] + direction[1] * span[k, 1] + direction[2] * span[k, 2]
        total += along * along
    return math.sqrt(total)
