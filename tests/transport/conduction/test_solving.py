"""The solver: its bound of the error, its preconditioner, and what rounding does."""

import numpy as np
import pytest

from poroscale.transport.conduction import multigrid
from poroscale.transport.conduction.lattice import ConductingLattice
from poroscale.transport.conduction.multigrid import AggregationMultigrid
from poroscale.transport.conduction.solving import (
    SAFETY_OF_KINDS,
    ErrorBound,
    safety_of,
    solve_lattice,
)
from tests.transport.conduction.media import blobs

CASES = {
    "blobs": (blobs(40, seed=1), [0.0, 1.0]),
    "noise": ((np.random.default_rng(0).random((40,) * 3) < 0.4).astype(np.uint8), [0.0, 1.0]),
    "contrast": (blobs(32, seed=2) + 1, [0.0, 1e-4, 1.0]),
    "layers": (
        np.random.default_rng(1).integers(1, 3, (40, 1, 1)).repeat(20, 1).repeat(20, 2),
        [0.0, 1e-4, 1.0],
    ),
}


def lattice_of(name):
    codes, table = CASES[name]
    return ConductingLattice.of(codes.astype(np.uint8), np.array(table))


@pytest.mark.parametrize("name", CASES)
def test_the_bound_holds_the_true_error_and_is_not_far_from_it(name):
    lattice = lattice_of(name)
    loose = 20 if lattice.conductivities.max() == lattice.conductivities[1] else 1000
    exact = solve_lattice(lattice, tolerance=1e-7, most=300).energy
    for tolerance in (1e-2, 1e-3, 1e-4):
        found = solve_lattice(lattice, tolerance=tolerance, most=300)
        true = found.energy - exact
        assert found.converged
        assert found.error <= tolerance * found.energy
        assert -1e-7 * exact <= true <= found.error
        assert found.error < loose * true + 1e-6 * exact


