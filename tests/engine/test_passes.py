"""A pass says the same to the plan and to the run, and the verbs of kernels make one."""

import numpy as np
import pytest

from poroscale.engine import (
    Components,
    Halo,
    LabelPass,
    Pass,
    Reduction,
    Run,
    WindowPass,
    Windows,
    count_pass,
    fill_blocks,
    fill_pass,
    label_blocks,
    label_pass,
    map_blocks,
    map_pass,
    plan_job,
    reduce_blocks,
    reduce_pass,
    stage,
    stitch_pass,
    volume_from_array,
)
from poroscale.engine.passes import LEVELS, named, needs_of
from poroscale.engine.plan import Need
from poroscale.manifest import Manifest
from poroscale.volume import VolumeSpec

SHAPE = (12, 10, 14)
RUN = Run(workers=1, progress=False)


def raised(grey, *, by):
    return grey + np.uint16(by)


def ones(mask):
    return mask


def total(grey):
    return {"total": np.array([grey.sum()], np.int64)}


ADD = Reduction(
    total, lambda a, b: {"total": a["total"] + b["total"]}, lambda t: int(t["total"][0])
)


class Ramp:
    def __call__(self, origin, shape):
        return np.broadcast_to(np.arange(shape[2], dtype=np.uint16), shape).copy()


class Doubled:
    """Answers of a network that hold twice as much as its windows."""

    bound, outside, recipe = 16.0, 0.0, {"name": "doubled"}

    def __call__(self, patches):
        return patches * np.float32(1 / 128)

    def finish(self, values):
        return np.clip(values, 0, 1)


@pytest.fixture
def scan(tmp_path):
    values = np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE) % 100
    spec = VolumeSpec(SHAPE, np.dtype(np.uint16), (1.0, 1.0, 1.0), chunks=(4, 4, 4))
    return volume_from_array(values, tmp_path / "scan.zarr", spec=spec)


def mask_of(scan, folder):
    spec = scan.spec.but(dtype=np.dtype(bool))
    return volume_from_array(scan.read() < 5, folder / "mask.zarr", spec=spec)


@pytest.fixture
def needs(monkeypatch):
    """What each stage that runs needs, in order."""
    seen, planned = [], stage.make_plan

    def remember(shape, chunks, need, **how):
        seen.append(need)
        return planned(shape, chunks, need, **how)

    monkeypatch.setattr(stage, "make_plan", remember)
    return seen


MAP = Pass(
    "raised",
    raised,
    reads=(np.uint16,),
    writes=np.uint16,
    halo=Halo.of((1, 0, 2)),
    parameters={"by": 3},
    temporary=5.0,
)


def test_a_map_runs_with_the_need_that_was_planned(scan, needs, tmp_path):
    made = map_pass(MAP, scan, tmp_path / "out.zarr", run=RUN)
    np.testing.assert_array_equal(made.read(), scan.read() + 3)
    assert needs == [MAP.need]
    assert MAP.need == Need(read=2, write=2, halo=(1, 0, 2), temporary=5.0, stored=2)


def test_a_reduction_runs_with_the_need_that_was_planned(scan, needs):
    declared = Pass("sum", ADD, reads=(np.uint16,), temporary=3.0, driver=2, held=5)
    assert reduce_pass(declared, scan, run=RUN) == scan.read().sum()
    assert needs == [declared.need]
    assert declared.need == Need(read=2, temporary=3.0, driver=2, held=5, stored=0)


def test_a_sampler_runs_with_the_need_that_was_planned(needs, tmp_path):
    spec = VolumeSpec(SHAPE, np.dtype(np.uint16), (1.0, 1.0, 1.0), pyramid="mean")
    declared = Pass("ramp", Ramp(), writes=np.uint16, pyramid="mean", temporary=1.0, fixed=11)
    fill_pass(declared, tmp_path / "out.zarr", spec=spec, recipe={"sampler": "ramp"}, run=RUN)
    assert needs[0] == declared.need
    assert declared.need == Need(write=2, temporary=1.0, fixed=11, stored=2 * LEVELS)


