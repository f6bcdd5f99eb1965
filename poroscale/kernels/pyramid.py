"""One level of a pyramid from the level below it: every voxel stands for 2 x 2 x 2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PYRAMIDS = ("mean", "max")


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
    for axis in range(3):
        if block.shape[axis] % 2:
            widths = [(0, int(a == axis)) for a in range(3)]
            block = np.pad(block, widths, mode="edge")
    nz, ny, nx = (n // 2 for n in block.shape)
    if how == "max":
        return _pairwise(block, np.maximum)
    wide = block.astype(np.float64 if block.dtype.kind == "f" else np.int64)
    total = _pairwise(wide, np.add)
    if block.dtype.kind == "f":
        return (total / 8).astype(block.dtype)
    return ((total + 4) >> 3).astype(block.dtype).reshape(nz, ny, nx)


def _pairwise(block: NDArray[Any], join: np.ufunc) -> NDArray[Any]:
    for axis in range(3):
        first = [slice(None)] * 3
        second = [slice(None)] * 3
        first[axis], second[axis] = slice(0, None, 2), slice(1, None, 2)
        block = join(block[tuple(first)], block[tuple(second)])
    return block
