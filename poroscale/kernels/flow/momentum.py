"""The momentum balance of one component of a slow flow: products, gradients, and its solution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.flow.faces import FlowFaces

Vector = NDArray[Any]
"""Float (n + 1,): one value a face or a pore, and a zero at the end that stands for none."""


def friction_of(faces: FlowFaces, velocity: Vector, out: Vector) -> float:
    """Write the friction that `velocity` meets into `out`; returns their scalar product."""
    return float(_product(*faces[:2], faces.first_halves, faces.last_halves, velocity, out))


def add_gradient(faces: FlowFaces, pressure: Vector, factor: float, out: Vector) -> None:
    """Add `factor` times the differences of the pressure across the faces to `out`."""
    _gradient(faces.cells, pressure, factor, out)


def add_divergence(faces: FlowFaces, velocity: Vector, factor: float, out: Vector) -> None:
    """Add `factor` times what leaves each pore through the faces to `out`.

    What leaves the box is counted nowhere.
    """
    _divergence(faces.cells, velocity, factor, out)
    out[-1] = 0


def add_to_centres(cells: NDArray[np.int32], velocity: Vector, out: Vector) -> None:
    """Add half of the velocity of each face to the pores on both sides of it."""
    _to_centres(cells, velocity, out)


def solve_momentum(
    faces: FlowFaces, force: Vector, velocity: Vector, *, tolerance: float, limit: int
) -> int:
    """Conjugate gradients for the velocity under a force, from `velocity` on and in place.

    The preconditioner is the diagonal: walls are near everywhere in a pore space, so the number of
    iterations grows with the width of the pores and not with the box. Sums are in double precision.

    Parameters
    ----------
    faces
        Of one component.
    force, velocity
        Float (n + 1,) of one type.
    tolerance
        Largest residual over the force, in the norm of the preconditioner.
    limit
        Largest number of iterations.

    Returns
    -------
    The number of iterations.
    """
    work = [np.zeros_like(velocity) for _ in range(3)]
    return int(
        _conjugate(
            *faces[:2],
            faces.first_halves,
            faces.last_halves,
            force,
            velocity,
            tolerance,
            limit,
            *work,
        )
    )


@njit(nogil=True, cache=True, fastmath=True)
def _product(neighbours, diagonal, first, last, x, y):  # type: ignore[no-untyped-def]
    total = 0.0
    total += _rows(neighbours, diagonal, 0, first, np.float32(0.5), x, y)
    stop = last[0] if last[1] else diagonal.size
    total += _rows(neighbours, diagonal, first, stop, np.float32(1), x, y)
    total += _rows(neighbours, diagonal, last[0], last[1], np.float32(0.5), x, y)
    return total


@njit(nogil=True, cache=True, fastmath=True, inline="always")
def _rows(neighbours, diagonal, start, stop, share, x, y):  # type: ignore[no-untyped-def]
    total = 0.0
    n = neighbours
    for i in range(start, stop):
        along = x[n[0, i]] + x[n[1, i]]
        beside = x[n[2, i]] + x[n[3, i]] + x[n[4, i]] + x[n[5, i]]
        value = diagonal[i] * x[i] - along - share * beside
        y[i] = value
        total += x[i] * value
    return total


@njit(nogil=True, cache=True, fastmath=True)
def _conjugate(neighbours, diagonal, first, last, b, x, tolerance, limit, r, p, q):  # type: ignore[no-untyped-def]
    size = diagonal.size
    _product(neighbours, diagonal, first, last, x, q)
    rz = 0.0
    bz = 0.0
    for i in range(size):
        r[i] = b[i] - q[i]
        p[i] = r[i] / diagonal[i]
        rz += r[i] * p[i]
        bz += b[i] * b[i] / diagonal[i]
    goal = tolerance * tolerance * bz
    done = 0
    while done < limit and rz > goal:
        alpha = x.dtype.type(rz / _product(neighbours, diagonal, first, last, p, q))
        new = 0.0
        for i in range(size):
            x[i] += alpha * p[i]
            r[i] -= alpha * q[i]
            new += r[i] * r[i] / diagonal[i]
        beta = x.dtype.type(new / rz)
        rz = new
        for i in range(size):
            p[i] = r[i] / diagonal[i] + beta * p[i]
        done += 1
    return done


@njit(nogil=True, cache=True, fastmath=True)
def _gradient(cells, pressure, factor, out):  # type: ignore[no-untyped-def]
    factor = out.dtype.type(factor)
    for i in range(cells.shape[0]):
        out[i] += factor * (pressure[cells[i, 1]] - pressure[cells[i, 0]])


@njit(nogil=True, cache=True, fastmath=True)
def _divergence(cells, velocity, factor, out):  # type: ignore[no-untyped-def]
    factor = out.dtype.type(factor)
    for i in range(cells.shape[0]):
        out[cells[i, 0]] += factor * velocity[i]
        out[cells[i, 1]] -= factor * velocity[i]


@njit(nogil=True, cache=True)
def _to_centres(cells, velocity, out):  # type: ignore[no-untyped-def]
    half = out.dtype.type(0.5)
    for i in range(cells.shape[0]):
        out[cells[i, 0]] += half * velocity[i]
        out[cells[i, 1]] += half * velocity[i]
