"""`poroscale evaluate` on the command line."""

import numpy as np
import pytest

from tests.segmentation.evaluation.test_evaluate import SHAPE, scene, stored

__all__ = ["stored"]


@pytest.fixture
def pair(stored):
    phases, scores = scene(12)
    truth, found = (stored(a, chunks=SHAPE) for a in (phases, scores))
    return found.path, truth.path


def test_a_table_is_printed_and_a_page_written(poroscale, pair, tmp_path):
    code, shown, error = poroscale("evaluate", *pair)
    assert code == 0, error
    head, row = shown.splitlines()
    assert head.split()[:4] == ["scores", "AP", "ROC-AUC", "Dice"]
    assert 0.2 < float(row.split()[1]) < 1
    out = tmp_path / "out"
    code, shown, error = poroscale("evaluate", *pair, out, "--min-voxels", 3, "--threshold", 0.4)
    assert code == 0, error
    assert "evaluation.html" in shown
    assert poroscale("verify", out)[0] == 0
    assert "MiB of memory" in poroscale("evaluate", *pair, "--dry-run")[1]


def test_the_scan_is_a_baseline_unless_it_is_not_to_be(poroscale, pair, stored):
    scan = stored(255 - scene(12)[1], chunks=SHAPE).path
    code, shown, error = poroscale("evaluate", *pair, "--scan", scan)
    assert code == 0, error
    _, own, grey, smoothed, *warnings = shown.splitlines()
    assert grey.startswith("grey ")
    assert smoothed.startswith("grey, smoothed ")
    beaten = float(own.split()[1]) <= max(float(row.split()[-7]) for row in (grey, smoothed))
    assert len(warnings) == beaten
    shown = poroscale("evaluate", *pair, "--scan", scan, "--no-baselines")[1]
    assert len(shown.splitlines()) == 2
    assert "grey scores" in poroscale("evaluate", *pair, "--scan", scan, "--dry-run")[1]


def test_bad_input_costs_one_sentence(refused, pair, stored, tmp_path):
    scores, truth = pair
    small = stored(np.ones((4, 5, 8), np.uint8)).path
    assert "must have the scores' shape" in refused("evaluate", scores, small)
    assert "got no pore voxel" in refused("evaluate", scores, stored(np.zeros(SHAPE, bool)).path)
    assert "must hold scores" in refused("evaluate", stored(np.ones(SHAPE, np.float32)).path, truth)
    said = refused("evaluate", scores, truth, "--threshold", 2)
    assert "--threshold must be less than or equal to 1" in said
    assert "must be auto, phases, mask or labels" in refused(
        "evaluate", scores, truth, "--truth", "pores"
    )
    assert "--baselines must come with the --scan" in refused(
        "evaluate", scores, truth, "--baselines"
    )
    assert "does not exist" in refused("evaluate", scores, tmp_path / "none.zarr")
