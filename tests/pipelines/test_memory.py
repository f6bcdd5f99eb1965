"""A job is refused before its first stage, by a number that is enough for all of them."""

import re

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.engine.plan import MIB, release_memory
from poroscale.io.ingest_config import IngestConfig
from poroscale.pipelines.analyse import AnalyseConfig, analyse
from poroscale.pipelines.compare import compare_parts, surface_of
from poroscale.pore_analysis import measure_pores
from poroscale.segmentation import LocalConfig, OtsuConfig, segment_scan
from poroscale.volume import Volume, VolumeSpec
from tests.pipelines.test_results import coupon

SHAPE = (24, 150, 150)
LITTLE = Run(memory="50MiB", workers=2)


def asked(refused):
    """MiB that a refusal asks for; it names the stage."""
    found = re.search(r"must be at least ([\d,]+) MiB for the step '[^']+' in", str(refused.value))
    assert found, refused.value
    return int(found[1].replace(",", ""))


@pytest.fixture
def scan(tmp_path):
    np.save(tmp_path / "scan.npy", coupon(SHAPE))
    return tmp_path / "scan.npy"


@pytest.fixture
def stored(tmp_path):
    spec = VolumeSpec(SHAPE, np.dtype(np.uint16), (5.0, 5.0, 5.0), attributes={"kind": "scan"})
    return volume_from_array(coupon(SHAPE).astype(np.uint16), tmp_path / "scan.zarr", spec=spec)


@pytest.fixture
def phases(tmp_path):
    values = np.where(coupon(SHAPE) > coupon(SHAPE).mean(), 1, 0).astype(np.uint8)
    values[10:14, 70:74, 70:74] = 2
    about = VolumeSpec(values.shape, values.dtype, (5.0, 5.0, 5.0), attributes={"kind": "phases"})
    return volume_from_array(values, tmp_path / "phases.zarr", spec=about)


@pytest.mark.parametrize("segment", [LocalConfig(), OtsuConfig()])
def test_what_is_asked_for_is_enough(segment, scan, tmp_path):
    out = tmp_path / "out"
    config = AnalyseConfig(ingest=IngestConfig(voxel_size=5.0), segment=segment)
    with pytest.raises(MemoryError) as refused:
        analyse([scan], out, config=config, run=LITTLE)
    assert not out.exists()
    release_memory()
    (found,) = analyse([scan], out, config=config, run=LITTLE.but(memory=asked(refused) * MIB))
    assert found.table.exists()


def test_a_comparison_is_refused_before_it_measures(phases, tmp_path):
    other = phases.path.with_name("other.zarr")
    volume_from_array(phases.read()[::-1].copy(), other, spec=phases.spec)
    out = tmp_path / "out"
    with pytest.raises(MemoryError) as refused:
        compare_parts([phases], [Volume.open(other)], out, run=LITTLE)
    assert asked(refused) > 50
    assert not out.exists()


def test_verbs_are_refused_before_they_begin(stored, phases, tmp_path):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(MemoryError) as segmenting:
        segment_scan(stored, tmp_path / "new.zarr", run=LITTLE)
    with pytest.raises(MemoryError) as measuring:
        measure_pores(phases, tmp_path / "out", run=LITTLE)
    assert min(asked(segmenting), asked(measuring)) > 50
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_finished_is_left_alone_whatever_the_memory(phases, tmp_path):
    table = measure_pores(phases, tmp_path / "out", run=Run(workers=2))
    assert measure_pores(phases, tmp_path / "out", run=LITTLE.but(memory="8GiB")) == table


def test_only_a_volume_without_a_surface_is_compared_without_one(tmp_path):
    spec = VolumeSpec((24, 24, 24), np.dtype(np.uint8), (5.0, 5.0, 5.0))
    rock = np.ones(spec.shape, np.uint8)
    whole = volume_from_array(rock, tmp_path / "rock.zarr", spec=spec)
    assert surface_of(whole, tmp_path / "rock", Run()) is None
    # The name of the folder is in the sentence: it must not decide.
    empty = volume_from_array(0 * rock, tmp_path / "surface.zarr", spec=spec)
    with pytest.raises(ValueError, match="holds no part"):
        surface_of(empty, tmp_path / "none", Run())
