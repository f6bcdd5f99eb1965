"""A folder of results: one job at a time, and nothing in it that changes unnoticed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.engine.jobs.lock import OutputBusyError
from poroscale.engine.jobs.work import held_folder
from poroscale.io.ingest import ingest
from poroscale.io.ingest_config import IngestConfig
from poroscale.manifest import Manifest, record_results
from poroscale.pipelines.analyse import AnalyseConfig, analyse
from poroscale.pipelines.checks import verify
from poroscale.pipelines.info import info
from poroscale.pore_analysis import PoresConfig, measure_pores
from poroscale.segmentation import OtsuConfig
from poroscale.volume import Volume, VolumeSpec
from tests.segmentation.thresholds.test_otsu import coupon

CONFIG = AnalyseConfig(
    ingest=IngestConfig(voxel_size=4.0), segment=OtsuConfig(sensitivity=()), pores=PoresConfig()
)


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    """A scan and the folder of its results."""
    folder = tmp_path_factory.mktemp("analysed")
    np.save(folder / "scan.npy", coupon((16, 40, 48), pores=20))
    analyse([folder / "scan.npy"], folder / "results", config=CONFIG)
    return folder / "scan.npy", folder / "results"


@pytest.fixture
def results(analysed, tmp_path):
    """A copy of the results to be damaged."""
    return Path(shutil.copytree(analysed[1], tmp_path / "results"))


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


FILES = ["pores.parquet", "report.html", "report.json", "labels.zarr/components.parquet"]


def test_whole_results_have_no_problem(results):
    assert verify(results) == []
    assert any("results" in line and "report.html" in line for line in info(results))


@pytest.mark.parametrize("name", FILES)
def test_verify_names_a_flipped_bit_of_any_product(name, results):
    flip(results / name)
    assert any(f"{results / name} is damaged" in problem for problem in verify(results))


@pytest.mark.parametrize("name", ["pores.parquet", "report.html", "labels.zarr", "phases.zarr"])
def test_verify_names_what_is_gone(name, results):
    gone = results / name
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    assert any(f"{gone} is missing" in problem for problem in verify(results))


def test_verify_names_an_output_that_was_replaced(results):
    shutil.rmtree(results / "labels.zarr")
    volume_from_array(np.ones((16, 40, 48), np.uint32), results / "labels.zarr")
    assert any("labels.zarr was replaced" in problem for problem in verify(results))


@pytest.mark.parametrize("name", ["pores.parquet", "labels.zarr/components.parquet"])
def test_a_damaged_table_is_refused_by_its_readers(name, results, analysed):
    flip(results / name)
    if name != "pores.parquet":
        (results / "pores.parquet").unlink()
    with pytest.raises(OSError, match=f"{results / name} is damaged"):
        analyse([analysed[0]], results, config=CONFIG)


def test_a_volume_without_its_manifest_is_not_taken_for_one(results):
    shutil.rmtree(results / "phases.zarr" / ".poroscale")
    with pytest.raises(ValueError, match="lost its manifest"):
        Volume.open(results / "phases.zarr")
    assert any("phases.zarr" in problem for problem in verify(results / "phases.zarr"))


def test_a_second_analysis_is_refused_at_once(analysed, tmp_path):
    with held_folder(tmp_path / "out"), pytest.raises(OutputBusyError, match="is being written"):
        analyse([analysed[0]], tmp_path / "out", config=CONFIG, run=Run(overwrite=True))


def test_a_folder_of_results_is_never_overwritten_by_a_volume(results):
    spec = VolumeSpec((2, 3, 4), np.uint8, (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="is a folder of results"):
        volume_from_array(np.ones((2, 3, 4)), results, spec=spec, run=Run(overwrite=True))
    assert (results / "pores.parquet").exists()


def test_a_refused_scan_leaves_nothing_in_the_way(tmp_path):
    bad, good = tmp_path / "bad.npy", tmp_path / "good.npy"
    grey = coupon((8, 30, 32)).astype(np.float32)
    np.save(good, grey)
    grey[2, 3, 4] = np.nan
    np.save(bad, grey)
    out = tmp_path / "scan.zarr"
    with pytest.raises(ValueError, match="NaN"):
        ingest(bad, out, config=IngestConfig(voxel_size=4.0))
    assert not out.exists()
    ingest(good, out, config=IngestConfig(voxel_size=4.0))


def test_half_floats_are_refused_with_the_way_out(tmp_path):
    np.save(tmp_path / "half.npy", coupon((8, 30, 32)).astype(np.float16))
    with pytest.raises(TypeError, match="`dtype` float32"):
        ingest(tmp_path / "half.npy", tmp_path / "a.zarr", config=IngestConfig(voxel_size=4.0))
    config = IngestConfig(voxel_size=4.0, dtype="float32")
    assert ingest(tmp_path / "half.npy", tmp_path / "b.zarr", config=config).dtype == np.float32


def test_a_pore_value_that_the_type_cannot_hold(results, tmp_path):
    phases = Volume.open(results / "phases.zarr")
    with pytest.raises(ValueError, match="`pore` must be a value that uint8 can hold, got 999"):
        measure_pores(phases, tmp_path / "out", config=PoresConfig(pore=999))
    assert not (tmp_path / "out" / "pores.parquet").exists()


def test_results_add_up(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    record_results(tmp_path, files=["a.txt"])
    record_results(tmp_path, files=["b.txt"])
    assert set(Manifest.load(tmp_path).files) == {"a.txt", "b.txt"}


def test_a_killed_analysis_is_no_volume_to_be_overwritten(tmp_path):
    results = tmp_path / "results"
    (results / ".poroscale").mkdir(parents=True)
    (results / "notes.txt").write_text("mine")
    spec = VolumeSpec((2, 3, 4), np.uint8, (1.0, 1.0, 1.0))
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="a folder with other files in it"):
            volume_from_array(np.ones((2, 3, 4)), results, spec=spec, run=Run(overwrite=overwrite))
    assert (results / "notes.txt").read_text() == "mine"


def test_a_volume_is_no_folder_for_results(results):
    phases = Volume.open(results / "phases.zarr")
    with pytest.raises(ValueError, match="is a volume and must be a folder"):
        measure_pores(phases, results / "labels.zarr")
    assert verify(results) == []


def test_notes_beside_a_volume_survive_its_replacement(tmp_path):
    volume_from_array(np.ones((2, 3, 4)), tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "notes.txt").write_text("mine")
    volume_from_array(np.zeros((2, 3, 4)), tmp_path / "a.zarr", run=Run(overwrite=True))
    assert (tmp_path / "a.zarr" / "notes.txt").read_text() == "mine"


def test_overwrite_mends_a_damaged_manifest(tmp_path):
    volume_from_array(np.ones((2, 3, 4)), tmp_path / "a.zarr")
    flip(tmp_path / "a.zarr" / ".poroscale" / "manifest.json")
    with pytest.raises(OSError, match="is damaged"):
        volume_from_array(np.ones((2, 3, 4)), tmp_path / "a.zarr")
    made = volume_from_array(np.ones((2, 3, 4)), tmp_path / "a.zarr", run=Run(overwrite=True))
    assert made.read().sum() == 24


def test_pages_of_an_older_table_are_no_longer_vouched_for(results):
    phases = Volume.open(results / "phases.zarr")
    config = PoresConfig(connectivity=26)
    measure_pores(phases, results, config=config, run=Run(overwrite=True))
    assert "report.html" not in Manifest.load(results).files
    assert verify(results) == []


def test_a_scan_inside_the_folder_of_its_results_can_be_analysed_again(tmp_path):
    np.save(tmp_path / "scan.npy", coupon((8, 30, 32)))
    first = analyse([tmp_path / "scan.npy"], tmp_path, config=CONFIG)
    assert analyse([tmp_path / "scan.npy"], tmp_path, config=CONFIG) == first


def test_what_a_killed_segmentation_left_is_swept(results, analysed):
    shutil.copytree(results / "scan.zarr", results / "phases.zarr.work")
    analyse([analysed[0]], results, config=CONFIG)
    assert not (results / "phases.zarr.work").exists()
