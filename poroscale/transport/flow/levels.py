"""Approximate solution for a pressure whose flow is local: a multigrid of aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.flow.aggregation import (
    Sparse,
    aggregates,
    coarse_matrix,
    pressure_matrix,
    summed_residual,
    sweep,
)

FEWEST = 200
"""Unknowns of the coarsest level, which is inverted as a dense matrix."""
STRETCH = 1.4
"""What a coarse correction is multiplied by: constants within aggregates are too stiff."""
SWEEPS_OF_LAST = 30
"""Sweeps on a coarsest level that is too large to invert."""


@dataclass(frozen=True)
class _Level:
    matrix: Sparse
    numbers: NDArray[np.int32] | None = None
    count: int = 0
    inverse: NDArray[Any] | None = None


@dataclass(frozen=True)
class PressureLevels:
    """A matrix for the pressure and its aggregates, level by level."""

    levels: tuple[_Level, ...]

    def cycle(self, b: NDArray[Any], level: int = 0) -> NDArray[Any]:
        """Approximate the solution for `b`, (n,): a symmetric W-cycle, one sweep either way."""
        here = self.levels[level]
        if here.inverse is not None:
            return (here.inverse @ b).astype(b.dtype)
        x = np.zeros_like(b)
        if here.numbers is None:
            for turn in range(SWEEPS_OF_LAST):
                sweep(here.matrix, b, x, backwards=turn % 2 == 1)
            return x
        sweep(here.matrix, b, x, backwards=False)
        coarse = summed_residual(here.matrix, b, x, here.numbers, here.count)
        step = self.cycle(coarse, level + 1)
        if self.levels[level + 1].inverse is None:
            step = step + self.cycle(coarse - self._times(step, level + 1), level + 1)
        x += b.dtype.type(STRETCH) * step[here.numbers]
        sweep(here.matrix, b, x, backwards=True)
        return x

    def solve(
        self, b: NDArray[Any], *, tolerance: float, limit: int = 200
    ) -> tuple[NDArray[Any], int]:
        """Conjugate gradients preconditioned by the cycle; the solution and its iterations.

        The residual falls below `tolerance` of `b`, in the Euclidean norm.
        """
        x = np.zeros_like(b)
        r = b.copy()
        goal = tolerance * float(np.linalg.norm(b))
        z = self.cycle(r)
        p, rz = z.copy(), float(r @ z)
        for done in range(limit):
            if float(np.linalg.norm(r)) <= goal:
                return x, done
            q = self._times(p, 0)
            alpha = b.dtype.type(rz / float(p @ q))
            x += alpha * p
            r -= alpha * q
            z = self.cycle(r)
            new = float(r @ z)
            p *= b.dtype.type(new / rz)
            p += z
            rz = new
        return x, limit

    def _times(self, x: NDArray[Any], level: int) -> NDArray[Any]:
        matrix = self.levels[level].matrix
        rows = np.arange(x.size, dtype=np.int32)
        return -summed_residual(matrix, np.zeros_like(x), x, rows, x.size)


def pressure_levels(
    cells: list[NDArray[np.int32]], mobility: list[NDArray[Any]], places: NDArray[np.int32]
) -> PressureLevels:
    """Levels of the matrix of faces with a mobility.

    Parameters
    ----------
    cells, mobility
        See `poroscale.kernels.flow.aggregation.pressure_matrix`.
    places
        int32 (n, 3): indices of the pores.
    """
    matrix = pressure_matrix(cells, mobility, len(places))
    levels = []
    while matrix.diagonal.size > FEWEST and places.any():
        places = places >> 1
        numbers, count = aggregates(matrix, _boxes(places))
        levels.append(_Level(matrix, numbers, count))
        chosen = np.zeros((count, 3), np.int32)
        chosen[numbers] = places
        matrix, places = coarse_matrix(matrix, numbers, count), chosen
    inverse = _inverse(matrix) if matrix.diagonal.size <= 5 * FEWEST else None
    return PressureLevels((*levels, _Level(matrix, inverse=inverse)))


def _boxes(places: NDArray[np.int32]) -> NDArray[np.int64]:
    sizes = places.max(axis=0).astype(np.int64) + 1
    return (places[:, 0] * sizes[1] + places[:, 1]) * sizes[2] + places[:, 2]


def _inverse(matrix: Sparse) -> NDArray[Any]:
    """Pseudo-inverse of a small matrix: where no pressure is given, a constant is free."""
    size = matrix.diagonal.size
    dense = np.diag(matrix.diagonal.astype(np.float64))
    rows = np.repeat(np.arange(size), np.diff(matrix.starts))
    np.add.at(dense, (rows, matrix.columns), matrix.values)
    return np.asarray(np.linalg.pinv(dense, rcond=1e-6, hermitian=True))
