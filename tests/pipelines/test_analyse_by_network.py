"""A network in `analyse`: the same report, batch, plan and resumption as with thresholds."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import yaml
from pyarrow import parquet

from poroscale.engine import Run
from poroscale.pipelines.analyse import AnalyseConfig, analyse, plan_analyse
from poroscale.pipelines.checks import verify
from poroscale.pipelines.settings import load_job
from poroscale.segmentation import ByNetworkConfig, ScoresConfig, segment_scan
from poroscale.segmentation.by_method import plan_segment
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.volume import Volume
from tests.segmentation.network.test_by_network import LIKE, model_of, scan
from tests.segmentation.thresholds.test_otsu import coupon

__all__ = ["scan"]

SECTIONS = {
    "ingest": {"voxel_size": 5.0},
    "windows": {"overlap": 0},
    "pores": {"classes": False},
    "run": {"workers": 1},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A network of random weights, whose scores lie near one half."""
    return model_of("unet", tmp_path_factory.mktemp("model"), traits=LIKE | {"largest_ball": 3.0})


@pytest.fixture(scope="module")
def job(model, scan, tmp_path_factory):
    """A batch of two scans, as a YAML file states it, and its results."""
    folder = tmp_path_factory.mktemp("batch")
    for name, seed in (("a", 0), ("b", 1)):
        noise = np.random.default_rng(seed).integers(0, 300, scan.shape)
        np.save(folder / f"{name}.npy", np.clip(scan.read() + noise, 0, 65535).astype(np.uint16))
    sections = {
        **SECTIONS,
        "analyse": {
            "sources": [str(folder / "a.npy"), str(folder / "b.npy")],
            "out": str(folder / "out"),
        },
        "segment": {"model": str(model.folder), "close_um": 10, "min_voxels": 2},
        "scores": {"threshold": "otsu", "min_voxels": 5, "sensitivity": [-0.01, 0.01]},
        "batch": {"same_thresholds": True},
    }
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(sections))
    job = load_job(path)
    return job, job.start()


def report_of(result):
    return json.loads((result.report.parent / "report.json").read_text())


def test_a_file_states_the_network(job, model):
    config = job[0].config.segment
    assert isinstance(config, ByNetworkConfig)
    assert config.model == str(model.folder)
    assert config.windows.overlap == 0
    expected = {"threshold": "otsu", "sensitivity": (-0.01, 0.01), "close_um": 10, "min_voxels": 2}
    assert config.scores == ScoresConfig(**expected)


def test_the_phases_are_those_of_segment(job, tmp_path):
    config, result = job[0].config.segment, job[1][0]
    phases = segment_scan(result.scan, tmp_path / "phases.zarr", config=config)
    assert phases.digest == result.phases.digest
    scores = Volume.open(result.phases.path.with_name("scores.zarr"))
    assert scores.digest == phases.attributes["segmentation"]["scores_digest"]


def test_the_report_has_uncertainty_methods_and_cautions(job):
    report = report_of(job[1][0])
    numbers, record = report["numbers"], report["segmentation"]
    assert numbers["pore_count"] > 0
    assert numbers["porosity_low"] < numbers["porosity"] < numbers["porosity_high"]
    assert [row["shift"] for row in record["sensitivity"]] == [-0.01, 0.0, 0.01]
    text = report["methods"]["paragraph"]
    for needed in (
        "by flooding, from outside, the grey values up to",
        "scored by a neural network, unet of",
        "trained with labelled pores on 1 scan",
        "windows of 16 voxels an axis that overlap by 0",
        "The score of a voxel is the probability of a pore.",
        "Otsu's threshold of the scores inside the part",
        "closing with a ball of 10 µm radius",
        "of the range of scores",
    ):
        assert needed in text
    assert any("hold balls of up to" in warning for warning in report["warnings"])
    page = job[1][0].report.read_text()
    assert "Scores of the voxels outside and inside the part" in page


def test_the_batch_tells_of_both_scans(job):
    out = job[1][0].report.parents[1]
    table = parquet.read_table(out / "batch.parquet").to_pylist()
    assert [row["scan"] for row in table] == ["a", "b"]
    for row, result in zip(table, job[1], strict=True):
        record = result.phases.attributes["segmentation"]
        assert row["score_threshold"] == pytest.approx(record["score_threshold"])
        assert row["outer_threshold"] == pytest.approx(record["outer_threshold"])
        assert row["porosity_low"] < row["porosity_high"]


def test_all_scans_have_the_thresholds_of_the_first(job):
    first, second = (each.phases.attributes["segmentation"] for each in job[1])
    assert (first["score_rule"], second["score_rule"]) == ("otsu", "manual")
    for name in ("score_threshold", "outer_threshold"):
        assert first[name] == second[name]


def test_finished_results_are_left_alone_and_other_settings_refused(job, tmp_path):
    source, config, run = job[0].sources[0], job[0].config, job[0].run
    out = shutil.copytree(job[1][0].report.parent, tmp_path / "out")
    volumes = [path for path in out.rglob("*") if path.is_file() and ".zarr" in str(path)]
    stamps = {path: path.stat().st_mtime_ns for path in volumes}
    (again,) = analyse([source], out, config=config, run=run)
    assert {path: path.stat().st_mtime_ns for path in volumes} == stamps
    assert again.phases.digest == job[1][0].phases.digest
    assert verify(out) == []
    scores = config.segment.scores.model_copy(update={"threshold": 0.4})
    other = replace(config, segment=replace(config.segment, scores=scores))
    with pytest.raises(ValueError, match="other input or settings"):
        analyse([source], out, config=other, run=run)


def test_the_plan_has_every_stage_and_the_time(job, tmp_path):
    sources, config, run = job[0].sources[:1], job[0].config, job[0].run
    shown = str(plan_analyse(sources, config=config, run=run))
    titles = {line.split("  ")[0] for line in shown.splitlines()}
    assert {"ingest", "windows", "candidates", "phases", "all", "time"} <= titles
    assert "ms each by trial, 1 at a time" in shown
    alone = plan_segment(job[1][0].scan, config=config.segment, run=run)
    assert "ms each by trial" in alone.notes["time"]
    out = tmp_path / "out"
    with pytest.raises(MemoryError):
        analyse(sources, out, config=config, run=Run(memory="260MiB", workers=1))
    assert not (out / "scan.zarr").exists()


def test_a_label_image_takes_no_network(tmp_path):
    labels = (coupon((16, 40, 48), pores=20) > 20000).astype(np.uint8)
    np.save(tmp_path / "labels.npy", labels)
    config = AnalyseConfig.of(
        {"ingest": {"voxel_size": 4.0}, "segment": {"model": "default"}, "pores": {"pore": 0}}
    )
    with pytest.raises(ValueError, match="segment: model must be left out"):
        analyse([tmp_path / "labels.npy"], tmp_path / "out", config=config)


def test_the_default_model_goes_by_its_name():
    assert SegmentationModel.named("default").card.model == "unet"


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        (
            {"segment": {"model": "default", "windows": {"overlap": 0}}, "windows": {"overlap": 2}},
            "windows must be one section",
        ),
        ({"windows": {"overlap": 0}}, "`windows` must come with a `model`, got the method auto"),
        ({"window": {}}, "unknown section 'window'.*nearest: windows"),
        ({"segment": {"model": "default"}, "windows": {"over": 0}}, "windows: unknown key 'over'"),
    ],
)
def test_sections_that_cannot_be(sections, complaint):
    with pytest.raises(ValueError, match=complaint):
        AnalyseConfig.of(sections)
