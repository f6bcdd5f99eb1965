"""The page of an evaluation: its numbers, its curves, and in a browser."""

import html
import json

import numpy as np
import pandas as pd
import pytest

from poroscale.engine import volume_from_array
from poroscale.pipelines.evaluate import evaluate
from poroscale.report.pages.evaluate_page import draw_evaluation, write_evaluation
from poroscale.segmentation import EvaluateConfig, evaluate_scores
from poroscale.statistics.samples.uncertainty import fold_table
from tests.report.browser import find_browser, open_tab
from tests.segmentation.evaluation.test_evaluate import SHAPE, scene, stored

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


@pytest.mark.usefixtures("printed_figures")
def test_a_folder_holds_page_numbers_and_curves(volumes, tmp_path):
    truth, scores = volumes["truth"], volumes["scores"]
    out = tmp_path / "one"
    beside = {"scan": volumes["scan"], "baselines": False}
    (found,) = evaluate([scores], truth, out, **beside)
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
    evaluate([scores], truth, out, **beside)
    assert (out / "evaluation.html").read_bytes() == page


def test_the_scan_itself_is_judged_beside_the_scores(volumes, stored, tmp_path):
    blunt = stored(volumes["scores"].read() // 64 * 64, "pore_scores", chunks=SHAPE)
    truth, scan = volumes["truth"], volumes["scan"]
    found = evaluate([blunt, volumes["hard"]], truth, tmp_path / "out", scan=scan)
    names = [one.name for one in found]
    assert names[2:] == ["grey", "grey, smoothed"]
    assert [one.is_baseline for one in found] == [False, False, True, True]
    alone = evaluate_scores(volumes["scores"], truth).ranking  # the scan is 255 less these scores
    assert found[2].ranking.average_precision == pytest.approx(alone.average_precision, abs=0.01)
    page = (tmp_path / "out" / "evaluation.html").read_text()
    said = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert [one["name"] for one in said["evaluations"]] == names
    (warning,) = said["warnings"]  # phases have no average precision to be compared
    assert warning.startswith(f"{names[0]} tells pores from solid no better than grey")
    assert warning in html.unescape(page)
    assert '<td class="name">grey, smoothed</td>' in page
    assert "They take no training." in page
    assert set(pd.read_parquet(tmp_path / "out" / "curves.parquet")["name"]) == set(names)
    assert not (tmp_path / "out" / "evaluation.work").exists()


def test_air_around_the_part_is_no_pore_where_the_truth_does_not_know_the_part(stored):
    rng = np.random.default_rng(0)
    phases = np.ones((20, 24, 24), np.uint8)
    phases[8:12, 9:12, 9:12] = phases[3:6, 15:18, 4:7] = 2
    phases[:, :4] = phases[:, -4:] = 0
    grey = np.where(phases == 1, 200, 60) + rng.normal(0, 8, phases.shape)
    grey[phases == 0] -= 20
    scan = stored(grey.astype(np.uint8), "scan")
    mask = stored(phases == 2)
    found = evaluate([stored(phases == 2, "phases")], mask, scan=scan)
    assert found[1].name == "grey"
    assert found[1].ranking.average_precision > 0.99


def test_baselines_need_a_scan_and_names_of_their_own(volumes, stored, tmp_path):
    with pytest.raises(ValueError, match="`baselines` must come with the `scan`"):
        evaluate([volumes["scores"]], volumes["truth"], baselines=True)
    named = volume_from_array(volumes["scores"].read(), tmp_path / "grey.zarr")
    with pytest.raises(ValueError, match="must not be called 'grey'"):
        evaluate([named], volumes["truth"], scan=volumes["scan"])


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
    assert [s.name for s in draw_evaluation(both, folds)] == ["voxels", "folds"]
    assert "a less b" in page
    said = json.loads((tmp_path / "evaluation.json").read_text())["folds"]
    assert said["pairs"][0]["p"] == pytest.approx(folds["pairs"][0]["p"])
    assert len(pd.read_parquet(tmp_path / "curves.parquet")["name"].unique()) == 2


def test_scores_of_one_name_are_told_apart_or_refused(volumes, tmp_path):
    scores, truth = volumes["scores"], volumes["truth"]
    with pytest.raises(ValueError, match="scores must have different names"):
        evaluate([scores, scores], truth)
    with pytest.raises(ValueError, match="scan must have the truth's shape"):
        evaluate([scores], truth, scan=_other(volumes, tmp_path))


def _other(volumes, tmp_path):
    return volume_from_array(volumes["scan"].read()[1:], tmp_path / "other.zarr")


@pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome is installed")
@pytest.mark.usefixtures("printed_figures")
def test_it_opens_whole_and_alone(volumes, tmp_path):
    config = EvaluateConfig(min_voxels=3)
    evaluate([volumes["scores"]], volumes["truth"], tmp_path / "out", config=config)
    page = tmp_path / "out" / "evaluation.html"
    with open_tab(find_browser(), tmp_path / "profile") as tab:
        for width in (1280, 390):
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
