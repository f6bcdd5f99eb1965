"""The command line: what it prints, what it refuses, and with which exit code."""

import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import tifffile

from poroscale.engine import volume_from_array
from poroscale.engine.workers import cluster
from poroscale.volume import Volume, VolumeSpec
from tests.segmentation.thresholds.test_otsu import coupon


@pytest.fixture
def stack(tmp_path):
    """A folder of TIFF slices of a small coupon."""
    folder = tmp_path / "slices"
    folder.mkdir()
    for k, grey in enumerate(coupon((24, 40, 48), pores=20)):
        tifffile.imwrite(folder / f"slice_{k:03}.tif", grey)
    return folder


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """The same coupon as a volume, for commands that only read it."""
    grey = coupon((24, 40, 48), pores=20)
    spec = VolumeSpec(grey.shape, grey.dtype, (4.0, 4.0, 4.0), attributes={"kind": "scan"})
    return volume_from_array(grey, tmp_path_factory.mktemp("scan") / "scan.zarr", spec=spec).path


def test_from_slices_to_table_step_by_step(poroscale, stack, tmp_path):
    scan, phases, out = tmp_path / "scan.zarr", tmp_path / "phases.zarr", tmp_path / "pores"
    assert poroscale("ingest", stack, scan, "--voxel-size", "4")[0] == 0
    code, shown, _ = poroscale("segment", scan, phases, "--min-voxels", 5)
    assert code == 0
    assert "porosity" in shown
    assert poroscale("pores", phases, out, "--bank")[0] == 0
    table = pd.read_parquet(out / "pores.parquet")
    record = Volume.open(phases).attributes["segmentation"]
    assert len(table) == record["pore_count"] > 3
    assert table["voxel_count"].sum() == (Volume.open(phases).read() == 2).sum()
    assert poroscale("verify", tmp_path)[0] == 0
    assert "pores.parquet" in poroscale("info", out)[1]
    csv = tmp_path / "pores.csv"
    assert poroscale("export", out / "pores.parquet", csv)[0] == 0
    assert len(pd.read_csv(csv)) == len(table)
    tiff = tmp_path / "scan.tif"
    assert poroscale("export", scan, tiff)[0] == 0
    np.testing.assert_array_equal(tifffile.imread(tiff), Volume.open(scan).read())


def test_analyse_gives_what_the_steps_give(poroscale, stack, tmp_path):
    out = tmp_path / "results"
    code, shown, _ = poroscale("analyse", stack, out, "--voxel-size", "4")
    assert code == 0
    assert "report.html" in shown
    for name in ("scan.zarr", "phases.zarr", "labels.zarr", "pores.parquet", "report.json"):
        assert (out / name).exists()
    assert not list(out.glob("*.work"))
    stamps = {file: file.stat().st_mtime_ns for file in out.rglob("c/*/*/*")}
    assert poroscale("analyse", stack, out, "--voxel-size", "4")[0] == 0
    assert stamps == {file: file.stat().st_mtime_ns for file in out.rglob("c/*/*/*")}


def test_batch_with_the_thresholds_of_the_first(poroscale, stack, tmp_path):
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, coupon((20, 40, 48), seed=4), photometric="minisblack")
    out = tmp_path / "batch"
    code, _, error = poroscale(
        "analyse", stack, other, out, "--voxel-size", "4", "--same-thresholds", "--method", "otsu"
    )
    assert code == 0, error
    found = [
        Volume.open(out / name / "phases.zarr").attributes["segmentation"]
        for name in ("slices", "other")
    ]
    assert found[0]["inner_threshold"] == found[1]["inner_threshold"]
    assert found[1]["inner_rule"] == "manual"
    assert len(pd.read_parquet(out / "batch.parquet")) == 2
    assert (out / "index.html").exists()


