"""The lattice Boltzmann method against theory, and against the staggered grid."""

from __future__ import annotations

import numpy as np
import pytest

from poroscale.transport.flow.boundary import FlowBoundary
from poroscale.transport.flow.lattice_boltzmann import lattice_permeability
from poroscale.transport.flow.permeability import permeability
from tests.transport.flow.solids import DUCT, SPHERES, around_sphere, blobs, duct


def test_a_square_duct_at_any_viscosity() -> None:
    values = [
        lattice_permeability(
            duct(8, 1), "z", relaxation_time=time, viscous_length=8, tolerance=1e-5
        ).effective
        for time in (0.6, 1.0, 2.0)
    ]
    assert values[0] / (DUCT * 64) == pytest.approx(1.014, abs=1e-3)
    np.testing.assert_allclose(values, values[0], rtol=2e-5)


def test_a_pore_space_at_any_viscosity() -> None:
    pore = blobs((12, 10, 10), seed=2, share=0.6)
    low, high = (
        lattice_permeability(
            pore, "x", periodic_sides=True, relaxation_time=time, tolerance=1e-5
        ).effective
        for time in (0.7, 1.6)
    )
    assert low == pytest.approx(high, rel=1e-3)


def test_single_precision_suffices() -> None:
    pore = around_sphere(12, 0.216)
    single, double = (
        lattice_permeability(pore, "z", periodic_sides=True, dtype=dtype).effective
        for dtype in (np.float32, np.float64)
    )
    assert single == pytest.approx(double, rel=1e-5)


def test_both_methods_agree_on_spheres() -> None:
    pore = around_sphere(20, 0.125)
    lattice = lattice_permeability(pore, "z", periodic_sides=True)
    grid = permeability(pore, "z", boundary=FlowBoundary("periodic", "periodic"))
    assert lattice.converged
    assert lattice.effective / 20**2 == pytest.approx(SPHERES[0.125], rel=0.03)
    assert lattice.effective == pytest.approx(grid.effective, rel=0.04)


def test_no_path_and_too_few_steps() -> None:
    pore = duct(6, 4)
    assert not lattice_permeability(pore, "z", steps=2).converged
    pore[2] = False
    assert lattice_permeability(pore, "z").effective == 0
