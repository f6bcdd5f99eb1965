"""Matrices for the pressure, and the sums of them over aggregates."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from poroscale.kernels.flow.aggregation import (
    Sparse,
    aggregates,
    coarse_matrix,
    pressure_matrix,
    summed_residual,
    sweep,
)


def dense(matrix: Sparse) -> NDArray[np.float64]:
    out = np.diag(matrix.diagonal.astype(np.float64))
    rows = np.repeat(np.arange(matrix.diagonal.size), np.diff(matrix.starts))
    np.add.at(out, (rows, matrix.columns), matrix.values)
    return out


@pytest.fixture
def chain() -> Sparse:
    """Eight pores in a ring, and a face of given pressure at the first."""
    ring = np.array([[i, (i + 1) % 8] for i in range(8)] + [[8, 0]], np.int32)
    return pressure_matrix([ring], [np.arange(1.0, 10.0)], 8)


def test_a_matrix_is_the_sum_over_faces(chain: Sparse) -> None:
    expected = np.zeros((9, 9))
    for i in range(8):
        step = np.zeros(9)
        step[i], step[(i + 1) % 8] = 1, -1
        expected += (i + 1) * np.outer(step, step)
    expected[0, 0] += 9
    np.testing.assert_array_equal(dense(chain), expected[:8, :8])


def test_aggregates_are_joined_within_a_box_only(chain: Sparse) -> None:
    boxes = np.array([0, 0, 1, 0, 0, 1, 1, 0])
    numbers, count = aggregates(chain, boxes)
    assert count == 4
    np.testing.assert_array_equal(numbers, [0, 0, 1, 2, 2, 3, 3, 0])


def test_a_coarse_matrix_is_the_sum_over_aggregates(chain: Sparse) -> None:
    numbers, count = np.array([0, 0, 1, 2, 2, 3, 3, 0], np.int32), 4
    spread = np.eye(count)[numbers]
    expected = spread.T @ dense(chain) @ spread
    np.testing.assert_allclose(dense(coarse_matrix(chain, numbers, count)), expected)


def test_sweeps_solve(chain: Sparse) -> None:
    b = np.random.default_rng(1).random(8)
    x = np.zeros(8)
    for turn in range(400):
        sweep(chain, b, x, backwards=turn % 2 == 1)
    np.testing.assert_allclose(dense(chain) @ x, b, atol=1e-9)
    numbers = np.zeros(8, np.int32)
    rest = summed_residual(chain, b, np.zeros(8), numbers, 1)
    np.testing.assert_allclose(rest, [b.sum()])
