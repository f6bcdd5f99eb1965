"""The phase of each voxel from scores: which has the largest, biases added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray


def largest_phases(
    scores: NDArray[np.float32], biases: Sequence[float | NDArray[np.float32]]
) -> NDArray[np.uint8]:
    """uint8 phases (z, y, x) of scores (z, y, x, n); of equal ones the first.

    Parameters
    ----------
    scores
        float32.
    biases
        What is added to the scores of each phase: a number, or an array that broadcasts to (z, y,
        x).
    """
    shape = scores.shape[:3]
    added = [np.broadcast_to(np.asarray(each, np.float32), shape) for each in biases]
    best = np.empty(shape, np.float32)
    phases = np.zeros(shape, np.uint8)
    for code, bias in enumerate(added):
        _take(scores, code, bias, best, phases)
    return phases


@njit(nogil=True, cache=True)
def _take(scores, code, bias, best, phases):  # type: ignore[no-untyped-def]
    for z in range(scores.shape[0]):
        for y in range(scores.shape[1]):
            for x in range(scores.shape[2]):
                value = scores[z, y, x, code] + bias[z, y, x]
                if code == 0 or value > best[z, y, x]:
                    best[z, y, x] = value
                    phases[z, y, x] = code
