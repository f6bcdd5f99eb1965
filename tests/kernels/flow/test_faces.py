"""The faces of a pore space: symmetry, walls and the pairing of gradient and divergence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from poroscale.kernels.flow.faces import (
    OPEN,
    SLIP,
    SOLID,
    STILL,
    FlowFaces,
    coded_voxels,
    flow_faces,
    numbered_cells,
)
from poroscale.kernels.flow.momentum import (
    add_divergence,
    add_gradient,
    friction_of,
    solve_momentum,
)

FRAMES = [
    ((OPEN, SOLID, SOLID), (False, False, False)),
    ((STILL, SLIP, SLIP), (False, False, False)),
    ((OPEN, SLIP, SLIP), (True, True, True)),
    ((OPEN, SLIP, SLIP), (False, True, True)),
]


def faces_for(
    pore: NDArray[np.bool_], codes: tuple[int, int, int], periodic: tuple[bool, ...], axis: int
) -> tuple[FlowFaces, int]:
    coded = coded_voxels(pore, codes, periodic)
    cells = numbered_cells(coded, periodic)
    made = flow_faces(coded, cells, axis, periodic=periodic, corner=1.5, dtype=np.float64)
    return made, int(pore.sum())


def dense(faces: FlowFaces) -> NDArray[np.float64]:
    size = faces.diagonal.size
    out = np.zeros((size, size))
    column, y = np.zeros(size + 1), np.zeros(size + 1)
    for i in range(size):
        column[:] = 0
        column[i] = 1
        friction_of(faces, column, y)
        out[:, i] = y[:-1]
    return out


@pytest.mark.parametrize(("codes", "periodic"), FRAMES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_friction_is_symmetric_and_positive(
    codes: tuple[int, int, int], periodic: tuple[bool, ...], axis: int
) -> None:
    pore = np.random.default_rng(axis).random((4, 5, 3)) < 0.7
    faces, _ = faces_for(pore, codes, periodic, axis)
    matrix = dense(faces)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0


@pytest.mark.parametrize(("codes", "periodic"), FRAMES)
def test_divergence_is_minus_the_transposed_gradient(
    codes: tuple[int, int, int], periodic: tuple[bool, ...]
) -> None:
    generator = np.random.default_rng(3)
    pore = generator.random((4, 5, 3)) < 0.7
    for axis in range(3):
        faces, pores = faces_for(pore, codes, periodic, axis)
        p, u = generator.random(pores + 1), generator.random(faces.diagonal.size + 1)
        p[-1] = u[-1] = 0
        gradient, divergence = np.zeros_like(u), np.zeros_like(p)
        add_gradient(faces, p, 1.0, gradient)
        add_divergence(faces, u, 1.0, divergence)
        assert gradient @ u == pytest.approx(-(divergence @ p))


def test_walls_lie_half_a_voxel_away() -> None:
    """A channel of one voxel: four walls beside each face, and its two neighbours."""
    pore = np.zeros((3, 3, 3), bool)
    pore[:, 1, 1] = True
    faces, pores = faces_for(pore, (OPEN, SOLID, SOLID), (True, False, False), 0)
    assert pores == 3
    np.testing.assert_array_equal(faces.diagonal, [10, 10, 10])


def test_an_edge_of_the_solid_counts_as_asked() -> None:
    pore = np.ones((2, 3, 3), bool)
    pore[0, 0, 1] = False
    faces, _ = faces_for(pore, (OPEN, SLIP, SLIP), (True, True, True), 0)
    without = 6.0
    assert sorted(set(faces.diagonal)) == [without, without + 0.5]


def test_a_velocity_solves_its_balance() -> None:
    generator = np.random.default_rng(0)
    pore = generator.random((6, 6, 6)) < 0.8
    faces, _ = faces_for(pore, (OPEN, SOLID, SOLID), (False, False, False), 1)
    force = np.append(generator.random(faces.diagonal.size), 0)
    velocity, again = np.zeros_like(force), np.zeros_like(force)
    assert 0 < solve_momentum(faces, force, velocity, tolerance=1e-12, limit=500) < 100
    friction_of(faces, velocity, again)
    np.testing.assert_allclose(again, force, atol=1e-10)
