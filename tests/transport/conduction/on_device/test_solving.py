"""A solution of whole arrays, as a GPU makes it, beside the one from voxel to voxel."""

import numpy as np
import pytest
import torch

from poroscale.kernels.noise import correlated_noise
from poroscale.transport.conduction.effective import Drive, effective_conductivity
from poroscale.transport.conduction.lattice import ConductingLattice
from poroscale.transport.conduction.on_device import solving
from poroscale.transport.conduction.on_device.multigrid import BlockMultigrid
from poroscale.transport.conduction.on_device.solving import (
    DeviceLattice,
    check_gpu_memory,
    solve_on_device,
)
from poroscale.transport.conduction.solving import solve_lattice

TABLES = {
    "insulating": (0.0, 1.0),
    "contrast": (0.0, 1e-3, 1.0),
    "three": (0.0, 0.2, 1.0, 0.5),
}
SHAPES = [(32, 32, 32), (17, 9, 23), (5, 12, 1), (2, 3, 4), (1, 24, 20)]


def drawn(name, shape, seed=3):
    """Codes of phases: 0 conducts nothing, and only one medium has it."""
    field = correlated_noise((0, 0, 0), shape, seed=seed, sigma=1.5)
    if name == "insulating":
        return (field > -0.2).astype(np.uint8)
    return (1 + np.digitize(field, [-0.3, 0.6][: len(TABLES[name]) - 2])).astype(np.uint8)


def lattice_of(name, shape, periodic):
    table = np.array(TABLES[name])
    return ConductingLattice.of(drawn(name, shape), table, edges=(1.0, 2.0, 0.5), periodic=periodic)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", TABLES)
def test_both_solutions_are_within_their_errors(name, shape, periodic):
    lattice = lattice_of(name, shape, periodic)
    if lattice.count == 0:
        pytest.skip("no way leads through")
    exact = solve_lattice(lattice, tolerance=1e-6, most=500)
    found = solve_on_device(lattice, periodic=periodic, device="cpu", tolerance=1e-4, most=200)
    assert found.converged
    assert found.error <= 1e-4 * found.energy
    assert -1e-6 * exact.energy <= found.energy - exact.energy <= found.error + exact.error
    assert np.abs(found.potential - exact.potential).max() < 0.05


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(9, 10, 7), (4, 2, 3)])
def test_the_operator_is_that_of_the_lattice(shape, periodic):
    lattice = lattice_of("three", shape, periodic)
    there = DeviceLattice.of(lattice, periodic=periodic, device="cpu")
    values = np.random.default_rng(0).random(lattice.count, np.float32)
    dense = torch.zeros(shape)
    dense[torch.from_numpy(lattice.codes[1:-1, 1:-1, 1:-1] > 0)] = torch.from_numpy(values)
    own, out = lattice.vector(), there.vector()
    product = lattice.flow(values, own, first=1.0)
    assert there.flow(dense, out, first=1.0) == pytest.approx(product, rel=1e-5)
    places = lattice.codes[1:-1, 1:-1, 1:-1] > 0
    np.testing.assert_allclose(out.numpy()[places], own, atol=1e-5)
    assert there.energy(dense) == pytest.approx(lattice.energy(values), rel=1e-5)


@pytest.mark.parametrize("shape", [(13, 14, 9), (12, 11, 16)])
def test_the_cycle_is_symmetric_and_positive(shape):
    """Conjugate gradients, and the bound of the error, need that of a preconditioner."""
    lattice = lattice_of("insulating", shape, periodic=True)
    there = DeviceLattice.of(lattice, periodic=True, device="cpu")
    cycle = BlockMultigrid(there.links)
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(shape, generator=generator) for _ in range(2))
    of_a, of_b = there.vector(), there.vector()
    cycle.apply(a, of_a)
    cycle.apply(b, of_b)
    scale = (there.product(a, of_a) * there.product(b, of_b)) ** 0.5
    assert scale > 0
    assert abs(there.product(a, of_b) - there.product(b, of_a)) < 1e-5 * scale


def test_blocks_are_a_galerkin_product():
    """The power of potentials that are constant on blocks is the same on both levels."""
    lattice = lattice_of("three", (7, 6, 5), periodic=True)
    links = DeviceLattice.of(lattice, periodic=True, device="cpu").links
    coarse = links.coarse()
    values = torch.rand(coarse.shape, generator=torch.Generator().manual_seed(1))
    fine = links.spread(values)
    power = -(fine * links.into(fine)).sum()
    assert -(values * coarse.into(values)).sum() == pytest.approx(float(power), rel=1e-5)


def test_a_volume_is_driven_on_a_device_by_its_name():
    phases = drawn("insulating", (24, 20, 28))
    for axis in range(3):
        drives = [Drive(axis, tensor=True, device=device) for device in ("cpu", "cpu:0")]
        own, there = (effective_conductivity(phases, {0: 0.0, 1: 2.0}, each) for each in drives)
        assert there.effective == pytest.approx(own.effective, rel=2e-6)
        assert there.column == pytest.approx(own.column, abs=2e-3)
        assert there.error != own.error


def test_a_gpu_that_is_missing_or_too_small_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="`device` must be cpu on this machine"):
        check_gpu_memory(10)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (8 << 30, 16 << 30))
    check_gpu_memory(512**3 // 2)
    with pytest.raises(MemoryError, match=r"the GPU must have 72.0 GiB free .* got 8.0 GiB"):
        check_gpu_memory(1024**3)


@pytest.mark.gpu
def test_a_gpu_comes_to_the_same(monkeypatch):
    lattice = lattice_of("three", (64, 64, 64), periodic=False)
    exact = solve_lattice(lattice, tolerance=1e-6, most=500)
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    found = solve_on_device(lattice, periodic=False, device="cuda", tolerance=1e-4, most=200)
    assert found.energy == pytest.approx(exact.energy, rel=1e-5)
    assert torch.cuda.max_memory_allocated() - before <= solving.FOR_VOXEL * 64**3 + (8 << 20)
