"""Choice of candidate pores that can stand beside each other, decided once for every window.

Candidates are taken in the order of their priority: larger pores first, then by a random key. One
is accepted exactly when it conflicts with no accepted candidate of earlier priority. This decision
is a property of the whole, unbounded process. A window that knows only some slabs of it can tell
it for most candidates, and knows which it cannot tell: those that a candidate it has not seen may
precede, and those in conflict with an undecided earlier one. Such a window must grow.

Pores are looked up in one grid per size class. A single grid with cells of twice the largest pore
would hold thousands of small ones in a cell.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

SLAB = 64
"""Voxel layers of a slab: slab k covers z in [64 k, 64 k + 64). Part of the process itself."""
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
    def size(self) -> int:
        """Number of candidates."""
        return len(self.shape)

    def select(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Candidates:
        """The candidates that a mask or an index picks."""
        return Candidates._make(column[which] for column in self)


class Spacing(NamedTuple):
    """Smallest distances at which two pores may stand.

    Attributes
    ----------
    gap
        Thickness [voxel] of the solid that is always left between them, from voxel face to voxel
        face; 0 keeps them apart under 6-connectivity and no more.
    wide, chance
        A wider gap [voxel], and the share of the pairs that keep it. A pair's lot comes from its
        two random keys, so that it is the same in every window.
    """

    gap: float = 0.0
    wide: float = 0.0
    chance: float = 0.0


TOUCHING = Spacing()


def join_candidates(parts: list[Candidates]) -> Candidates:
    """The candidates of several slabs, one after the other."""
    return Candidates._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def size_classes(extents: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) smallest c for which no side of the box (n, 3) exceeds 2**c voxels."""
    longest = extents.max(axis=1).astype(np.int64)
    return np.asarray(np.ceil(np.log2(np.maximum(longest, 1))).astype(np.int64))


def priorities(extents: NDArray[np.int32], keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
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
    spacing: Spacing = TOUCHING,
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
    spacing
        Two pores conflict if they share a voxel or a voxel's face, or if the solid between them is
        thinner than this.

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
            candidates.priority,
            (float(spacing.gap), max(float(spacing.wide), float(spacing.gap)), spacing.chance),
        )
    )


@njit(nogil=True, cache=True)
def _decide(order, corner, shape, boxes, classes, start, voxels, seen, keys, spacing):  # type: ignore[no-untyped-def]
    n = len(order)
    size = 16
    while size < 2 * n:
        size *= 2
    head = np.full(size, -1, np.int64)
    following = np.full(n, -1, np.int64)
    present = np.zeros(_CLASSES, np.bool_)
    state = np.zeros(n, np.int8)
    reach = _reach(spacing[1])
    for i in order:
        found = ACCEPTED
        if corner[i, 0] - reach < seen[0] or corner[i, 0] + boxes[i, 0] + reach > seen[1]:
            found = UNDECIDED
        for c in range(_CLASSES):
            if present[c] and found != REJECTED:
                found = _meet(
                    i,
                    c,
                    found,
                    corner,
                    shape,
                    boxes,
                    start,
                    voxels,
                    state,
                    head,
                    following,
                    keys,
                    spacing,
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
def _gap_of(i, j, keys, spacing):  # type: ignore[no-untyped-def]
    # The gap that this pair keeps: the same for (i, j) and (j, i).
    if spacing[2] <= 0.0:
        return spacing[0]
    mixed = keys[i] ^ keys[j]
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    lot = float(mixed >> np.uint64(11)) / 9007199254740992.0
    return spacing[1] if lot < spacing[2] else spacing[0]


@njit(nogil=True, cache=True)
def _meet(  # type: ignore[no-untyped-def]
    i, c, found, corner, shape, boxes, start, voxels, state, head, following, keys, spacing, classes
):
    # A pore of class c has no side over 2**c: those that reach this box begin in these cells.
    edge, reach = 1 << c, _reach(spacing[1])
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for k in range(3):
        low[k] = (corner[i, k] - reach - edge + 1) >> c
        high[k] = (corner[i, k] + boxes[i, k] - 1 + reach) >> c
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
                        and _touch(
                            i, j, corner, shape, boxes, start, voxels, _gap_of(i, j, keys, spacing)
                        )
                    ):
                        if state[j] == ACCEPTED:
                            return REJECTED
                        found = UNDECIDED
                    j = following[j]
    return found


@njit(nogil=True, cache=True)
def _touch(i, j, corner, shape, boxes, start, voxels, gap):  # type: ignore[no-untyped-def]
    # Whether a voxel of j lies too near to a voxel of i.
    reach = _reach(gap)
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for k in range(3):
        low[k] = max(corner[i, k], corner[j, k] - reach) - corner[i, k]
        high[k] = min(corner[i, k] + boxes[i, k], corner[j, k] + boxes[j, k] + reach) - corner[i, k]
        if low[k] >= high[k]:
            return False
    first, second = start[shape[i]], start[shape[j]]
    dz, dy, dx = (
        corner[i, 0] - corner[j, 0],
        corner[i, 1] - corner[j, 1],
        corner[i, 2] - corner[j, 2],
    )
    for z in range(low[0], high[0]):
        for y in range(low[1], high[1]):
            row = first + (z * boxes[i, 1] + y) * boxes[i, 2]
            for x in range(low[2], high[2]):
                if voxels[row + x] and _near(
                    second,
                    boxes[j, 0],
                    boxes[j, 1],
                    boxes[j, 2],
                    voxels,
                    z + dz,
                    y + dy,
                    x + dx,
                    gap,
                ):
                    return True
    return False


@njit(nogil=True, cache=True)
def _near(first, nz, ny, nx, voxels, z, y, x, gap):  # type: ignore[no-untyped-def]
    # Whether a voxel of the box shares a face with this one, or leaves less solid than the gap.
    reach = _reach(gap)
    for a in range(max(z - reach, 0), min(z + reach + 1, nz)):
        dz = abs(a - z)
        for b in range(max(y - reach, 0), min(y + reach + 1, ny)):
            dy = abs(b - y)
            row = first + (a * ny + b) * nx
            between = max(dz - 1, 0) ** 2 + max(dy - 1, 0) ** 2
            for c in range(max(x - reach, 0), min(x + reach + 1, nx)):
                if voxels[row + c]:
                    dx = abs(c - x)
                    if dz + dy + dx <= 1 or between + max(dx - 1, 0) ** 2 < gap * gap:
                        return True
    return False


@njit(nogil=True, cache=True)
def _reach(gap):  # type: ignore[no-untyped-def]
    # Voxels along an axis at which another one can be too near: ceil(gap) of solid between them.
    return int(math.ceil(gap)) if gap > 1.0 else 1
