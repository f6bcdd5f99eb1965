"""Weighted sums along one axis, in one fixed order and one thread: the same bits on any machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def weighted_rows(
    values: NDArray[Any], weights: NDArray[np.float64], axis: int
) -> NDArray[np.float64]:
    """Row i along `axis` is the sum over j of `weights[i, j]` times row j of `values`.

    A matrix product, for matrices that are mostly zeros; BLAS would use more threads than one, and
    add in an order that depends on their number.

    Parameters
    ----------
    values
        Any shape.
    weights
        (rows of the result, rows of `values`).
    axis
        Axis of the rows.
    """
    shape = values.shape
    before, after = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
    rows = np.ascontiguousarray(values, np.float64).reshape(before, shape[axis], after)
    out = np.zeros((before, len(weights), after))
    _add_rows(rows, np.ascontiguousarray(weights, np.float64), out)
    return out.reshape(*shape[:axis], len(weights), *shape[axis + 1 :])


@njit(nogil=True, cache=True)
def _add_rows(rows, weights, out):  # type: ignore[no-untyped-def]
    for a in range(rows.shape[0]):
        for i in range(weights.shape[0]):
            target = out[a, i]
            for j in range(weights.shape[1]):
                weight = weights[i, j]
                if weight != 0:
                    source = rows[a, j]
                    for b in range(target.shape[0]):
                        target[b] += weight * source[b]
