"""Streamed solutions beside solutions in memory, for any slabs, workers and interruptions."""

import json
from dataclasses import replace

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.transport.conduction.effective import (
    Drive,
    NotConvergedError,
    effective_conductivity,
)
from poroscale.transport.conduction.streamed import planning, solving
from poroscale.transport.conduction.streamed.conductivity import streamed_conductivity
from poroscale.transport.conduction.streamed.planning import plan_slabs
from poroscale.transport.conduction.streamed.slabs import SlabMedium
from poroscale.volume import VolumeSpec
from tests.transport.conduction.media import blobs

QUIET = Run(progress=False, workers=2)
TWO = blobs(24, seed=3, share=0.6)[:13, :12, :11]
THREE = TWO + (blobs(24, seed=4, share=0.3)[:13, :12, :11] & TWO)
NOISE = (np.random.default_rng(0).random((13, 12, 11)) < 0.6).astype(np.uint8)
PORES, CONTRAST = {0: 0.0, 1: 2.0}, {0: 1e-3, 1: 1.0}
SIZE = (2.0, 1.0, 0.5)


def made(folder, phases):
    spec = VolumeSpec(phases.shape, phases.dtype, SIZE, chunks=(8, 16, 16))
    return volume_from_array(phases, folder / "v.zarr", spec=spec, run=QUIET)


def solve(volume, known, drive, work, *, planes, run=QUIET, see=None, coarse=None):
    phases = volume.read()
    counts = {int(v): int(n) for v, n in zip(*np.unique(phases, return_counts=True), strict=True)}
    medium = SlabMedium(volume, known, drive)
    conducting = sum(n for value, n in counts.items() if known[value] > 0)
    layout = plan_slabs(medium, conducting, run.but(block=(planes,) * 3))
    if coarse is not None:
        layout = replace(layout, coarse=coarse)
    work.mkdir(exist_ok=True)
    return streamed_conductivity(medium, counts, layout, work, run, see=see)


@pytest.mark.parametrize(
    ("phases", "known", "axis", "sides", "planes"),
    [
        (TWO, PORES, 0, "closed", 2),
        (TWO, PORES, 0, "mirrored", 4),
        (TWO, PORES, 1, "periodic", 2),
        (TWO, PORES, 2, "closed", 64),
        (TWO, CONTRAST, 0, "periodic", 4),
        (TWO, CONTRAST, 2, "closed", 16),
        (THREE, {0: 0.0, 1: 1.0, 2: 0.1}, 0, "closed", 2),
        (THREE, {0: 0.2, 1: 1.0, 2: 0.1}, 1, "periodic", 4),
        (NOISE, PORES, 0, "closed", 2),
        (NOISE, CONTRAST, 1, "closed", 4),
        (TWO[:, :1], PORES, 0, "periodic", 2),
        (TWO[:2], PORES, 0, "closed", 2),
    ],
)
def test_the_value_is_that_of_the_solution_in_memory(tmp_path, phases, known, axis, sides, planes):
    drive = Drive(axis, voxel_size=SIZE, sides=sides, tolerance=1e-3)
    found = solve(made(tmp_path, phases), known, drive, tmp_path / "work", planes=planes).found
    exact = effective_conductivity(
        phases, known, Drive(axis, voxel_size=SIZE, sides=sides, tolerance=1e-6)
    )
    true = exact.effective
    assert found.effective - found.error <= true <= found.effective * (1 + 1e-7)
    assert found.error <= 1e-3 * found.effective
    for name in ("axis", "fraction", "effective_fraction"):
        assert getattr(found, name) == getattr(exact, name)
    assert found.mean == pytest.approx(exact.mean)


def test_aggregates_of_four_give_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "EDGES", (4,))
    drive = Drive(0, voxel_size=SIZE)
    found = solve(made(tmp_path, TWO), CONTRAST, drive, tmp_path / "work", planes=4)
    exact = effective_conductivity(TWO, CONTRAST, Drive(0, voxel_size=SIZE, tolerance=1e-6))
    assert found.told["aggregate_edge"] == 4
    assert found.found.effective == pytest.approx(exact.effective, rel=1e-4)


