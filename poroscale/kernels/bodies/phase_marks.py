"""Marks of the voxels of phases that are pore, and of those beside the outside; values in use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def mark_beside(block: NDArray[Any], phase: int, other: int | None) -> NDArray[np.uint8]:
    """1 where a voxel is `phase`, 2 where one of its faces is at the phase `other`, else 0.

    Parameters
    ----------
    block
        Integers or booleans (z + 2, y + 2, x + 2): the block with one voxel around it.
    phase, other
        Values in the block; None for `other` marks nothing.

    Returns
    -------
    ndarray
        uint8 (z, y, x).
    """
    block = np.ascontiguousarray(block)
    if block.dtype == np.bool_:
        block = block.view(np.uint8)
    marks = np.empty(tuple(n - 2 for n in block.shape), np.uint8)
    if other is None or not (holds(block.dtype, phase) and holds(block.dtype, other)):
        np.equal(block[1:-1, 1:-1, 1:-1], phase, out=marks.view(np.bool_))
    else:
        _mark(block, block.dtype.type(phase), block.dtype.type(other), marks)
    return marks


def holds(dtype: np.dtype[Any], value: int) -> bool:
    """True if `value` is one of an integer or boolean `dtype`."""
    if dtype.kind == "b":
        return value in (0, 1)
    return bool(np.iinfo(dtype).min <= value <= np.iinfo(dtype).max)


def bytes_present(block: NDArray[Any]) -> NDArray[np.bool_]:
    """True for each of the values 0 to 255 that occurs in a block of one byte a voxel; (256,)."""
    flat = np.ascontiguousarray(block).reshape(-1).view(np.uint8)
    found = np.zeros(256, np.bool_)
    _note(flat, flat[: flat.size // 8 * 8].view(np.uint64), found)
    return found


@njit(nogil=True, cache=True)
def _mark(block, phase, other, marks):  # type: ignore[no-untyped-def]
    nz, ny, nx = marks.shape
    for z in range(1, nz + 1):
        for y in range(1, ny + 1):
            row, out = block[z, y], marks[z - 1, y - 1]
            below, above = block[z - 1, y], block[z + 1, y]
            front, back = block[z, y - 1], block[z, y + 1]
            for x in range(1, nx + 1):
                beside = (below[x] == other) | (above[x] == other)
                beside |= (front[x] == other) | (back[x] == other)
                beside |= (row[x - 1] == other) | (row[x + 1] == other)
                out[x - 1] = np.uint8(row[x] == phase) * (np.uint8(1) + np.uint8(beside))


@njit(nogil=True, cache=True)
def _note(flat, words, found):  # type: ignore[no-untyped-def]
    """Eight voxels that are those before them are passed over at once."""
    before = words[0] if words.size else np.uint64(0)
    for k in range(words.size):
        if k and words[k] == before:
            continue
        before = words[k]
        for i in range(8 * k, 8 * k + 8):
            found[flat[i]] = True
    for i in range(8 * words.size, flat.size):
        found[flat[i]] = True