def test_configuration_file(poroscale, refused, stack, tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("ingest: {voxel_size: 4}\nsegment: {min_voxels: 5}\n")
    bad.write_text("ingest: {voxel_size: 4}\nsegment: {min_voxel: 5}\n")
    assert poroscale("analyse", stack, tmp_path / "out", "--config", good)[0] == 0
    error = refused("analyse", stack, tmp_path / "out2", "--config", bad)
    assert "segment: unknown key 'min_voxel'" in error


@pytest.mark.parametrize("verb", ["ingest", "segment", "pores", "analyse"])
def test_dry_run_prints_a_plan_and_makes_nothing(verb, poroscale, scan, stack, tmp_path):
    phases, out = tmp_path / "phases.zarr", tmp_path / "out"
    if verb == "pores":
        poroscale("segment", scan, phases)
    arguments = {
        "ingest": (stack, out, "--voxel-size", "4"),
        "segment": (scan, out),
        "pores": (phases, out),
        "analyse": (stack, out, "--voxel-size", "4"),
    }[verb]
    code, shown, error = poroscale(verb, *arguments, "--dry-run")
    assert code == 0, error
    assert "MiB of memory" in shown
    assert not out.exists()


def test_missing_slice(refused, stack, tmp_path):
    (stack / "slice_007.tif").unlink()
    out = tmp_path / "scan.zarr"
    error = refused("ingest", stack, out, "--voxel-size", "4", out=out)
    assert "slice number 7 is missing between slice_006.tif and slice_008.tif" in error


def test_slices_of_two_shapes(refused, stack, tmp_path):
    tifffile.imwrite(stack / "slice_007.tif", np.zeros((40, 47), np.uint16))
    out = tmp_path / "scan.zarr"
    assert "slice_007.tif" in refused("ingest", stack, out, "--voxel-size", "4", out=out)


def test_truncated_slice(refused, stack, tmp_path):
    path = stack / "slice_007.tif"
    path.write_bytes(path.read_bytes()[:900])
    out = tmp_path / "scan.zarr"
    assert "slice_007.tif" in refused("ingest", stack, out, "--voxel-size", "4", out=out)


def test_nan_in_a_float_scan(refused, tmp_path):
    grey = coupon((6, 30, 32)).astype(np.float32)
    grey[2, 3, 4] = np.nan
    np.save(tmp_path / "scan.npy", grey)
    out = tmp_path / "scan.zarr"
    assert "NaN" in refused("ingest", tmp_path / "scan.npy", out, "--voxel-size", "4", out=out)


@pytest.mark.parametrize("size", ["-1", "0", "1,2", "nan", "wide"])
def test_voxel_sizes_that_are_none(size, refused, stack, tmp_path):
    out = tmp_path / "scan.zarr"
    error = refused("ingest", stack, out, "--voxel-size", size, out=out)
    assert re.search(r"voxel.size", error)


def test_no_voxel_size(refused, stack, tmp_path):
    assert re.search(r"with .*voxel.size", refused("ingest", stack, tmp_path / "scan.zarr"))


def test_empty_folder_and_nothing_there(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty" in refused("ingest", tmp_path / "empty", tmp_path / "a.zarr")
    assert "nowhere" in refused("ingest", tmp_path / "nowhere", tmp_path / "a.zarr")
    assert "nowhere" in refused("segment", tmp_path / "nowhere", tmp_path / "a.zarr")
    assert "nowhere" in refused("verify", tmp_path / "nowhere")


def test_output_inside_the_input(refused, stack):
    error = refused("analyse", stack, stack / "results", "--voxel-size", "4")
    assert "must not lie inside" in error


def test_constant_image(refused, tmp_path):
    np.save(tmp_path / "flat.npy", np.full((6, 30, 32), 7, np.uint16))
    out = tmp_path / "results"
    error = refused("analyse", tmp_path / "flat.npy", out, "--voxel-size", "4")
    assert "more than one grey value" in error
    assert not (out / "phases.zarr").exists()


def test_budget_that_cannot_hold_a_block(refused, stack, tmp_path):
    out = tmp_path / "scan.zarr"
    arguments = ("ingest", stack, out, "--voxel-size", "4", "--memory", "64MiB")
    assert "memory must be at least" in refused(*arguments, out=out)


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("--memory=much", "--memory must be a size"),
        ("--workers=0", "--workers must be a whole number"),
        ("--cluster=abacus", "--cluster must be threads"),
        ("--cluster=tcp://127.0.0.1:9", "cannot be reached"),
        ("--inner-rule=iso50", "must come with the method otsu or iso50, got the method auto"),
        ("--outside=front", "'front' does not exist"),
        ("--method=magic", "must be auto, otsu or iso50"),
    ],
)
def test_options_that_cannot_be(option, word, refused, scan, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "REACH", 0.5)
    out = tmp_path / "phases.zarr"
    assert word in refused("segment", scan, out, option, out=out)


def test_cuda_cluster_without_a_gpu(refused, scan, tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    arguments = ("segment", scan, tmp_path / "out.zarr", "--cluster", "cuda")
    assert "needs an NVIDIA GPU" in refused(*arguments)


def test_no_pore_is_no_error(poroscale, tmp_path):
    np.save(tmp_path / "dense.npy", coupon((12, 30, 32), pores=0))
    code, shown, error = poroscale(
        "analyse", tmp_path / "dense.npy", tmp_path / "out", "--voxel-size", "4"
    )
    assert code == 0, error
    assert "0 pores" in shown
    table = pd.read_parquet(tmp_path / "out" / "pores.parquet")
    assert len(table) == 0
    assert "equivalent_diameter_um" in table


def test_verify_names_what_is_damaged(poroscale, stack, tmp_path):
    poroscale("ingest", stack, tmp_path / "scan.zarr", "--voxel-size", "4")
    chunk = tmp_path / "scan.zarr" / "0/c/0/0/0"
    data = bytearray(chunk.read_bytes())
    data[50] ^= 4
    chunk.write_bytes(data)
    code, shown, _ = poroscale("verify", tmp_path / "scan.zarr")
    assert code == 1
    assert f"{chunk} is damaged" in shown


def test_verify_reads_tables(poroscale, scan, tmp_path):
    poroscale("segment", scan, tmp_path / "phases.zarr")
    poroscale("pores", tmp_path / "phases.zarr", tmp_path / "out")
    table = tmp_path / "out" / "pores.parquet"
    data = bytearray(table.read_bytes())
    data[len(data) // 3] ^= 4
    table.write_bytes(data)
    code, shown, _ = poroscale("verify", tmp_path / "out")
    assert code == 1
    assert "pores.parquet is damaged" in shown


def test_interrupt_is_clean_and_resumable(tmp_path, stack, poroscale):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "poroscale", "analyse", str(stack), str(out)]
    with subprocess.Popen(
        [*command, "--voxel-size", "4"], stderr=subprocess.PIPE, text=True
    ) as job:
        while not (out / "scan.zarr" / ".poroscale" / "lock").exists() and job.poll() is None:
            time.sleep(0.01)
        job.send_signal(signal.SIGINT)
        error = job.stderr.read()
    assert job.returncode == 130
    assert error.strip() == "poroscale: interrupted; run the same command again to go on"
    assert poroscale("analyse", stack, out, "--voxel-size", "4")[0] == 0


def test_doctor(poroscale):
    code, shown, _ = poroscale("doctor")
    assert code == 0
    assert "cores" in shown
