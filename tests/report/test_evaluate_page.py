"""The page of an evaluation: its numbers, its curves, and in a browser."""

import json

import numpy as np
import pandas as pd
import pytest

from poroscale.pipelines.evaluate import Beside, evaluate
from poroscale.report.evaluate_page import draw, write_evaluation
from poroscale.segment import EvaluateConfig, evaluate_scores
from poroscale.segment.uncertainty import fold_table

from ..segment.test_evaluate import SHAPE, scene, stored
from .browser import find_browser, open_tab

__all__ = ["stored"]


@pytest.fixture
def volumes(stored):
    phases, scores = scene(11)
    hard = np.where(scores > 128, 2, 1).astype(np.uint8)
    names = ("scores", "truth", "hard", "scan")
    arrays = (scores, phases, hard, 255 - scores)
    kinds = ("pore_scores", "phases", "phases", "scan")
    return {
        name: stored(array, kind, chunks=SHAPE)
        for name, array, kind in zip(names, arrays, kinds, strict=True)
    }


def test_a_folder_holds_page_numbers_and_curves(volumes, tmp_path):
    truth, scores = volumes["truth"], volumes["scores"]
    out = tmp_path / "one"
    (found,) = evaluate([scores], truth, out, beside=Beside(scan=volumes["scan"]))
    assert {path.name for path in out.iterdir()} == {
        ".poroscale",
        "curves.parquet",
        "evaluation.html",
        "evaluation.json",
    }
    said = json.loads((out / "evaluation.json").read_text())["evaluations"][0]
    assert said["average_precision"] == pytest.approx(found.ranking.average_precision)
    assert said["pores"]["truth_count"] == found.pores.numbers["truth_count"]
    curves = pd.read_parquet(out / "curves.parquet")
    assert set(curves["name"]) == {found.name}
    assert curves["dice"].max() == pytest.approx(said["best"]["dice"])
    page = (out / "evaluation.html").read_bytes()
    assert page.count(b"data:image/png") == 2 * 3 + 2
    evaluate([scores], truth, out, beside=Beside(scan=volumes["scan"]))
    assert (out / "evaluation.html").read_bytes() == page


def test_several_scores_and_folds_share_a_page(volumes, tmp_path):
    config = EvaluateConfig(pores=False)
    truth = volumes["truth"]
    both = [
        evaluate_scores(volumes[name], truth, config=config).called(name)
        for name in ("scores", "hard")
    ]
    rng = np.random.default_rng(0)
    folds = fold_table({name: {"average_precision": rng.random(5).tolist()} for name in "ab"})
    page = write_evaluation(both, tmp_path, truth="truth", folds=folds).read_text()
    assert [s.name for s in draw(both, folds)] == ["voxels", "folds"]
    assert "a less b" in page
    said = json.loads((tmp_path / "evaluation.json").read_text())["folds"]
    assert said["pairs"][0]["p"] == pytest.approx(folds["pairs"][0]["p"])
    assert len(pd.read_parquet(tmp_path / "curves.parquet")["name"].unique()) == 2


def test_scores_of_one_name_are_told_apart_or_refused(volumes, tmp_path):
    scores, truth = volumes["scores"], volumes["truth"]
    with pytest.raises(ValueError, match="scores must have different names"):
        evaluate([scores, scores], truth)
    with pytest.raises(ValueError, match="scan must have the truth's shape"):
        evaluate([scores], truth, beside=Beside(scan=_other(volumes, tmp_path)))


def _other(volumes, tmp_path):
    from poroscale.engine import volume_from_array

    return volume_from_array(volumes["scan"].read()[1:], tmp_path / "other.zarr")


@pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome is installed")
@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_whole_and_alone(width, volumes, tmp_path):
    config = EvaluateConfig(min_voxels=3)
    evaluate([volumes["scores"].path], volumes["truth"].path, tmp_path / "out", config=config)
    with open_tab(find_browser(), tmp_path / "profile") as tab:
        page = tmp_path / "out" / "evaluation.html"
        tab.open(page, width=width)
        assert tab.errors() == []
        assert tab.requests() == [page.resolve().as_uri()]
        sizes = tab.value(
            "[...document.querySelectorAll('figure svg')].map("
            "svg => svg.getBoundingClientRect().width)"
        )
        assert len(sizes) == 2 * 2 + 5
        assert min(sizes) > 100
        assert tab.value("document.documentElement.scrollWidth") <= width
