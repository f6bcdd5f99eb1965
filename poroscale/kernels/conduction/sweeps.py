"""Sweeps over a graph of aggregates, and what passes between two levels."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def sweep_graph_up(rows, columns, weights, inverse, right, out):  # type: ignore[no-untyped-def]
    """A sweep of Gauss and Seidel from 0, in the order of the nodes."""
    for i in range(len(out)):
        total = right[i]
        for k in range(rows[i], rows[i + 1]):
            if columns[k] < i:
                total += weights[k] * out[columns[k]]
        out[i] = total * inverse[i]


@njit(nogil=True, cache=True)
def restrict_swept_graph(rows, columns, weights, values, groups, out):  # type: ignore[no-untyped-def]
    """Add up over each group the residual that `sweep_graph_up` leaves."""
    out[:] = 0
    for i in range(len(values)):
        total = np.float32(0)
        for k in range(rows[i], rows[i + 1]):
            if columns[k] > i:
                total += weights[k] * values[columns[k]]
        out[groups[i]] += total


@njit(nogil=True, cache=True)
def sweep_graph_down(rows, columns, weights, inverse, right, out):  # type: ignore[no-untyped-def]
    """A sweep of Gauss and Seidel on `out`, against the order of the nodes."""
    for i in range(len(out) - 1, -1, -1):
        total = right[i]
        for k in range(rows[i], rows[i + 1]):
            total += weights[k] * out[columns[k]]
        out[i] = total * inverse[i]


@njit(nogil=True, cache=True)
def subtract_flow(rows, columns, weights, ground, values, factor, right):  # type: ignore[no-untyped-def]
    """Take `factor` A `values` from `right`."""
    for i in range(len(values)):
        total = -ground[i] * values[i]
        for k in range(rows[i], rows[i + 1]):
            total += weights[k] * (values[columns[k]] - values[i])
        right[i] += factor * total


@njit(nogil=True, cache=True)
def add_of_groups(values, groups, out):  # type: ignore[no-untyped-def]
    """Add to each member the value of its group."""
    for i in range(len(out)):
        out[i] += values[groups[i]]
