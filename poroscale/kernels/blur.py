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
    return _along_x(_along_y(_along_z(block, weights), weights), weights)


@njit(nogil=True, cache=True)
def _along_z(block, weights):  # type: ignore[no-untyped-def]
    taps = len(weights)
    out = np.zeros((block.shape[0] - taps + 1, block.shape[1], block.shape[2]), np.float32)
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            row = out[z, y]
            for k in range(taps):
                weight = weights[k]
                source = block[z + k, y]
                for x in range(row.shape[0]):
                    row[x] += weight * source[x]
    return out


@njit(nogil=True, cache=True)
def _along_y(block, weights):  # type: ignore[no-untyped-def]
    taps = len(weights)
    out = np.zeros((block.shape[0], block.shape[1] - taps + 1, block.shape[2]), np.float32)
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            row = out[z, y]
            for k in range(taps):
                weight = weights[k]
                source = block[z, y + k]
                for x in range(row.shape[0]):
                    row[x] += weight * source[x]
    return out


@njit(nogil=True, cache=True)
def _along_x(block, weights):  # type: ignore[no-untyped-def]
    taps = len(weights)
    out = np.zeros((block.shape[0], block.shape[1], block.shape[2] - taps + 1), np.float32)
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            row = out[z, y]
            source = block[z, y]
            for k in range(taps):
                weight = weights[k]
                for x in range(row.shape[0]):
                    row[x] += weight * source[x + k]
    return out