def test_labels_run_with_the_need_that_was_planned(scan, needs, tmp_path):
    declared = LabelPass("pores", ones, reads=(bool,), writes=np.uint32, pyramid="max")
    mask = volume_from_array(
        scan.read() < 5, tmp_path / "mask.zarr", spec=scan.spec.but(dtype=bool)
    )
    needs.clear()
    found = label_pass(declared, mask, tmp_path / "out.zarr", run=RUN)
    assert needs[:2] == [declared.need, declared.painting]
    assert found.volume.read().max() == len(found.table())
    assert declared.need.later == declared.painting
    counted = count_pass(declared, mask, run=RUN)
    assert len(counted) == len(found.table())
    assert needs[-1] == declared.but(writes=None).need


def test_windows_run_with_the_need_that_was_planned(scan, needs, tmp_path):
    cut = Windows(8, 4)
    declared = WindowPass("scores", Doubled(), reads=(np.uint16,), windows=cut, shape=SHAPE)
    stitch_pass(declared, scan, tmp_path / "out.zarr", run=RUN)
    assert needs[:2] == [declared.need, declared.need]


def test_inputs_must_not_take_more_than_is_declared(scan, tmp_path):
    narrow = MAP.but(reads=(np.uint8,))
    with pytest.raises(TypeError, match="'raised' must take at most 1 bytes per voxel"):
        map_pass(narrow, scan, tmp_path / "out.zarr", run=RUN)
    assert not (tmp_path / "out.zarr").exists()


def test_a_kernel_and_the_pass_of_it_make_the_same_output(scan, tmp_path):
    halo = MAP.halo
    one = map_blocks(
        raised, scan, tmp_path / "a.zarr", dtype=np.uint16, halo=halo, parameters={"by": 3}, run=RUN
    )
    other = map_pass(MAP, scan, tmp_path / "b.zarr", run=RUN)
    assert Manifest.load(one.path).digest == Manifest.load(other.path).digest
    spec = VolumeSpec(SHAPE, np.dtype(np.uint16), (1.0, 1.0, 1.0))
    recipe = {"sampler": "ramp"}
    one = fill_blocks(Ramp(), tmp_path / "c.zarr", spec=spec, recipe=recipe, run=RUN)
    other = fill_pass(Pass("", Ramp()), tmp_path / "d.zarr", spec=spec, recipe=recipe, run=RUN)
    assert one.digest == other.digest
    mask = volume_from_array(
        scan.read() < 5, tmp_path / "mask.zarr", spec=scan.spec.but(dtype=bool)
    )
    parts = Components(ones, connectivity=18)
    declared = LabelPass("parts", ones, writes=np.uint32, pyramid="max", connectivity=18)
    one = label_blocks(parts, mask, tmp_path / "e.zarr", run=RUN).volume
    other = label_pass(declared, mask, tmp_path / "f.zarr", run=RUN).volume
    assert one.digest == other.digest
    assert reduce_blocks(ADD, scan, run=RUN) == reduce_pass(Pass("sum", ADD), scan, run=RUN)


def test_passes_of_a_family_have_different_titles():
    assert list(named(MAP, MAP.but(title="again"))) == ["raised", "again"]
    with pytest.raises(ValueError, match="different titles"):
        named(MAP, MAP)


def test_a_plan_prints_and_adds_up(scan):
    declared = named(MAP, Pass("sum", ADD, reads=(np.uint16,), temporary=3.0))
    plan = plan_job(scan.spec, declared, RUN, notes={"time": "about 5 s"})
    assert plan.stages.keys() == needs_of(declared).keys()
    assert plan.peak == max(each.projected for each in plan.stages.values())
    assert plan.disk == 2 * np.prod(SHAPE)
    lines = str(plan).splitlines()
    assert [line.split()[0] for line in lines] == ["raised", "sum", "all", "time"]
    assert lines[2].endswith(f"at most {plan.disk} bytes on disk")


def test_a_plan_of_several_jobs_names_their_inputs(scan):
    one = plan_job(scan.spec, named(MAP), RUN)
    both = type(one)(jobs={"a.tif": one, "b.tif": one})
    assert (both.peak, both.disk) == (one.peak, 2 * one.disk)
    assert str(both) == f"a.tif\n{one}\nb.tif\n{one}"


def test_a_budget_that_cannot_hold_a_pass_is_refused(scan):
    with pytest.raises(MemoryError, match="the step 'raised'"):
        plan_job(scan.spec, named(MAP), RUN.but(memory="1MiB"))
