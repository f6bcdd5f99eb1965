"""Basins of a block: each voxel belongs to the minimum to which steepest descent leads it.

Voxels are ordered by their key, equal keys by their place in memory, so that every plateau has a
lowest voxel. At the level of its own key a voxel is connected to its minimum. The components of
all sub-level sets therefore follow from the minima and from the voxels that touch two basins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

PORT, BORDER = 1, 2
"""Marks of a voxel: it is a minimum of a face that is shared with another block, or of one where
the volume ends."""
EARLIER_26 = np.array([[z, y, x] for z in (-1, 0) for y in (-1, 0, 1) for x in (-1, 0, 1)][:13])
EARLIER_6 = np.array([[-1, 0, 0], [0, -1, 0], [0, 0, -1]])
"""Steps to the neighbours that come before a voxel in memory."""

Faces = tuple[tuple[bool, bool], tuple[bool, bool], tuple[bool, bool]]
"""For each axis (z, y, x): does this hold at the first and at the last face?"""
NO_FACES: Faces = ((False, False),) * 3


def find_basins(keys: NDArray[Any], *, wide: bool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The basins of a block.

    Parameters
    ----------
    keys
        (nz, ny, nx) integers as `order_keys` gives them, fewer than 2³¹ voxels.
    wide
        True for 26 neighbours, False for 6; in a block one voxel thick 8 and 4.

    Returns
    -------
    labels, minima
        int32 (voxels,) basin of each voxel; int32 flat index of the minimum of each basin, in scan
        order.
    """
    labels = np.empty(keys.size, np.int32)
    (_descend_26 if wide else _descend_6)(keys, labels)
    minima = np.empty(_climb_down(labels), np.int32)
    _number(labels, minima)
    return labels, minima


