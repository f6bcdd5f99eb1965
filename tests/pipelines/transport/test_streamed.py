"""The verb `transport` where the solution streams: its choice, its files, and how it resumes."""

import json

import numpy as np
import pytest

import poroscale as ps
from poroscale.engine import Run, volume_from_array
from poroscale.engine.plan import MIB, baseline_bytes
from poroscale.pipelines.transport.settings import ConductionConfig, FlowConfig, TransportConfig
from poroscale.pipelines.transport.settings import TransportSettings as Settings
from poroscale.pipelines.transport.transport import plan_transport, transport
from poroscale.transport.conduction.streamed import solving
from poroscale.volume import VolumeSpec
from tests.transport.conduction.media import blobs

QUIET = Run(progress=False, workers=1)
PHASES = blobs(24, seed=3, share=0.6)[:, :20, :22]


def settings(phases="0=0,1=2", solver="streamed", **given):
    return Settings(TransportConfig(**given), ConductionConfig(phases=phases, solver=solver))


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    spec = VolumeSpec(PHASES.shape, PHASES.dtype, (2.0, 1.0, 1.0))
    path = tmp_path_factory.mktemp("streamed") / "v.zarr"
    return volume_from_array(PHASES, path, spec=spec, run=QUIET)


def test_both_solvers_give_one_result(volume, tmp_path):
    asked = {"axis": "all", "tensor": True, "fields": True, "tolerance": 2e-3}
    found = {}
    for solver in ("memory", "streamed"):
        transport(volume, tmp_path / solver, config=settings(solver=solver, **asked), run=QUIET)
        found[solver] = json.loads((tmp_path / solver / "transport.json").read_text())
    held, streamed = found.values()
    for mine, theirs in zip(streamed["axes"], held["axes"], strict=True):
        assert (mine["solver"], theirs["solver"]) == ("streamed", "memory")
        assert mine["effective"] == pytest.approx(theirs["effective"], rel=1e-4)
        assert mine["error"] < 2e-3 * mine["effective"]
        assert mine["effective_fraction"] == theirs["effective_fraction"]
        carry = mine["effective_fraction"] * PHASES.size
        assert mine["streamed"]["read_bytes"] == pytest.approx(28 * carry)
        assert mine["streamed"]["written_bytes"] == pytest.approx(12 * carry)
    assert np.array(streamed["tensor"]) == pytest.approx(np.array(held["tensor"]), abs=1e-3)
    pages = [(tmp_path / solver / "transport.html").read_text() for solver in found]
    assert pages[0].count("no way from here") == pages[1].count("no way from here") > 0
    for each in (tmp_path / "memory" / "fields").glob("*.zarr"):
        known, mine = ps.open(each), ps.open(tmp_path / "streamed" / "fields" / each.name)
        assert mine.voxel_size == known.voxel_size
        assert mine.read() == pytest.approx(known.read(), abs=0.03, nan_ok=True)
    assert ps.verify(tmp_path / "streamed") == []
    assert not (tmp_path / "streamed" / "streamed.work").exists()


def test_the_plan_chooses_by_the_budget(volume, monkeypatch):
    config = settings(solver="auto")
    assert list(plan_transport(volume, config=config, run=QUIET).stages) == ["transport"]
    by_conduction = "poroscale.pipelines.transport.properties.by_conduction"
    too_much = __import__(by_conduction, fromlist=["need"])
    monkeypatch.setattr(too_much, "need", lambda given: 4 << 30)
    plan = plan_transport(volume, config=config, run=QUIET)
    assert list(plan.stages) == ["phases", "aggregates", "descend", "rise", "flux"]
    assert "streamed in slabs of 16 planes" in str(plan)
    assert "reads 28 and writes 12 bytes for each voxel that carries current" in str(plan)
    assert plan.disk > 20 * np.count_nonzero(PHASES)
    plan = plan_transport(volume, config=settings(solver="auto", axis="all"), run=QUIET)
    assert list(plan.jobs) == ["along z", "along y", "along x"]
    with pytest.raises(MemoryError, match=r"memory must be at least .* 'transport'"):
        plan_transport(volume, config=settings(solver="memory"), run=QUIET)
    little = QUIET.but(memory=baseline_bytes() + 10 * MIB)
    with pytest.raises(MemoryError, match=r"memory must be at least .* raise `memory`"):
        plan_transport(volume, config=config, run=little)


def test_a_flow_has_no_such_solver():
    given = Settings(
        TransportConfig(property="permeability"),
        ConductionConfig(solver="streamed"),
        FlowConfig(pore="0"),
    )
    with pytest.raises(ValueError, match="`solver` must not be given where `property` is perm"):
        given.check()


class Interrupted(Exception):
    """Stands for a process that is killed."""


def test_an_ended_run_goes_on_and_leaves_the_same_bytes(volume, tmp_path, monkeypatch):
    config, done = settings(axis="all", fields=True), []
    transport(volume, tmp_path / "whole", config=config, run=QUIET)
    original = solving.rise_slab

    def counted(*given, **named):
        if len(done) == 12:
            raise Interrupted
        done.append(named["slabs"].medium.drive.axis)
        return original(*given, **named)

    monkeypatch.setattr(solving, "rise_slab", counted)
    with pytest.raises(Interrupted):
        transport(volume, tmp_path / "out", config=config, run=QUIET)
    assert set(done) == {0, 1}
    other = settings(axis="all", fields=True, phases="0=0,1=3")
    with pytest.raises(ValueError, match="was begun with other input or settings"):
        transport(volume, tmp_path / "out", config=other, run=QUIET)
    monkeypatch.setattr(solving, "rise_slab", original)
    transport(volume, tmp_path / "out", config=config, run=QUIET)
    names = [f"fields/{axis}_flux_z.zarr/0/c/0/0/0" for axis in "zyx"]
    for name in ("transport.json", "transport.html", *names):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "out" / "streamed.work").exists()


def test_no_path_is_told(as_volume, tmp_path):
    phases = np.ones((6, 6, 6), np.uint8)
    phases[3] = 0
    found = transport(as_volume(phases), tmp_path / "out", config=settings(), run=QUIET)
    assert "0, because no path joins the two faces" in next(iter(found.describe()))
    assert not (tmp_path / "out" / "streamed.work").exists()
