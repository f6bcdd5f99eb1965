"""Multigrid of aggregates for a pressure on pores: sparse matrices, coarse ones, and sweeps.

A coarse unknown is a set of pores that touch each other within a box of 2³, 4³, 8³ ... voxels, so
two pores with a wall between them are never joined.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Sparse(NamedTuple):
    """A symmetric matrix with a positive diagonal; rows in compressed form, diagonal apart."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[Any]
    diagonal: NDArray[Any]


def pressure_matrix(
    cells: list[NDArray[np.int32]], mobility: list[NDArray[Any]], pores: int
) -> Sparse:
    """Sum over faces of mobility times the difference across them: minus its divergence.

    Parameters
    ----------
    cells
        For each component int32 (n, 2): the pores on both sides; their number stands for none,
        where the pressure is 0.
    mobility
        For each component (n,): velocity for a unit difference.
    pores
        Their number.
    """
    degree = np.zeros(pores + 1, np.int64)
    for each in cells:
        _count_neighbours(each, pores, degree)
    starts = np.concatenate([[0], np.cumsum(degree[:pores])])
    columns = np.empty(int(starts[-1]), np.int32)
    values = np.empty(columns.size, mobility[0].dtype)
    diagonal = np.zeros(pores, mobility[0].dtype)
    free = starts[:-1].copy()
    for each, values_of in zip(cells, mobility, strict=True):
        _enter(each, values_of, pores, free, columns, values, diagonal)
    return Sparse(starts, columns, values, diagonal)


def aggregates(matrix: Sparse, boxes: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    """Number the sets of unknowns that are joined within one box, in the order of their first one.

    Parameters
    ----------
    matrix
        Of n unknowns.
    boxes
        int64 (n,): box of each unknown.

    Returns
    -------
    int32 (n,) and the number of sets.
    """
    numbers = np.empty(boxes.size, np.int32)
    return numbers, int(_join_within(matrix.starts, matrix.columns, boxes, numbers))


def coarse_matrix(matrix: Sparse, numbers: NDArray[np.int32], count: int) -> Sparse:
    """Return the matrix of the sums over aggregates (Galerkin, constant within each)."""
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers, minlength=count))
    starts = np.zeros(count + 1, np.int64)
    columns = np.empty(matrix.columns.size, np.int32)
    values = np.empty(matrix.columns.size, matrix.values.dtype)
    diagonal = np.zeros(count, matrix.values.dtype)
    used = _merge_rows(tuple(matrix), numbers, order, ends, (starts, columns, values, diagonal))
    return Sparse(starts, columns[:used].copy(), values[:used].copy(), diagonal)


def sweep(matrix: Sparse, b: NDArray[Any], x: NDArray[Any], *, backwards: bool) -> None:
    """One Gauss-Seidel sweep for `matrix x = b`, in place."""
    _sweep(*matrix, b, x, backwards)


def summed_residual(
    matrix: Sparse, b: NDArray[Any], x: NDArray[Any], numbers: NDArray[np.int32], count: int
) -> NDArray[Any]:
    """Return `b - matrix x`, summed over aggregates; (count,)."""
    out = np.zeros(count, b.dtype)
    _summed_residual(*matrix, b, x, numbers, out)
    return out


@njit(nogil=True, cache=True)
def _count_neighbours(cells, pores, degree):  # type: ignore[no-untyped-def]
    for i in range(cells.shape[0]):
        a, b = cells[i, 0], cells[i, 1]
        if a < pores and b < pores and a != b:
            degree[a] += 1
            degree[b] += 1


@njit(nogil=True, cache=True)
def _enter(cells, mobility, pores, free, columns, values, diagonal):  # type: ignore[no-untyped-def]
    for i in range(cells.shape[0]):
        a, b, m = cells[i, 0], cells[i, 1], mobility[i]
        if a == b:
            continue
        if a < pores:
            diagonal[a] += m
        if b < pores:
            diagonal[b] += m
        if a < pores and b < pores:
            columns[free[a]], values[free[a]] = b, -m
            columns[free[b]], values[free[b]] = a, -m
            free[a] += 1
            free[b] += 1


@njit(nogil=True, cache=True)
def _set_of(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(nogil=True, cache=True)
def _join_within(starts, columns, boxes, numbers):  # type: ignore[no-untyped-def]
    size = boxes.size
    parent = np.arange(size).astype(np.int32)
    for i in range(size):
        for k in range(starts[i], starts[i + 1]):
            j = columns[k]
            if j < i and boxes[i] == boxes[j]:
                a, b = _set_of(parent, i), _set_of(parent, j)
                if a < b:
                    parent[b] = a
                else:
                    parent[a] = b
    count = 0
    for i in range(size):
        root = _set_of(parent, i)
        if root == i:
            numbers[i] = count
            count += 1
        else:
            numbers[i] = numbers[root]
    return count


@njit(nogil=True, cache=True)
def _merge_rows(matrix, numbers, order, ends, new):  # type: ignore[no-untyped-def]
    starts, columns, values, diagonal = matrix
    new_starts, new_columns, new_values, new_diagonal = new
    place = np.full(ends.size, -1, np.int64)
    used = 0
    begin = 0
    for a in range(ends.size):
        first = used
        for k in range(begin, ends[a]):
            i = order[k]
            new_diagonal[a] += diagonal[i]
            for e in range(starts[i], starts[i + 1]):
                b = numbers[columns[e]]
                if b == a:
                    new_diagonal[a] += values[e]
                elif place[b] >= first:
                    new_values[place[b]] += values[e]
                else:
                    place[b] = used
                    new_columns[used] = b
                    new_values[used] = values[e]
                    used += 1
        begin = ends[a]
        new_starts[a + 1] = used
    return used


@njit(nogil=True, cache=True, fastmath=True)
def _sweep(starts, columns, values, diagonal, b, x, backwards):  # type: ignore[no-untyped-def]
    size = diagonal.size
    for n in range(size):
        i = size - 1 - n if backwards else n
        if diagonal[i] <= 0:
            continue
        total = b[i]
        for k in range(starts[i], starts[i + 1]):
            total -= values[k] * x[columns[k]]
        x[i] = total / diagonal[i]


@njit(nogil=True, cache=True, fastmath=True)
def _summed_residual(starts, columns, values, diagonal, b, x, numbers, out):  # type: ignore[no-untyped-def]
    for i in range(diagonal.size):
        total = b[i] - diagonal[i] * x[i]
        for k in range(starts[i], starts[i + 1]):
            total -= values[k] * x[columns[k]]
        out[numbers[i]] += total