def test_larger_aggregates_where_more_are_found_than_fit(tmp_path):
    """As many as 4x4x4 voxels give may be held here, then none."""
    volume, drive = made(tmp_path, TWO), Drive(0, voxel_size=SIZE, tolerance=1e-3)
    few = planning.OF_NODE * TWO.size // 15
    found = solve(volume, CONTRAST, drive, tmp_path / "few", planes=8, coarse=few)
    assert found.told["aggregate_edge"] == 4
    known = solve(volume, CONTRAST, drive, tmp_path / "many", planes=8)
    assert known.told["aggregate_edge"] == 2
    assert found.found.effective == pytest.approx(known.found.effective, rel=1e-3)
    with pytest.raises(MemoryError, match=r"must hold .* MiB of aggregates .* raise `memory`"):
        solve(volume, CONTRAST, drive, tmp_path / "none", planes=8, coarse=0)


def test_noise_mixes_kinds_where_memory_does_not_hold_them_apart(tmp_path):
    """The bound of the error is more careful then, and so there are more iterations."""
    volume, drive = made(tmp_path, NOISE), Drive(0, voxel_size=SIZE, tolerance=1e-2)
    apart = solve(volume, CONTRAST, drive, tmp_path / "apart", planes=4).found
    few = planning.OF_NODE * NOISE.size // 5
    mixed = solve(volume, CONTRAST, drive, tmp_path / "mixed", planes=4, coarse=few).found
    for name, known in (("apart", False), ("mixed", True)):
        assert json.loads((tmp_path / name / "course.json").read_text())["mixed"] is known
    exact = effective_conductivity(NOISE, CONTRAST, Drive(0, voxel_size=SIZE, tolerance=1e-6))
    for found in (apart, mixed):
        assert found.effective - found.error <= exact.effective <= found.effective * (1 + 1e-6)
    assert mixed.iterations > apart.iterations


def test_column_slices_and_fields_are_those_of_the_solution_in_memory(tmp_path):
    drive, kept, known = Drive(2, voxel_size=SIZE, tolerance=1e-3, tensor=True), {}, {}

    def keep(fields):
        whole = (0, 0, 0), TWO.shape
        kept["potential"] = fields.potential().kernel(*whole)
        kept["flux"] = [fields.flux(axis).kernel(*whole) for axis in range(3)]
        part = fields.flux(0).kernel((3, 5, 2), (9, 4, 7))
        assert np.array_equal(part, kept["flux"][0][3:12, 5:9, 2:9])

    def see(fields):
        known["potential"] = fields.potential()
        known["flux"] = [fields.flux(axis) for axis in range(3)]

    volume = made(tmp_path, TWO)
    found = solve(volume, PORES, drive, tmp_path / "work", planes=4, see=keep)
    exact = effective_conductivity(TWO, PORES, drive, see=see)
    assert found.found.column == pytest.approx(exact.column, abs=1e-3)
    assert found.found.column_error == pytest.approx(exact.column_error, rel=1, abs=1e-3)
    assert kept["potential"] == pytest.approx(known["potential"], abs=2e-3, nan_ok=True)
    for mine, theirs in zip(kept["flux"], known["flux"], strict=True):
        assert mine == pytest.approx(theirs, abs=2e-2)
        assert mine.mean() == pytest.approx(theirs.mean(), abs=1e-3)
    potential, flux = found.slices
    assert np.array_equal(potential.T, kept["potential"][:, 6], equal_nan=True)
    assert np.array_equal(flux.T, kept["flux"][2][:, 6])


def test_no_path_and_no_conductor(tmp_path):
    phases = TWO.copy()
    phases[7] = 0
    drive = Drive(0, voxel_size=SIZE, tensor=True)
    found = solve(made(tmp_path, phases), PORES, drive, tmp_path / "work", planes=2)
    assert (found.found.effective, found.found.percolates, found.slices) == (0, False, None)
    assert found.found.column == (0, 0, 0)
    nothing = {0: 0.0, 1: 0.0}
    found = solve(made(tmp_path, phases), nothing, drive, tmp_path / "other", planes=4)
    assert (found.found.effective, found.found.fraction) == (0, 0)


