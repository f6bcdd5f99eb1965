"""Shares of phases from scores, by softmax, and their logarithms."""

from __future__ import annotations

from math import exp, log

import numpy as np
from numba import njit

SMALLEST = 1e-30
"""Share below which its logarithm falls no further."""


@njit(nogil=True, cache=True)
def fill_shares(scores, out):  # type: ignore[no-untyped-def]
    """Set float32 `out` (n, z, y, x) to the softmax of scores (z, y, x, n)."""
    phases = scores.shape[3]
    each = np.empty(phases, np.float64)
    for z in range(scores.shape[0]):
        for y in range(scores.shape[1]):
            for x in range(scores.shape[2]):
                most, total = scores[z, y, x, 0], 0.0
                for k in range(1, phases):
                    most = max(most, scores[z, y, x, k])
                for k in range(phases):
                    each[k] = exp(np.float64(scores[z, y, x, k]) - most)
                    total += each[k]
                for k in range(phases):
                    out[k, z, y, x] = each[k] / total


@njit(nogil=True, cache=True)
def fill_logarithms(shares, out):  # type: ignore[no-untyped-def]
    """Set float32 `out` (z, y, x, n) to the logarithms of shares (n, z, y, x)."""
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                for k in range(out.shape[3]):
                    out[z, y, x, k] = log(max(np.float64(shares[k, z, y, x]), SMALLEST))
