"""`poroscale segment --model` on the command line."""

import pytest
import yaml

from poroscale.engine import Lattice, Windows
from poroscale.networks.unet import UNet
from poroscale.volume import Volume
from tests.segmentation.network.test_by_network import LIKE, model_of, scan

__all__ = ["scan"]


def test_a_network_segments_and_its_scores_are_kept(poroscale, scan, tmp_path):
    model_of("unet", tmp_path / "model")
    config = tmp_path / "windows.yaml"
    config.write_text(yaml.safe_dump({"windows": {"overlap": 0}, "scores": {"min_voxels": 1}}))
    out, scores = tmp_path / "phases.zarr", tmp_path / "scores.zarr"
    code, shown, error = poroscale(
        "segment",
        scan.path,
        out,
        "--model",
        tmp_path / "model",
        "--scores",
        scores,
        "--config",
        config,
        "--min-extent",
        2,
    )
    assert code == 0, error
    assert "threshold: score 0.5" in shown
    assert "windows of 16³ with overlap 0: " in shown
    assert "1.31 passes over the scan" in shown
    record = Volume.open(out).attributes["segmentation"]
    assert (record["min_voxels"], record["min_extent"]) == (1, 2)
    assert Volume.open(scores).shape == scan.shape


def test_a_scan_unlike_the_training_is_warned_of_on_the_terminal(poroscale, scan, tmp_path):
    model_of("unet", tmp_path / "model", traits=LIKE | {"largest_ball": 3.0})
    out = tmp_path / "phases.zarr"
    code, shown, error = poroscale("segment", scan.path, out, "--model", tmp_path / "model")
    assert code == 0, error
    assert "  scan: contrast 2" in shown
    assert " times the noise, edges blurred by 0." in shown
    assert "  warning: the scan has pores that hold balls of up to" in shown


def test_tiles_say_what_their_halo_costs(poroscale, scan, tmp_path, monkeypatch):
    monkeypatch.setattr(UNet, "halo", 8)  # one of 64 voxels takes twenty times as long
    model_of("unet", tmp_path / "model")
    config = tmp_path / "windows.yaml"
    config.write_text(yaml.safe_dump({"windows": {"tiles": True, "tile_edge": 48}}))
    out = tmp_path / "phases.zarr"
    options = ("--model", tmp_path / "model", "--config", config, "--memory", "6GiB")
    code, shown, error = poroscale("segment", scan.path, out, *options)
    assert code == 0, error
    assert "tiles of 48³ with a halo of 8: 1 inferred and 0 skipped, 3.1" in shown
    assert "(half overlap takes 4.85)" in shown


@pytest.mark.parametrize(("model", "stage"), [("unet", "candidates"), ("vae", "post-processed")])
def test_dry_run_plans_every_stage_and_the_time(model, stage, poroscale, scan, tmp_path):
    model_of(model, tmp_path / "model")
    out = tmp_path / "phases.zarr"
    options = ("--model", tmp_path / "model", "--workers", 1, "--dry-run")
    code, shown, error = poroscale("segment", scan.path, out, *options)
    assert code == 0, error
    plans = {line.split("  ")[0]: line for line in shown.splitlines()}
    assert {"windows", stage, "all"} < plans.keys()
    assert "1 at a time" in plans["windows"]
    windows = len(Lattice(Windows(16), scan.shape))
    assert f"at most {windows:,} of 16³" in plans["time"]
    assert not out.exists()
    error = poroscale("segment", scan.path, out, *options, "--memory", "1MiB")[2]
    assert "MiB" in error


def test_bad_input_costs_one_sentence(refused, scan, tmp_path):
    out = tmp_path / "phases.zarr"
    weights = tmp_path / "model.pth"
    weights.write_bytes(b"pickle")
    assert "a pickle is never loaded" in refused("segment", scan.path, out, "--model", weights)
    assert "no folder of a segmentation model" in refused(
        "segment", scan.path, out, "--model", tmp_path / "none"
    )
    model_of("unet", tmp_path / "model")
    told = tmp_path / "model" / "card.json"
    card = told.read_text()
    told.write_text(card.replace('"epochs":1', '"epochs":500'))
    assert "card.json was altered" in refused(
        "segment", scan.path, out, "--model", tmp_path / "model"
    )
    told.write_text(card)
    altered = tmp_path / "model" / "weights.safetensors"
    altered.write_bytes(altered.read_bytes()[:-1] + b"x")
    assert "was altered" in refused("segment", scan.path, out, "--model", altered.parent)
    assert "--scores must come with a --model" in refused(
        "segment", scan.path, out, "--scores", tmp_path / "scores.zarr"
    )
    assert "--inner-threshold must come with the method otsu or iso50" in refused(
        "segment", scan.path, out, "--model", "default", "--inner-threshold", 9000
    )