def test_a_uniform_medium_needs_no_iteration(tmp_path):
    volume = made(tmp_path, np.ones((9, 8, 7), np.uint8))
    found = solve(volume, {1: 3.0}, Drive(1, voxel_size=SIZE), tmp_path / "work", planes=2).found
    assert (found.effective, found.iterations) == (pytest.approx(3, rel=1e-6), 0)


def test_workers_do_not_change_a_bit_and_slabs_no_more_than_the_error(tmp_path):
    volume, drive = made(tmp_path, TWO), Drive(0, voxel_size=SIZE, tolerance=1e-3)
    one, three, thick = (
        solve(
            volume,
            CONTRAST,
            drive,
            tmp_path / f"{planes}-{workers}",
            planes=planes,
            run=QUIET.but(workers=workers),
        )
        for planes, workers in ((2, 1), (2, 3), (8, 2))
    )
    assert one.found == three.found
    assert all(map(np.array_equal, one.slices, three.slices, [True, True]))
    low, high = one.found.effective - one.found.error, one.found.effective
    assert thick.found.effective >= low
    assert thick.found.effective - thick.found.error <= high


def test_worker_processes_give_the_same_bits(tmp_path, scheduler):
    volume, drive = made(tmp_path, TWO), Drive(1, voxel_size=SIZE, tolerance=1e-2)
    run = QUIET.but(cluster=scheduler, workers=None)
    found = solve(volume, PORES, drive, tmp_path / "far", planes=4, run=run)
    known = solve(volume, PORES, drive, tmp_path / "here", planes=4)
    assert found.found == known.found
    assert all(map(np.array_equal, found.slices, known.slices, [True, True]))


class Interrupted(Exception):
    """Stands for a process that is killed."""


@pytest.mark.parametrize(
    ("task", "calls"), [("descend_slab", 3), ("rise_slab", 12), ("descend_slab", 30)]
)
def test_an_interrupted_solution_goes_on_where_it_was(tmp_path, monkeypatch, task, calls):
    """In the first pass, between slabs of a later one, and after some iterations."""
    volume, drive = made(tmp_path, TWO), Drive(0, voxel_size=SIZE, tolerance=1e-4)
    whole = solve(volume, PORES, drive, tmp_path / "whole", planes=2)
    done = []

    def counted(*given, **named):
        if len(done) == calls:
            raise Interrupted
        done.append(given[1])
        return original(*given, **named)

    original = getattr(solving, task)
    monkeypatch.setattr(solving, task, counted)
    one = QUIET.but(workers=1)
    with pytest.raises(Interrupted):
        solve(volume, PORES, drive, tmp_path / "work", planes=2, run=one)
    calls = 10**6
    again = solve(volume, PORES, drive, tmp_path / "work", planes=4, run=one)
    assert again.found == whole.found
    assert all(map(np.array_equal, again.slices, whole.slices, [True, True]))
    slabs, passes = -(-len(TWO) // 2), whole.found.iterations + (task == "descend_slab")
    assert len(done) == slabs * passes
    assert not list((tmp_path / "work").glob("*-*"))
    third = solve(volume, PORES, drive, tmp_path / "work", planes=2)
    assert third.found == whole.found
    assert len(done) == slabs * passes


def test_more_iterations_go_on_from_where_they_ended(tmp_path):
    volume = made(tmp_path, TWO)
    few = Drive(0, voxel_size=SIZE, iterations=2)
    with pytest.raises(NotConvergedError, match="after 2 iterations; raise `iterations`"):
        solve(volume, PORES, few, tmp_path / "work", planes=2)
    more = Drive(0, voxel_size=SIZE)
    found = solve(volume, PORES, more, tmp_path / "work", planes=2)
    assert found.found == solve(volume, PORES, more, tmp_path / "whole", planes=2).found
