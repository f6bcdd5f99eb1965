"""One level of a pyramid from the level below it: every voxel stands for 2 x 2 x 2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PYRAMIDS = ("mean", "max")
LAYERS = 8


def coarsen(block: NDArray[Any], *, how: str) -> NDArray[Any]:
    """Halve a block along each axis; an odd last layer is counted twice.

    Parameters
    ----------
    block
        (nz, ny, nx).
    how
        "mean" for grey values, integers rounded half up; "max" for phases and masks, so that
        no pore vanishes.

    Returns
    -------
    ndarray
        The shape halved and rounded up, dtype unchanged.
    """
    if how not in PYRAMIDS:
        raise ValueError(f"pyramid must be mean or max, got {how!r}")
    nz, ny, nx = (-(-n // 2) for n in block.shape)
    coarse = np.empty((nz, ny, nx), block.dtype)
    for z in range(0, nz, LAYERS):  # the wide sums of a few layers at a time, not of the block
        coarse[z : z + LAYERS] = _coarsen_layers(block[2 * z : 2 * (z + LAYERS)], how)
    return coarse


def _coarsen_layers(block: NDArray[Any], how: str) -> NDArray[Any]:
    if any(n % 2 for n in block.shape):
        block = np.pad(block, [(0, n % 2) for n in block.shape], mode="edge")
    if how == "max":
        return _pairwise(block, np.maximum)
    integer = np.int32 if block.dtype.itemsize < 4 else np.int64
    wide = np.float64 if block.dtype.kind == "f" else integer
    total = _pairwise(block.astype(wide), np.add)
    if block.dtype.kind == "f":
        return (total / 8).astype(block.dtype)
    return ((total + 4) >> 3).astype(block.dtype)


def _pairwise(block: NDArray[Any], join: np.ufunc) -> NDArray[Any]:
    for axis in range(3):
        first = [slice(None)] * 3
        second = [slice(None)] * 3
        first[axis], second[axis] = slice(0, None, 2), slice(1, None, 2)
        block = join(block[tuple(first)], block[tuple(second)])
    return block
