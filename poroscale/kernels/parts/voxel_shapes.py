"""The voxels of many pores in three flat arrays, so that numba can take them.

A pore is stored in its tight box, one byte a voxel; boxes lie one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Mask = NDArray[np.bool_] | NDArray[np.uint8]


class Shapes(NamedTuple):
    """The voxels of n pores.

    Attributes
    ----------
    extents : ndarray of int32, shape (n, 3)
        Voxels of each tight box (z, y, x).
    start : ndarray of int64, shape (n + 1,)
        First byte of each box in `voxels`.
    voxels : ndarray of uint8
        The boxes one after the other, C order, 1 in the pore.
    """

    extents: NDArray[np.int32]
    start: NDArray[np.int64]
    voxels: NDArray[np.uint8]

    @classmethod
    def of(cls, masks: Iterable[Mask]) -> Shapes:
        """The shapes of masks; each is cut to the tight box of its voxels.

        Raises
        ------
        ValueError
            If a mask is empty.
        """
        tight = [_tight(np.asarray(mask, np.uint8)) for mask in masks]
        extents = np.array([mask.shape for mask in tight], np.int32).reshape(-1, 3)
        flat = [mask.ravel() for mask in tight]
        return cls(extents, _starts(extents), np.concatenate([np.zeros(0, np.uint8), *flat]))

    @property
    def size(self) -> int:
        """Number of pores."""
        return len(self.extents)

    def mask(self, row: int) -> NDArray[np.uint8]:
        """The box of pore `row`, 1 in the pore."""
        part = self.voxels[self.start[row] : self.start[row + 1]]
        return part.reshape(tuple(self.extents[row]))

    def take(self, rows: NDArray[np.int64]) -> Shapes:
        """The shapes of some rows, in their order."""
        extents = self.extents[rows]
        start = _starts(extents)
        voxels = np.empty(int(start[-1]), np.uint8)
        _copy_boxes(self.voxels, self.start[rows], start, voxels)
        return Shapes(np.ascontiguousarray(extents), start, voxels)

    def voxel_counts(self) -> NDArray[np.int64]:
        """(n,) voxels of each pore."""
        sums = np.concatenate([[0], np.cumsum(self.voxels, dtype=np.int64)])
        return np.asarray(sums[self.start[1:]] - sums[self.start[:-1]])


def join(parts: Sequence[Shapes]) -> Shapes:
    """The shapes of several, one after the other."""
    extents = np.concatenate([np.zeros((0, 3), np.int32), *(part.extents for part in parts)])
    voxels = np.concatenate([np.zeros(0, np.uint8), *(part.voxels for part in parts)])
    return Shapes(extents, _starts(extents), voxels)


def pack(shapes: Shapes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Eight voxels a byte: the bytes, and the first byte of each pore, shape (n + 1,)."""
    sizes = -(-np.diff(shapes.start) // 8)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    packed = np.zeros(int(offsets[-1]), np.uint8)
    _pack(shapes.voxels, shapes.start, offsets, packed)
    return packed, offsets


def unpack(
    packed: NDArray[np.uint8], offsets: NDArray[np.int64], extents: NDArray[np.int32]
) -> Shapes:
    """The shapes that `pack` packed.

    Raises
    ------
    ValueError
        If the bytes of a pore do not fit its box.
    """
    start = _starts(extents)
    if not np.array_equal(np.diff(offsets), -(-np.diff(start) // 8)):
        raise ValueError("packed voxels must fill the boxes of their pores")
    voxels = np.empty(int(start[-1]), np.uint8)
    _unpack(packed, offsets, start, voxels)
    return Shapes(np.ascontiguousarray(extents, np.int32), start, voxels)


def moments(shapes: Shapes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Voxels (n,), sums of indices (n, 3) and of products zz, yy, xx, zy, zx, yx (n, 6)."""
    count = np.zeros(shapes.size, np.int64)
    sums = np.zeros((shapes.size, 3), np.int64)
    seconds = np.zeros((shapes.size, 6), np.int64)
    _moments(shapes.extents, shapes.start, shapes.voxels, count, sums, seconds)
    return count, sums, seconds


def _starts(extents: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.prod(extents, axis=1, dtype=np.int64))])


def _tight(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    where = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not len(where[0]):
        raise ValueError("a pore must have a voxel, got an empty mask")
    return np.ascontiguousarray(mask[tuple(slice(w[0], w[-1] + 1) for w in where)] != 0).view(
        np.uint8
    )


@njit(nogil=True, cache=True)
def _copy_boxes(source, first, start, out):  # type: ignore[no-untyped-def]
    for i in range(len(first)):
        for k in range(start[i + 1] - start[i]):
            out[start[i] + k] = source[first[i] + k]


@njit(nogil=True, cache=True)
def _pack(voxels, start, offsets, out):  # type: ignore[no-untyped-def]
    for i in range(len(offsets) - 1):
        for k in range(start[i + 1] - start[i]):
            if voxels[start[i] + k]:
                out[offsets[i] + k // 8] |= np.uint8(128 >> (k % 8))


@njit(nogil=True, cache=True)
def _unpack(packed, offsets, start, out):  # type: ignore[no-untyped-def]
    for i in range(len(offsets) - 1):
        for k in range(start[i + 1] - start[i]):
            out[start[i] + k] = (packed[offsets[i] + k // 8] >> (7 - k % 8)) & 1


@njit(nogil=True, cache=True)
def _moments(extents, start, voxels, count, sums, seconds):  # type: ignore[no-untyped-def]
    for i in range(len(extents)):
        k = start[i]
        for z in range(extents[i, 0]):
            for y in range(extents[i, 1]):
                for x in range(extents[i, 2]):
                    if voxels[k]:
                        count[i] += 1
                        sums[i, 0] += z
                        sums[i, 1] += y
                        sums[i, 2] += x
                        seconds[i, 0] += z * z
                        seconds[i, 1] += y * y
                        seconds[i, 2] += x * x
                        seconds[i, 3] += z * y
                        seconds[i, 4] += z * x
                        seconds[i, 5] += y * x
                    k += 1
