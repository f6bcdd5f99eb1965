"""The verb `transport`: its files, its plan, and what it refuses."""

import json
import tracemalloc

import numpy as np
import pytest

import poroscale as ps
from poroscale.engine import Run, volume_from_array
from poroscale.pipelines.transport.properties import by_conduction
from poroscale.pipelines.transport.properties.contract import TransportInput
from poroscale.pipelines.transport.settings import ConductionConfig, TransportConfig
from poroscale.pipelines.transport.settings import TransportSettings as Settings
from poroscale.pipelines.transport.transport import plan_transport, transport
from poroscale.transport.conduction.effective import Drive, effective_conductivity
from poroscale.volume import VolumeSpec
from tests.transport.conduction.media import blobs

QUIET = Run(progress=False)
PHASES = blobs(24, seed=3, share=0.6)[:, :20, :22]


def settings(phases="0=0,1=2", **given):
    return Settings(TransportConfig(**given), ConductionConfig(phases=phases))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A volume, a folder with all that can be asked for, and what was returned."""
    folder = tmp_path_factory.mktemp("transport")
    spec = VolumeSpec(PHASES.shape, PHASES.dtype, (2.0, 1.0, 1.0))
    volume = volume_from_array(PHASES, folder / "v.zarr", spec=spec, run=QUIET)
    config = settings(axis="all", tensor=True, fields=True)
    return volume, folder / "out", transport(volume, folder / "out", config=config, run=QUIET)


def test_numbers_are_those_of_the_array(made):
    volume, out, _ = made
    numbers = json.loads((out / "transport.json").read_text())
    assert (numbers["property"], numbers["axis"]) == ("diffusivity", "all")
    assert numbers["boundary"] == {"driven": "values fixed on the outer faces", "sides": "closed"}
    for axis, entry in enumerate(numbers["axes"]):
        drive = Drive(axis, voxel_size=volume.voxel_size, tensor=True)
        known = effective_conductivity(PHASES, {0: 0.0, 1: 2.0}, drive)
        assert entry["axis"] == "zyx"[axis]
        assert entry["effective"] == pytest.approx(known.effective, rel=1e-8)
        assert entry["error"] == pytest.approx(known.error, rel=1e-6)
        assert entry["effective_fraction"] == pytest.approx(known.effective_fraction)
        assert entry["tortuosity_factor"] == pytest.approx(2 * PHASES.mean() / known.effective)
        assert [row[axis] for row in numbers["tensor"]] == pytest.approx(known.column)


def test_fields_are_volumes_whose_means_are_the_tensor(made):
    volume, out, found = made
    assert len(list((out / "fields").glob("*.zarr"))) == 12
    for axis, name in enumerate("zyx"):
        potential = ps.open(out / "fields" / f"{name}_potential.zarr")
        assert potential.voxel_size == volume.voxel_size
        carrying = np.isfinite(potential.read())
        assert carrying.mean() == pytest.approx(found.axes[axis].numbers["effective_fraction"])
        for row, along in enumerate("zyx"):
            flux = ps.open(out / "fields" / f"{name}_flux_{along}.zarr").read()
            assert flux.mean() == pytest.approx(found.tensor[row][axis], rel=1e-3, abs=1e-5)
    assert ps.verify(out) == []


def test_a_second_run_writes_the_same_bytes_and_removes_what_is_not_asked_for(made, tmp_path):
    volume, _, _ = made
    out = tmp_path / "out"
    transport(volume, out, config=settings(axis="y", fields=True), run=QUIET)
    first = (out / "transport.html").read_bytes()
    assert (out / "fields").is_dir()
    found = transport(volume, out, config=settings(axis="y"), run=QUIET.but(workers=2))
    assert (out / "transport.html").read_bytes() == first
    assert not (out / "fields").exists()
    numbers = json.loads((out / "transport.json").read_text())
    assert numbers["effective"] == numbers["axes"][0]["effective"]
    assert (numbers["axis"], found.tensor) == ("y", None)


def test_the_public_verb_takes_arrays_and_mappings(tmp_path):
    given = {"phases": {0: 0.5, 1: 1.0}, "property": "conductivity", "voxel_size": 2.0}
    found = ps.transport(PHASES, tmp_path / "out", **given)
    known = effective_conductivity(PHASES, {0: 0.5, 1: 1.0})
    assert found.axes[0].numbers["effective"] == pytest.approx(known.effective, rel=1e-12)
    assert found.about["property"] == "conductivity"


def test_the_verb_stays_a_verb_after_its_mathematics_are_imported():
    import poroscale.transport.conduction.effective

    assert poroscale is ps
    assert callable(ps.transport)


def test_no_path_is_told_and_written(as_volume, tmp_path):
    phases = np.ones((6, 6, 6), np.uint8)
    phases[:, 3] = 0
    volume = as_volume(phases)
    found = transport(volume, tmp_path / "out", config=settings(axis="all"), run=QUIET)
    told = list(found.describe())
    assert "along y: 0, because no path joins the two faces" in told[1]
    assert "infinite" in told[1]
    numbers = json.loads((tmp_path / "out" / "transport.json").read_text())
    entry = numbers["axes"][1]
    assert (entry["effective"], entry["percolates"], entry["tortuosity_factor"]) == (0, False, None)
    assert "no path joins the faces" in (tmp_path / "out" / "transport.html").read_text()
    assert numbers["axes"][0]["effective"] == pytest.approx(2 * 5 / 6)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"phases": "1=1"}, "got none for 0"),
        ({"phases": None}, "`phases` must be given"),
        ({"phases": "0:1"}, "of the form VALUE=CONDUCTIVITY, as 1=0.5, got '0:1'"),
        ({"phases": "0=1,0=2"}, "one conductivity to 0, got two"),
        ({"phases": "0=1,1=-1"}, "0 or more, got 1=-1"),
        ({"phases": "0=nan,1=1"}, "0 or more, got 0=nan"),
        ({"phases": "0=inf,1=1"}, "0 or more, got 0=inf"),
        ({"axis": "x"}, "at least two voxels along the driven axis x, got 1"),
        ({"tensor": True}, "`axis` must be all where `tensor` is asked for, got z"),
    ],
)
def test_bad_input_is_one_sentence(as_volume, tmp_path, given, words):
    volume = as_volume(PHASES[:, :, :1])
    with pytest.raises(ValueError, match=words):
        transport(volume, tmp_path / "out", config=settings(**given), run=QUIET)
    assert not (tmp_path / "out").exists()


def test_what_does_not_converge_is_no_result(as_volume, tmp_path):
    config = settings(iterations=1, fields=True)
    with pytest.raises(ArithmeticError, match=r"must reach an error of 0.0001, got .* raise"):
        transport(as_volume(PHASES), tmp_path / "out", config=config, run=QUIET)
    assert not (tmp_path / "out").exists()


def test_scans_are_refused(as_volume, tmp_path):
    grey = as_volume(np.arange(1000, dtype=np.uint16).reshape(10, 10, 10))
    with pytest.raises(ValueError, match="at most 32 phases"):
        transport(grey, tmp_path / "out", config=settings(), run=QUIET)
    floats = as_volume(np.zeros((4, 4, 4), np.float32))
    with pytest.raises(TypeError, match="must hold phases"):
        transport(floats, tmp_path / "out", config=settings(), run=QUIET)


def test_a_budget_that_is_too_small_is_refused(as_volume, tmp_path):
    volume = as_volume(PHASES)
    plan = plan_transport(volume, config=settings(), run=QUIET)
    assert plan.peak < 2 << 30
    with pytest.raises(MemoryError, match=r"memory must be at least .* raise `memory`"):
        transport(volume, tmp_path / "out", config=settings(), run=QUIET.but(memory="280MiB"))


@pytest.mark.parametrize("phases", ["0=0,1=1", "0=0.1,1=1"])
def test_a_measurement_takes_no_more_than_is_planned(as_volume, phases):
    volume = as_volume(blobs(56, seed=10), chunks=(28, 28, 28))
    counts = {0: volume.shape[0] ** 3 // 2, 1: volume.shape[0] ** 3 // 2}
    given = TransportInput(volume, counts, settings(phases), lambda _name, values: values.copy())
    by_conduction.transport_along(given, 0)
    tracemalloc.start()
    by_conduction.transport_along(given, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < by_conduction.need(given)


def test_a_gpu_is_asked_for_only_where_there_is_one(as_volume, monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    volume = as_volume(np.ones((4, 4, 4), np.uint8))
    for solver, sentence in (
        ("auto", "`device` must be cpu on this machine, which has no GPU"),
        ("streamed", "`device` must be cpu with the solver streamed"),
    ):
        with pytest.raises(ValueError, match=sentence):
            ps.transport(volume, tmp_path / "a", phases={1: 1.0}, device="cuda", solver=solver)
