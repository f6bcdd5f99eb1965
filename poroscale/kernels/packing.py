"""Which candidate pores can stand beside each other, decided once for every window.

Candidates are taken in the order of their priority: larger pores first, then by a random key. One
is accepted exactly when it conflicts with no accepted candidate of earlier priority. This decision
is a property of the whole, unbounded process. A window that knows only some slabs of it can tell
it for most candidates, and knows which it cannot tell: those that a candidate it has not seen may
precede, and those in conflict with an undecided earlier one. Such a window must grow.

Pores are looked up in one grid per size class. A single grid with cells of twice the largest pore
would hold thousands of small ones in a cell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

SLAB = 64
"""Voxel layers of a slab: slab k covers z in [64 k, 64 k + 64). Part of the process's definition."""
KEY_BITS = 56
REJECTED, ACCEPTED, UNDECIDED = 0, 1, 2
_CLASSES = 16


class Candidates(NamedTuple):
    """Pores that may be placed.

    Attributes
    ----------
    corner : ndarray of int32, shape (n, 3)
        First voxel (z, y, x) of each tight box, absolute; z may be negative.
    shape : ndarray of int32, shape (n,)
        Row of the bank's `Shapes`.
    source : ndarray of int32, shape (n,)
        Row of the model's table of pores.
    opened : ndarray of bool, shape (n,)
        Cuts the surface.
    priority : ndarray of uint64, shape (n,)
        Smaller goes first; from `priorities`.
    """

    corner: NDArray[np.int32]
    shape: NDArray[np.int32]
    source: NDArray[np.int32]
    opened: NDArray[np.bool_]
    priority: NDArray[np.uint64]

    @property
    def count(self) -> int:
        """Number of candidates."""
        return len(self.shape)

    def select(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Candidates:
        """The candidates that a mask or an index picks."""
        return Candidates(*(column[which] for column in self))


def join_candidates(parts: list[Candidates]) -> Candidates:
    """The candidates of several slabs, one after the other."""
    return Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def size_classes(extents: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) smallest c for which no side of the box (n, 3) exceeds 2**c voxels."""
    longest = extents.max(axis=1).astype(np.int64)
    return np.asarray(np.ceil(np.log2(np.maximum(longest, 1))).astype(np.int64))


def priorities(
    extents: NDArray[np.int32], keys: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """(n,) priorities of pores with boxes (n, 3): larger classes first, then by random key (n,)."""
    rank = (_CLASSES - 1 - size_classes(extents)).astype(np.uint64)
    return (rank << np.uint64(KEY_BITS)) | (keys >> np.uint64(64 - KEY_BITS))


def decide(
    candidates: Candidates,
    extents: NDArray[np.int32],
    start: NDArray[np.int64],
    voxels: NDArray[np.uint8],
    *,
    seen: tuple[int, int],
    gap: int = 1,
) -> NDArray[np.int8]:
    """Accept, reject or leave open every candidate.

    Parameters
    ----------
    candidates
        All candidates of the slabs that were drawn.
    extents, start, voxels
        The bank's `Shapes`.
    seen
        Candidates with a voxel outside z in [seen[0], seen[1]) may have been missed.
    gap
        Two pores conflict if voxels of theirs are at most this many face steps apart; 1 is the
        least that keeps them apart under 6-connectivity.

    Returns
    -------
    ndarray of int8, shape (n,)
        `ACCEPTED`, `REJECTED` or `UNDECIDED`.
    """
    order = np.lexsort((candidates.source, *candidates.corner.T[::-1], candidates.priority))
    boxes = extents[candidates.shape]
    classes = size_classes(boxes) if len(boxes) else np.zeros(0, np.int64)
    return np.asarray(
        _decide(
            order,
            np.ascontiguousarray(candidates.corner),
            candidates.shape,
            np.ascontiguousarray(boxes),
            classes,
            start,
            voxels,
            seen,
            gap,
        )
    )


@njit(nogil=True, cache=True)
def _decide(order, corner, shape, boxes, classes, start, voxels, seen, gap):  # type: ignore[no-untyped-def]
    n = len(order)
    size = 16
    while size < 2 * n:
        size *= 2
    head = np.full(size, -1, np.int64)
    following = np.full(n, -1, np.int64)
    present = np.zeros(_CLASSES, np.bool_)
    state = np.zeros(n, np.int8)
    for i in order:
        found = ACCEPTED
        if corner[i, 0] - gap < seen[0] or corner[i, 0] + boxes[i, 0] + gap > seen[1]:
            found = UNDECIDED
        for c in range(_CLASSES):
            if present[c] and found != REJECTED:
                found = _meet(
                    i, c, found, corner, shape, boxes, start, voxels, state, head, following, gap,
                    classes,
                )
        state[i] = found
        if found != REJECTED:
            present[classes[i]] = True
            cell = _cell(
                classes[i],
                corner[i, 0] >> classes[i],
                corner[i, 1] >> classes[i],
                corner[i, 2] >> classes[i],
                size,
            )
            following[i] = head[cell]
            head[cell] = i
    return state


@njit(nogil=True, cache=True)
def _cell(c, z, y, x, size):  # type: ignore[no-untyped-def]
    mixed = (z * 73856093) ^ (y * 19349663) ^ (x * 83492791) ^ (c * 50331653)
    return (mixed ^ (mixed >> 15)) & (size - 1)


@njit(nogil=True, cache=True)
def _meet(i, c, found, corner, shape, boxes, start, voxels, state, head, following, gap, classes):  # type: ignore[no-untyped-def]
    # A pore of class c has no side over 2**c: those that reach this box begin in these cells.
    edge = 1 << c
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for k in range(3):
        low[k] = (corner[i, k] - gap - edge + 1) >> c
        high[k] = (corner[i, k] + boxes[i, k] - 1 + gap) >> c
    for z in range(low[0], high[0] + 1):
        for y in range(low[1], high[1] + 1):
            for x in range(low[2], high[2] + 1):
                j = head[_cell(c, z, y, x, len(head))]
                while j >= 0:
                    # An undecided neighbour tells nothing new to a pore that is undecided itself.
                    if (
                        classes[j] == c
                        and corner[j, 0] >> c == z
                        and corner[j, 1] >> c == y
                        and corner[j, 2] >> c == x
                        and not (state[j] == UNDECIDED and found == UNDECIDED)
                        and _touch(i, j, corner, shape, boxes, start, voxels, gap)
                    ):
                        if state[j] == ACCEPTED:
                            return REJECTED
                        found = UNDECIDED
                    j = following[j]
    return found


@njit(nogil=True, cache=True)
def _touch(i, j, corner, shape, boxes, start, voxels, gap):  # type: ignore[no-untyped-def]
    # Whether a voxel of j lies within `gap` face steps of a voxel of i.
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for k in range(3):
        low[k] = max(corner[i, k], corner[j, k] - gap) - corner[i, k]
        high[k] = min(corner[i, k] + boxes[i, k], corner[j, k] + boxes[j, k] + gap) - corner[i, k]
        if low[k] >= high[k]:
            return False
    first, second = start[shape[i]], start[shape[j]]
    dz, dy, dx = corner[i, 0] - corner[j, 0], corner[i, 1] - corner[j, 1], corner[i, 2] - corner[j, 2]
    for z in range(low[0], high[0]):
        for y in range(low[1], high[1]):
            row = first + (z * boxes[i, 1] + y) * boxes[i, 2]
            for x in range(low[2], high[2]):
                if voxels[row + x] and _near(
                    second, boxes[j, 0], boxes[j, 1], boxes[j, 2], voxels, z + dz, y + dy, x + dx, gap
                ):
                    return True
    return False


@njit(nogil=True, cache=True)
def _near(first, nz, ny, nx, voxels, z, y, x, gap):  # type: ignore[no-untyped-def]
    for a in range(max(z - gap, 0), min(z + gap + 1, nz)):
        left = gap - abs(a - z)
        for b in range(max(y - left, 0), min(y + left + 1, ny)):
            rest = left - abs(b - y)
            row = first + (a * ny + b) * nx
            for c in range(max(x - rest, 0), min(x + rest + 1, nx)):
                if voxels[row + c]:
                    return True
    return False