def find_seams(
    keys: NDArray[Any], labels: NDArray[np.int32], *, wide: bool
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Pairs of basins that touch, and the lowest key at which they do.

    Returns
    -------
    first, second, level
        int32 (m,), int32 (m,) and int64 (m,), in no order.
    """
    code, level = _seams(keys, labels, EARLIER_26 if wide else EARLIER_6)
    first, second = code >> 32, code & 0xFFFFFFFF
    return first.astype(np.int32), second.astype(np.int32), level


def mark_faces(
    keys: NDArray[Any], marks: NDArray[np.uint8], *, faces: Faces, wide: bool, mark: int
) -> None:
    """Set `mark` at the minima of those faces of a block that `faces` names.

    On a face every voxel descends within the face to one of its minima. So two blocks that share
    the face are joined by its minima alone, and both see the same ones.
    """
    strides = (keys.shape[1] * keys.shape[2], keys.shape[2], 1)
    flat = keys.reshape(-1)
    for axis, ends in enumerate(faces):
        i, j = (other for other in range(3) if other != axis)
        for place, wanted in zip((0, keys.shape[axis] - 1), ends, strict=True):
            if wanted:
                plane = np.array(
                    [place * strides[axis], keys.shape[i], strides[i], keys.shape[j], strides[j]]
                )
                _mark_plane(flat, marks, plane, wide, mark)


@njit(nogil=True, cache=True)
def _mark_plane(flat, marks, plane, wide, mark):  # type: ignore[no-untyped-def]
    start, ni, si, nj, sj = plane
    for i in range(ni):
        for j in range(nj):
            here = start + i * si + j * sj
            lowest = True
            for di in range(-1 if i > 0 else 0, 2 if i < ni - 1 else 1):
                for dj in range(-1 if j > 0 else 0, 2 if j < nj - 1 else 1):
                    if (di == 0 and dj == 0) or (not wide and di != 0 and dj != 0):
                        continue
                    there = here + di * si + dj * sj
                    earlier = di < 0 or (di == 0 and dj < 0)
                    if flat[there] < flat[here] or (earlier and flat[there] == flat[here]):
                        lowest = False
            if lowest:
                marks[here] |= mark


@njit(nogil=True, cache=True)
def _descend_26(keys, labels):  # type: ignore[no-untyped-def]
    """Lowest of the 27 voxels around each: that of three along x, of those along y, along z."""
    nz, ny, nx = keys.shape
    flat = keys.reshape(-1)
    layer = ny * nx
    ahead = np.empty((3, layer), np.int32)  # lowest of 3 x 3 in three layers, taken in turn
    row = np.empty((3, nx), np.int32)
    for z in range(nz + 1):
        if z < nz:
            _lowest_of_layer(flat, z * layer, ny, nx, row, ahead[z % 3])
        if z == 0:
            continue
        here = ahead[(z - 1) % 3]
        for i in range(layer):
            best = here[i]
            if z > 1:
                other = ahead[(z - 2) % 3][i]
                if flat[other] <= flat[best]:
                    best = other
            if z < nz:
                other = ahead[z % 3][i]
                if flat[other] < flat[best]:
                    best = other
            labels[(z - 1) * layer + i] = best


@njit(nogil=True, cache=True)
def _lowest_of_layer(flat, start, ny, nx, row, out):  # type: ignore[no-untyped-def]
    for y in range(ny + 1):
        if y < ny:
            first = start + y * nx
            for x in range(nx):
                best = first + x
                if x > 0 and flat[best - 1] <= flat[best]:
                    best -= 1
                if x < nx - 1 and flat[first + x + 1] < flat[best]:
                    best = first + x + 1
                row[y % 3, x] = best
        if y == 0:
            continue
        for x in range(nx):
            best = row[(y - 1) % 3, x]
            if y > 1:
                other = row[(y - 2) % 3, x]
                if flat[other] <= flat[best]:
                    best = other
            if y < ny:
                other = row[y % 3, x]
                if flat[other] < flat[best]:
                    best = other
            out[(y - 1) * nx + x] = best


@njit(nogil=True, cache=True)
def _descend_6(keys, labels):  # type: ignore[no-untyped-def]
    nz, ny, nx = keys.shape
    flat = keys.reshape(-1)
    i = -1
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                i += 1
                best = i
                if x > 0 and flat[i - 1] <= flat[best]:
                    best = i - 1
                if y > 0 and flat[i - nx] <= flat[best]:
                    best = i - nx
                if z > 0 and flat[i - ny * nx] <= flat[best]:
                    best = i - ny * nx
                if x < nx - 1 and flat[i + 1] < flat[best]:
                    best = i + 1
                if y < ny - 1 and flat[i + nx] < flat[best]:
                    best = i + nx
                if z < nz - 1 and flat[i + ny * nx] < flat[best]:
                    best = i + ny * nx
                labels[i] = best


@njit(nogil=True, cache=True)
def _climb_down(labels):  # type: ignore[no-untyped-def]
    """Point every voxel to its minimum; the number of minima."""
    count = 0
    for i in range(labels.size):
        root = i
        while labels[root] != root:
            root = labels[root]
        if root == i:
            count += 1
        here = i
        while labels[here] != root:
            following = labels[here]
            labels[here] = root
            here = following
    return count


@njit(nogil=True, cache=True)
def _number(labels, minima):  # type: ignore[no-untyped-def]
    """Number the basins in scan order of their minima."""
    found = 0
    for i in range(labels.size):
        if labels[i] == i:
            minima[found] = i
            labels[i] = -1 - found
            found += 1
    for i in range(labels.size):
        if labels[i] >= 0:
            labels[i] = labels[labels[i]]
    for i in range(labels.size):
        labels[i] = -1 - labels[i]


@njit(nogil=True, cache=True)
def _seams(keys, labels, steps):  # type: ignore[no-untyped-def]
    """A hash table from the pair of basins, as one number, to the lowest level."""
    nz, ny, nx = keys.shape
    flat = keys.reshape(-1)
    pairs, levels = np.full(1024, -1, np.int64), np.empty(1024, np.int64)
    used, last, last_level = 0, np.int64(-1), np.int64(0)
    for z in range(nz):
        for y in range(ny):
            for dz, dy, dx in steps:
                if z + dz < 0 or y + dy < 0 or y + dy >= ny:
                    continue
                first = (z * ny + y) * nx
                step = (dz * ny + dy) * nx + dx
                for here in range(first + max(0, -dx), first + nx - max(0, dx)):
                    a, b = labels[here], labels[here + step]
                    if a == b:
                        continue
                    level = np.int64(max(flat[here], flat[here + step]))
                    pair = (np.int64(min(a, b)) << 32) | np.int64(max(a, b))
                    if pair == last and level >= last_level:
                        continue
                    at = _slot(pairs, pair)
                    if pairs[at] < 0:
                        pairs[at], levels[at] = pair, level
                        used += 1
                    elif level < levels[at]:
                        levels[at] = level
                    last, last_level = pair, levels[at]
                    if 2 * used > pairs.size:
                        pairs, levels = _enlarged(pairs, levels)
    filled = np.flatnonzero(pairs >= 0)
    return pairs[filled], levels[filled]


@njit(nogil=True, cache=True)
def _slot(pairs, pair):  # type: ignore[no-untyped-def]
    """Where a pair stands in the table, or where it belongs."""
    mixed = np.uint64(pair) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64((mixed >> np.uint64(32)) & np.uint64(pairs.size - 1))
    while pairs[at] >= 0 and pairs[at] != pair:
        at = (at + 1) & (pairs.size - 1)
    return at


@njit(nogil=True, cache=True)
def _enlarged(pairs, levels):  # type: ignore[no-untyped-def]
    more, of_more = np.full(4 * pairs.size, -1, np.int64), np.empty(4 * pairs.size, np.int64)
    for i in range(pairs.size):
        if pairs[i] >= 0:
            at = _slot(more, pairs[i])
            more[at], of_more[at] = pairs[i], levels[i]
    return more, of_more