@pytest.mark.parametrize("low", [0.0, 1e-4, 1e-3, 0.2])
def test_the_bound_holds_in_small_noise(low):
    """Where single eigenvalues hide longest: 60 of thousands of seeds that were tried."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        codes = 1 + (rng.random(rng.integers(4, 12, 3)) < 0.6).astype(np.uint8)
        lattice = ConductingLattice.of(
            codes - (low == 0), np.array([0.0, low, 1.0] if low else [0.0, 1.0])
        )
        if lattice.count == 0:
            continue
        found = solve_lattice(lattice, tolerance=1e-2, most=100)
        exact = solve_lattice(lattice, tolerance=1e-7, most=100).energy
        assert found.energy - found.error <= exact <= found.energy * (1 + 1e-7)


HIDING = [
    # Three values whose aggregates would mix a contrast of 10^4; the bound was up to 74 times
    # too small.
    ((3, 12, 13), 80, (0.62, 0.81), [0.0, 1e-4, 1.0], (1.0, 1.0, 1.0)),
    # Voxels that are 30 times as long as wide; up to 15 times too small.
    ((9, 12, 7), 5, (0.0, 0.5), [0.0, 0.1, 0.3], (21.0, 28.0, 1.0)),
    ((5, 8, 6), 5, (0.2, 0.6), [0.0, 0.3, 1.0], (42.0, 21.0, 1.0)),
]


@pytest.mark.parametrize(("shape", "seeds", "levels", "table", "edges"), HIDING)
def test_the_bound_holds_where_eigenvalues_hide(shape, seeds, levels, table, edges):
    for seed in range(seeds):
        rng = np.random.default_rng([11, seed])
        codes = np.digitize(rng.random(shape), levels).astype(np.uint8)
        lattice = ConductingLattice.of(codes, np.array(table), edges=edges)
        if lattice.count == 0:
            continue
        exact = solve_lattice(lattice, tolerance=1e-7, most=400).energy
        for tolerance in (1e-1, 1e-2, 1e-3):
            found = solve_lattice(lattice, tolerance=tolerance, most=400)
            assert found.converged
            assert found.energy - found.error <= exact * (1 + 1e-6)


def test_much_noise_mixes_kinds_and_is_bound_more_carefully(monkeypatch):
    """Where aggregates that keep conductivities apart would take too much memory."""
    codes = np.random.default_rng(2).integers(0, 3, (6, 7, 6)).astype(np.uint8)
    lattice = ConductingLattice.of(codes, np.array([0.0, 1e-4, 1.0]))
    exact = solve_lattice(lattice, tolerance=1e-7, most=400)
    assert not AggregationMultigrid(lattice).mixed
    monkeypatch.setattr(multigrid, "APART", 0)
    assert AggregationMultigrid(lattice).mixed
    found = solve_lattice(lattice, tolerance=1e-2, most=400)
    assert found.iterations > exact.iterations
    assert found.energy - found.error <= exact.energy <= found.energy * (1 + 1e-6)
    assert safety_of(lattice.conductivities, lattice.pairs, mixed=True) < SAFETY_OF_KINDS


@pytest.mark.parametrize("name", CASES)
def test_the_preconditioner_is_symmetric_and_positive(name, monkeypatch):
    monkeypatch.setattr(multigrid, "SMALLEST", 20)
    lattice = lattice_of(name)
    cycle = AggregationMultigrid(lattice)
    assert cycle.nodes == sorted(cycle.nodes, reverse=True)
    assert cycle.nbytes < 100 * lattice.count
    vectors = np.random.default_rng(3).standard_normal((4, lattice.count)).astype(np.float32)
    images = np.empty_like(vectors)
    for vector, image in zip(vectors, images, strict=True):
        cycle.apply(vector, image)
    products = vectors.astype(float) @ images.T
    assert products == pytest.approx(products.T, rel=1e-4, abs=1e-4 * np.abs(products).max())
    assert np.linalg.eigvalsh(products)[0] > 0


def test_iterations_do_not_grow_with_the_volume():
    counts = []
    for edge in (16, 32, 64):
        codes = np.tile(blobs(16, seed=6, share=0.6), [edge // 16] * 3)
        lattice = ConductingLattice.of(codes, np.array([0.0, 1.0]))
        counts.append(solve_lattice(lattice, tolerance=1e-4, most=50).iterations)
    assert max(counts) <= 6


def test_without_a_good_preconditioner_it_stops_and_says_so():
    lattice = lattice_of("blobs")

    def diagonal(right, out):
        np.multiply(right, lattice.inverse, out=out)

    few = solve_lattice(lattice, tolerance=1e-4, most=20, preconditioner=diagonal)
    assert (few.converged, few.iterations) == (False, 20)
    assert few.error > 1e-4 * few.energy
    many = solve_lattice(lattice, tolerance=1e-4, most=500, preconditioner=diagonal)
    good = solve_lattice(lattice, tolerance=1e-6, most=50)
    assert many.converged
    assert many.energy - many.error <= good.energy <= many.energy * (1 + 1e-6)
    assert good.iterations < many.iterations / 5


def test_the_rule_of_gauss_and_radau_bounds_a_known_quadrature():
    """Conjugate gradients on a diagonal matrix, in float64."""
    eigenvalues = np.linspace(0.2, 1.0, 30)
    right = np.random.default_rng(0).standard_normal(30)
    x, residual = np.zeros(30), right.copy()
    direction, square, bound = residual.copy(), residual @ residual, ErrorBound()
    for _ in range(6):
        step = square / (direction @ (eigenvalues * direction))
        x += step * direction
        residual -= step * eigenvalues * direction
        ratio = residual @ residual / square
        direction = residual + ratio * direction
        square *= ratio
        bound.add(step, ratio)
        rest = right / eigenvalues - x
        true = rest @ (eigenvalues * rest)
        assert true <= bound.of(square, 0.2 * (1 - 1e-9)) <= bound.of(square, 0.1) < 5 * true
        assert bound.smallest(len(bound.steps)) >= 0.2
