"""Permeability against theory, and the bounds that it comes with."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from poroscale.kernels.flow.clusters import carrying_pores
from poroscale.transport.flow.boundary import Ends, FlowBoundary, Sides
from poroscale.transport.flow.bracket import LEFT, PressureIteration
from poroscale.transport.flow.permeability import permeability
from poroscale.transport.flow.stokes import stokes_equations
from tests.transport.flow.solids import DUCT, SPHERES, around_sphere, blobs, duct

PERIODIC = FlowBoundary("periodic", "periodic")
BEREA = Path(__file__).parents[4] / "shared" / "data"


def test_a_square_duct_to_second_order() -> None:
    errors = [permeability(duct(n), "z").effective / (DUCT * n * n) - 1 for n in (8, 16, 32)]
    assert errors[0] == pytest.approx(0.0588, abs=2e-3)
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("ends", ["pressure", "mirror", "periodic"])
@pytest.mark.parametrize("height", [1, 2, 7])
def test_a_slit_obeys_its_exact_law(ends: str, height: int) -> None:
    """Parallel plates H voxels apart: (H^2 + 2) / 12 of the velocity, with walls half way."""
    pore = np.zeros((5, 9, 4), bool)
    pore[:, 1 : 1 + height] = True
    boundary = FlowBoundary(ends, "periodic")  # type: ignore[arg-type]
    found = permeability(pore, "z", boundary=boundary, dtype=np.float64, tolerance=1e-8)
    assert found.effective == pytest.approx((height**2 + 2) / 12 * height / 9, rel=1e-7)
    assert found.error < 1e-8
    assert found.fraction == found.effective_fraction == pytest.approx(height / 9)


@pytest.mark.parametrize("axis", "zyx")
@pytest.mark.parametrize("ends", ["pressure", "mirror", "periodic"])
def test_ducts_that_sides_cut_are_whole(axis: str, ends: Ends) -> None:
    """A duct that periodic sides cut in four, and a quarter of one in mirrored sides."""
    known = DUCT * 16**2 * (16 / 20) ** 2
    whole = np.zeros((3, 20, 20), bool)
    whole[:, 2:18, 2:18] = True
    for pore, sides in (
        (np.roll(whole, (7, 11), (1, 2)), "periodic"),
        (whole[:, 10:, :10], "mirror"),
    ):
        turned = np.moveaxis(pore, 0, "zyx".index(axis))
        found = permeability(turned, axis, boundary=FlowBoundary(ends, sides))
        assert found.effective == pytest.approx(known, rel=0.016)
        assert found.effective > known


@pytest.mark.parametrize("concentration", [0.125, 0.343])
def test_spheres_on_a_cubic_lattice(concentration: float) -> None:
    """At 32 voxels, where the steps of the sphere cost up to 5 %; see the slow test for 64."""
    pore = around_sphere(32, concentration)
    found = permeability(pore, "y", boundary=PERIODIC)
    assert found.converged
    assert found.effective / 32**2 == pytest.approx(SPHERES[concentration], rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("concentration", sorted(SPHERES))
def test_spheres_on_a_cubic_lattice_at_64_voxels(concentration: float) -> None:
    found = permeability(around_sphere(64, concentration), "z", boundary=PERIODIC)
    assert found.effective / 64**2 == pytest.approx(SPHERES[concentration], rel=0.03)


@pytest.mark.parametrize(
    "boundary",
    [FlowBoundary(), FlowBoundary("mirror", "mirror"), PERIODIC, FlowBoundary(layers=3)],
)
def test_the_permeability_turns_with_the_volume(boundary: FlowBoundary) -> None:
    pore = blobs((14, 12, 10), seed=2)
    values = [
        permeability(np.moveaxis(pore, 0, axis), name, boundary=boundary, tolerance=1e-3)
        for axis, name in enumerate("zyx")
    ]
    assert values[0].effective > 0
    for other in values[1:]:
        assert other.effective == pytest.approx(values[0].effective, rel=2e-3)


def test_finer_voxels_of_the_same_shape_give_the_square_of_the_scale() -> None:
    """Within what the voxels cost at the edges, which halves with them."""
    pore = blobs((6, 6, 6), seed=5, share=0.6)
    values = []
    for scale in (2, 4, 8):
        finer = pore.repeat(scale, 0).repeat(scale, 1).repeat(scale, 2)
        values.append(permeability(finer, "z").effective / scale**2)
    assert values[1] == pytest.approx(values[0], rel=0.2)
    assert abs(values[2] - values[1]) < 0.65 * abs(values[1] - values[0])


@pytest.mark.parametrize("boundary", [FlowBoundary(), PERIODIC, FlowBoundary("mirror", "wall")])
def test_loose_bounds_hold_what_tight_ones_hold(boundary: FlowBoundary) -> None:
    pore = blobs((24, 20, 20), seed=1)
    tight = permeability(pore, "z", boundary=boundary, dtype=np.float64, tolerance=1e-7)
    assert tight.converged
    for tolerance in (0.2, 0.05, 0.005):
        loose = permeability(pore, "z", boundary=boundary, tolerance=tolerance)
        slack = 1e-3 * tight.effective
        assert loose.lower - slack <= tight.effective <= loose.upper + slack
        assert loose.error <= tolerance


@pytest.mark.parametrize("ends", ["pressure", "mirror", "periodic"])
@pytest.mark.parametrize("sides", ["wall", "mirror", "periodic"])
def test_both_bounds_hold_in_small_pores(ends: Ends, sides: Sides) -> None:
    """Where the divergence that is taken away moves the lower bound most."""
    boundary = FlowBoundary(ends, sides, 2)
    for seed in range(6):
        pore = blobs((11, 9, 8), seed=seed, share=0.45)
        tight = permeability(pore, "z", boundary=boundary, dtype=np.float64, tolerance=1e-8)
        for tolerance in (0.1, 0.005):
            loose = permeability(pore, "z", boundary=boundary, tolerance=tolerance)
            assert loose.lower <= tight.effective * (1 + 1e-5)
            assert loose.upper >= tight.effective * (1 - 1e-5)


def test_the_velocity_of_the_lower_bound_has_no_divergence() -> None:
    pore = carrying_pores(blobs((12, 10, 9), seed=3), PERIODIC.periodic)
    equations = stokes_equations(pore, PERIODIC, dtype=np.float64)
    iteration = PressureIteration(equations, np.argwhere(pore).astype(np.int32), 0.1)
    for _ in range(3):
        iteration.advance()
    velocity = iteration.bounds().velocity
    left = np.linalg.norm(equations.divergence(velocity)[:-1])
    assert left <= 1.01 * LEFT * np.linalg.norm(iteration.residual)


def test_a_mirror_is_the_periodic_volume_with_its_image() -> None:
    pore = blobs((10, 8, 9), seed=4, share=0.6)
    doubled = np.concatenate([pore, pore[::-1]])
    doubled = np.concatenate([doubled, doubled[:, ::-1]], axis=1)
    doubled = np.concatenate([doubled, doubled[:, :, ::-1]], axis=2)
    settings = {"dtype": np.float64, "tolerance": 1e-6}
    half = permeability(pore, "z", boundary=FlowBoundary("mirror", "mirror"), **settings)
    whole = permeability(doubled, "z", boundary=PERIODIC, **settings)
    assert half.effective == pytest.approx(whole.effective, rel=1e-5)


def test_the_velocity_carries_the_permeability_through_every_layer() -> None:
    pore = blobs((20, 16, 12), seed=7)
    found = permeability(pore, "x", with_fields=True, tolerance=1e-3)
    assert found.velocity is not None
    assert found.velocity.shape == (3, 20, 16, 12)
    assert not found.velocity[:, ~pore].any()
    through = found.velocity[2].mean(axis=(0, 1))
    # Means of two faces: alike wherever the flow does not turn within a voxel.
    np.testing.assert_allclose(through[1:-1], found.effective, rtol=0.02)
    assert abs(found.velocity[0].mean()) < 0.1 * found.effective


@pytest.mark.parametrize("ends", ["pressure", "mirror"])
def test_the_fields_leave_the_layers_out(ends: Ends) -> None:
    pore = blobs((16, 14, 12), seed=8)
    boundary = FlowBoundary(ends, "mirror", 2)
    found = permeability(pore, "x", boundary=boundary, with_fields=True, tolerance=1e-4)
    assert found.velocity is not None
    assert found.velocity[2].mean() == pytest.approx(found.effective, rel=5e-3)
    assert found.pressure is not None
    assert found.pressure.shape == pore.shape
    assert np.isfinite(found.pressure).mean() == found.effective_fraction
    across = np.nanmean(found.pressure, axis=(0, 1))
    assert (np.diff(across) < 0).all()
    assert 0.5 < across[0] < 1
    assert 0 < across[-1] < 0.5


def test_the_pressure_of_a_duct_falls_evenly() -> None:
    found = permeability(duct(6, 5), "z", with_fields=True)
    assert found.pressure is not None
    np.testing.assert_allclose(found.pressure[:, 3, 2], [0.9, 0.7, 0.5, 0.3, 0.1], atol=1e-5)


def test_threads_do_not_change_the_result() -> None:
    pore = blobs((16, 16, 16), seed=3)
    assert permeability(pore, "z", threads=3) == permeability(pore, "z")


def test_layers_of_open_fluid_change_little() -> None:
    pore = blobs((24, 16, 16), seed=6)
    plain = permeability(pore, "z")
    layered = permeability(pore, "z", boundary=FlowBoundary(layers=4))
    assert layered.effective == pytest.approx(plain.effective, rel=0.1)
    assert layered.effective < plain.effective
    assert layered.boundary.as_record() == {"ends": "pressure", "sides": "wall", "layers": 4}


def test_no_path_is_no_permeability() -> None:
    pore = np.ones((6, 6, 6), bool)
    pore[3] = False
    found = permeability(pore, "z", with_fields=True)
    assert (found.effective, found.percolates, found.converged) == (0.0, False, True)
    assert found.fraction == pytest.approx(5 / 6)
    assert found.effective_fraction == 0
    assert found.velocity is not None
    assert not found.velocity.any()
    assert permeability(pore, "x").percolates


def test_too_few_iterations_are_said() -> None:
    found = permeability(blobs((24, 20, 20), seed=1), "z", iterations=1, tolerance=1e-4)
    assert not found.converged
    assert found.error > 1e-4
    assert found.iterations == 1


def test_volumes_of_one_and_two_voxels() -> None:
    for shape in ((1, 1, 1), (2, 1, 1), (2, 2, 2), (1, 3, 3)):
        assert permeability(np.ones(shape, bool), "z").effective > 0
        periodic = FlowBoundary("periodic", "wall")
        assert permeability(np.ones(shape, bool), "z", boundary=periodic).effective > 0


def test_units() -> None:
    found = permeability(duct(8), "z")
    assert found.square_micrometres(2.0) == pytest.approx(4 * found.effective)
    assert found.darcy(2.0) == pytest.approx(4 * found.effective / 0.9869233)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"axis": "w"}, "axis must be z, y or x, got w"),
        ({"pore": np.ones((2, 2, 2))}, "pore must be a bool array"),
        ({"tolerance": 0.0}, "tolerance must be between 0 and 1"),
        ({"iterations": 0}, "iterations must be at least 1"),
        ({"boundary": PERIODIC}, "nothing resists the flow"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, object], sentence: str) -> None:
    given = {"pore": duct(3), "axis": "z"} | change
    with pytest.raises(ValueError, match=sentence):
        permeability(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"ends": "open"}, {"sides": "none"}, {"layers": -1}])
def test_wrong_boundaries_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        FlowBoundary(**wrong)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.skipif(not BEREA.exists(), reason="the Berea sandstone is not in the repository")
def test_the_crops_of_berea_sandstone() -> None:
    """A finite-volume code: pressure at the ends, walls at the sides, edges as flat walls."""
    from tifffile import imread

    rock = imread(BEREA / "berea_400.tif") == 0
    with (BEREA / "berea_400_transport.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["permeability_voxel2"]]
    ratios = []
    for row in rows[1::3]:
        z, y, x = (int(row[name]) for name in ("z0", "y0", "x0"))
        crop = rock[z : z + 128, y : y + 128, x : x + 128]
        found = permeability(crop, row["axis"], corner=2.0, tolerance=0.01)
        assert found.converged
        ratios.append(found.effective / float(row["permeability_voxel2"]))
    assert len(ratios) == 18
    deviations = np.abs(np.array(ratios) - 1)
    assert np.median(deviations) < 0.05
    assert deviations.max() < 0.1
