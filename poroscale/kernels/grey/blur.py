"""Separable blur of a block whose halo is cut off: the same bytes for any block.

Every voxel is the sum of its neighbours in one fixed order of single-precision multiplications
and additions, so that where a block begins cannot change the last bit. The loops run over the
contiguous axis, where the compiler may work on several voxels at once without reordering a sum.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def gaussian_weights(sigma: float, *, truncate: float = 3.0) -> NDArray[np.float32]:
    """Sampled Gaussian of `sigma` voxels, of odd length and unit sum; [1] for sigma 0."""
    if sigma < 0:
        raise ValueError(f"sigma must be zero or positive, got {sigma}")
    radius = int(np.ceil(truncate * sigma))
    offsets = np.arange(-radius, radius + 1, dtype=np.float64)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2) if sigma > 0 else np.ones(1)
    return (weights / weights.sum()).astype(np.float32)


def blur(block: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlate a block with the same weights along z, y and x, without padding.

    Parameters
    ----------
    block : ndarray of float32, shape (nz, ny, nx)
        Block with its halo of ``len(weights) // 2`` voxels on every side.
    weights : ndarray of float32, odd length n

    Returns
    -------
    ndarray of float32, shape (nz - n + 1, ny - n + 1, nx - n + 1)
    """
    if len(weights) == 1:
        return block * weights[0]
    nz, ny, nx = (n - len(weights) + 1 for n in block.shape)
    out = np.empty((nz, ny, nx), np.float32)
    plane = np.empty(block.shape[1:], np.float32)
    _blur(block, weights, plane, out)
    return out


TILE = (16, 16, 32)
"""Voxels of the pieces into which a mask is cut, that only those with an edge are blurred."""


def blur_mask(mask: NDArray[np.bool_], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """`blur` of a mask that is 0 or 1: the same bytes, in less time.

    Most of a mask is far from its edge. There the result is 0, or the sum of the weights as `blur`
    rounds it.
    """
    if len(weights) == 1:
        return mask * weights[0]
    out = np.empty(tuple(n - len(weights) + 1 for n in mask.shape), np.float32)
    _blur_mask(np.ascontiguousarray(mask).view(np.uint8), weights, TILE, out)
    return out


@njit(nogil=True, cache=True)
def _blur_mask(mask, weights, tile, out):  # type: ignore[no-untyped-def]
    more = len(weights) - 1
    dz, dy, dx = tile
    piece = np.empty((dz + more, dy + more, dx + more), np.float32)
    plane = np.empty((dy + more, dx + more), np.float32)
    full = np.empty((1, 1, 1), np.float32)
    _blur(np.ones((more + 1, more + 1, more + 1), np.float32), weights, plane, full)
    nz, ny, nx = out.shape
    for z in range(0, nz, dz):
        for y in range(0, ny, dy):
            for x in range(0, nx, dx):
                here = out[z : z + dz, y : y + dy, x : x + dx]
                a, b, c = here.shape
                source = mask[z : z + a + more, y : y + b + more, x : x + c + more]
                if _is_uniform(source):
                    here[:] = full[0, 0, 0] if source[0, 0, 0] else np.float32(0)
                    continue
                known = piece[: a + more, : b + more, : c + more]
                _copy(source, known)
                _blur(known, weights, plane[: b + more, : c + more], here)


# A loop: an assignment of slices takes ten times as long when compiled.
@njit(nogil=True, cache=True)
def _copy(source, out):  # type: ignore[no-untyped-def]
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                out[z, y, x] = source[z, y, x]


@njit(nogil=True, cache=True)
def _is_uniform(mask):  # type: ignore[no-untyped-def]
    first = mask[0, 0, 0]
    for z in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            row, other = mask[z, y], np.uint8(0)
            for x in range(row.shape[0]):
                other |= row[x] ^ first
            if other:
                return False
    return True


# One plane after another: what lies between the three axes stays in the processor's cache, and
# no array but the result is as large as the block.
@njit(nogil=True, cache=True)
def _blur(block, weights, plane, out):  # type: ignore[no-untyped-def]
    taps, line = len(weights), np.empty(block.shape[2], np.float32)
    for z in range(out.shape[0]):
        for y in range(block.shape[1]):
            _sum_of_rows(block[z : z + taps, y], weights, plane[y])
        for y in range(out.shape[1]):
            _sum_of_rows(plane[y : y + taps], weights, line)
            row = out[z, y]
            for x in range(row.shape[0]):
                row[x] = 0
            for k in range(taps):
                weight = weights[k]
                for x in range(row.shape[0]):
                    row[x] += weight * line[x + k]


@njit(nogil=True, cache=True, inline="always")
def _sum_of_rows(rows, weights, out):  # type: ignore[no-untyped-def]
    for x in range(out.shape[0]):
        out[x] = 0
    for k in range(len(weights)):
        weight = weights[k]
        row = rows[k]
        for x in range(out.shape[0]):
            out[x] += weight * row[x]
