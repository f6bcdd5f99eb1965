"""Scores as levels: the values that a stored score can take, ascending, and how often each occurs.

A score lies in [0, 1] and is stored as uint8 (score = value / 255), as float16, or as bool. Each
of these has few enough values to count every one, so that whatever follows from the order of the
scores is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

HALF_ONE = 0x3C00
"""The bits of 1.0 as float16; those of smaller positive numbers are in the order of the numbers."""
HALF_MINUS_ZERO = 0x8000

SCORE_TYPES = ("bool", "uint8", "float16")


def holds_scores(dtype: np.dtype[Any]) -> bool:
    """True if voxels of this type can be scores."""
    return dtype.name in SCORE_TYPES


def level_values(dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """The score of every level, ascending: 2 of bool, 256 of uint8, 15,361 of float16."""
    if dtype.kind == "b":
        return np.array([0.0, 1.0])
    if dtype.kind == "u":
        return np.arange(256) / 255
    return np.arange(HALF_ONE + 1, dtype=np.uint16).view(np.float16).astype(np.float64)


def score_levels(scores: NDArray[Any]) -> NDArray[Any]:
    """The level of every voxel, uint8 or uint16; what is no number in [0, 1] is one level above."""
    if scores.dtype.kind != "f":
        return scores.view(np.uint8)
    bits = np.ascontiguousarray(scores).view(np.uint16)
    levels = np.where(bits > HALF_ONE, np.uint16(HALF_ONE + 1), bits)
    levels[bits == HALF_MINUS_ZERO] = 0
    return levels


def count_invalid(scores: NDArray[Any]) -> int:
    """Number of voxels that are no number in [0, 1]."""
    if scores.dtype.kind != "f":
        return 0
    return int(np.count_nonzero(score_levels(scores) > HALF_ONE))


def count_scores(
    scores: NDArray[Any], pore: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Counts of each level among the voxels inside, separately for solid and pore.

    Parameters
    ----------
    scores
        bool, uint8 or float16.
    pore, inside
        bool of the same shape.

    Returns
    -------
    ndarray of int64, shape (2, levels + 1)
        Of solid voxels, and of pore voxels; the last column counts what is no number in [0, 1].
    """
    counts = np.zeros((2, len(level_values(scores.dtype)) + 1), np.int64)
    _count(score_levels(scores).ravel(), pore.ravel(), inside.ravel(), counts)
    return counts


@njit(nogil=True, cache=True)
def _count(levels, pore, inside, counts):  # type: ignore[no-untyped-def]
    for i in range(levels.size):
        if inside[i]:
            counts[1 if pore[i] else 0, levels[i]] += 1


def level_of_score(score: float, dtype: np.dtype[Any]) -> int:
    """The lowest level whose score is not below `score`: levels from it on are at least it."""
    return int(np.searchsorted(level_values(dtype), score, side="left"))
