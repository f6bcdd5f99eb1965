"""`poroscale train segment` and its file."""

import json
import runpy
import sys

import numpy as np
import pytest
import yaml

from poroscale.config import load_sections
from poroscale.pipelines.train import TrainJob
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.segmentation.training.train import SegmenterTask
from tests.segmentation.pores_in_metal import CHUNK, bar
from tests.test_examples import ROOT

CONFIG = ROOT / "configs" / "train_segment.yaml"


@pytest.fixture
def sections(as_volume, tmp_path):
    """The file of the repository, on a small scan and for a second."""
    grey, phases = bar()
    as_volume(grey, tmp_path / "scan.zarr", chunks=CHUNK)
    as_volume(phases, tmp_path / "truth.zarr", chunks=CHUNK)
    found = load_sections(CONFIG)
    paths = {"scan": str(tmp_path / "scan.zarr"), "truth": str(tmp_path / "truth.zarr")}
    found["train"] = {"scans": [paths], "model": str(tmp_path / "model")}
    found["network"] |= {"width": 0.125, "edge": 16}
    found["patches"] |= {"batch": 2, "steps": 1, "validation": 2}
    found["training"] |= {"epochs": 1, "device": "cpu", "threads": 1}
    return found


@pytest.fixture
def written(tmp_path):
    def write(sections):
        path = tmp_path / "train.yaml"
        path.write_text(yaml.safe_dump(sections))
        return path

    return write


def test_the_file_of_the_repository_is_a_job():
    job = TrainJob.load(CONFIG)
    assert job.config.network.alpha == 0.633
    assert job.paths.scans[0].truth == "demo/coupon.truth.zarr"
    assert job.config.augmentation.model_dump() == type(job.config.augmentation)().model_dump()


def test_the_command_trains_and_goes_on(poroscale, sections, written, tmp_path):
    code, out, err = poroscale("train", "segment", written(sections))
    assert (code, err) == (0, "")
    assert "model      unet, width 0.125, patches of 16" in out
    assert "metrics.jsonl" in out
    sections["training"]["epochs"] = 2
    assert poroscale("train", "segment", written(sections))[0] == 0
    card = SegmentationModel.open(tmp_path / "model").card
    assert card.epochs == 2
    lines = (tmp_path / "model" / "training" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1]


def test_the_script_trains_what_the_command_does(
    poroscale, sections, written, tmp_path, monkeypatch, capsys
):
    assert poroscale("train", "segment", written(sections))[0] == 0
    sections["train"]["model"] = str(tmp_path / "other")
    script = str(ROOT / "pipelines" / "train.py")
    monkeypatch.setattr(sys, "argv", [script, str(written(sections))])
    runpy.run_path(script, run_name="__main__")
    assert "model      unet" in capsys.readouterr().out
    one, other = (SegmentationModel.open(tmp_path / name).card for name in ("model", "other"))
    assert one == other


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("network", {"model": "resnet"}, "model must be one of unet"),
        ("networks", {}, "unknown section 'networks'; known: train, run, network"),
        ("training", {"epoch": 3}, "training: unknown key 'epoch'"),
        ("augmentation", {"noise": -1}, "augmentation: `noise` must be "),
        ("train", {"scans": []}, "scans must name at least one scan"),
        ("train", {"scans": [{"scan": "no.zarr"}]}, "no.zarr does not exist"),
        ("run", {"memory": "much"}, "memory must be a size such as 2GiB"),
    ],
)
def test_bad_files_cost_one_sentence(
    section, values, message, poroscale, sections, written, tmp_path
):
    sections[section] = sections.get(section, {}) | values
    code, _, err = poroscale("train", "segment", written(sections))
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "model" / "card.json").exists()


def test_a_loss_that_is_not_finite_costs_one_sentence(poroscale, sections, written, monkeypatch):
    monkeypatch.setattr(SegmenterTask, "step", lambda *_: {"loss": float("nan")})
    code, _, err = poroscale("train", "segment", written(sections))
    assert code == 2
    assert "training came to a loss that is not finite" in err


def test_scans_without_pores_are_refused(poroscale, sections, written, as_volume, tmp_path):
    phases = np.ones((64, 40, 40), np.uint8)
    as_volume(phases, tmp_path / "solid.zarr", chunks=CHUNK)
    sections["train"]["scans"][0]["truth"] = str(tmp_path / "solid.zarr")
    code, _, err = poroscale("train", "segment", written(sections))
    assert code == 2
    assert "must hold pores (phase 2)" in err
