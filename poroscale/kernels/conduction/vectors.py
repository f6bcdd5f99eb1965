"""Steps on the vectors of conjugate gradients: float32 values, float64 sums."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def product_of(a, b):  # type: ignore[no-untyped-def]
    """The scalar product of two vectors."""
    total = 0.0
    for i in range(len(a)):
        total += np.float64(a[i]) * np.float64(b[i])
    return total


@njit(nogil=True, cache=True)
def add_multiple(values, factor, out):  # type: ignore[no-untyped-def]
    """Add `factor` times `values` to `out`."""
    by = np.float32(factor)
    for i in range(len(out)):
        out[i] += by * values[i]


@njit(nogil=True, cache=True)
def turn_direction(values, factor, out):  # type: ignore[no-untyped-def]
    """Set `out` to `values` and `factor` times itself."""
    by = np.float32(factor)
    for i in range(len(out)):
        out[i] = values[i] + by * out[i]


@njit(nogil=True, cache=True)
def linear_profile(numbers, codes, start, depth, out):  # type: ignore[no-untyped-def]
    """The potential of a uniform medium: from 1 at the first face down to 0 at the last.

    The planes are those from `start` on of `depth`, and the margin before and behind them.
    """
    nz, ny, nx = numbers.shape
    for z in range(nz):
        level = np.float32(1.0 - (start + z - 0.5) / depth)
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if codes[z, y, x]:
                    out[numbers[z, y, x]] = level


@njit(nogil=True, cache=True)
def spread_values(numbers, codes, values, out):  # type: ignore[no-untyped-def]
    """Put the values of a vector in their places: float32 (nz, ny, nx), NaN where none is."""
    nz, ny, nx = numbers.shape
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                value = np.float32(np.nan)
                if codes[z, y, x]:
                    value = values[numbers[z, y, x]]
                out[z - 1, y - 1, x - 1] = value
