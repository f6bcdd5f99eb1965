"""Scores against known pores: `evaluation.html`, self-contained, its numbers and its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.report.pages.page import json_bytes, store
from poroscale.report.pages.panels import Drawing, PageSection, drawn_sections
from poroscale.report.style import house_style

if TYPE_CHECKING:
    from poroscale.report.sections.verdict_slices import VerdictRow
    from poroscale.segmentation import Evaluation

PAGE, NUMBERS, CURVES = "evaluation.html", "evaluation.json", "curves.parquet"
EVALUATION_FORMAT = 1


def write_evaluation(
    evaluations: Sequence[Evaluation],
    out_dir: Path,
    *,
    truth: str,
    pictures: Mapping[str, Sequence[VerdictRow]] | None = None,
    folds: Mapping[str, Any] | None = None,
) -> Path:
    """Write `evaluation.html`, `evaluation.json` and `curves.parquet`; return the page's path.

    All are byte-identical for the same inputs, and listed in the folder's manifest.

    Parameters
    ----------
    evaluations
        One or several scores against the same truth; their names differ.
    out_dir
        Files that are there are replaced.
    truth
        Name of the truth.
    pictures
        Sections by the name of the scores.
    folds
        A table of models over folds (`segment.uncertainty.fold_table`), shown if given.
    """
    from poroscale.manifest import record_results
    from poroscale.report.pages.template import render
    from poroscale.report.sections.verdict_slices import VERDICTS
    from poroscale.version import __version__

    numbers = _numbers(evaluations, truth, folds)
    store(out_dir / NUMBERS, json_bytes(numbers))
    _write_curves(evaluations, out_dir / CURVES)
    page = render(
        "evaluation.html",
        numbers=numbers,
        pictures=pictures or {},
        verdicts=VERDICTS,
        sections=draw_evaluation(evaluations, folds),
        version=__version__,
    )
    path = store(out_dir / PAGE, page.encode())
    record_results(out_dir, files=[PAGE, NUMBERS, CURVES])
    return path


def _numbers(
    evaluations: Sequence[Evaluation], truth: str, folds: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The content of `evaluation.json`."""
    from poroscale.segmentation.evaluation.grey_scores import beaten_by_grey

    return {
        "format": EVALUATION_FORMAT,
        "truth": truth,
        "evaluations": [one.numbers for one in evaluations],
        "warnings": beaten_by_grey(evaluations),
        **({} if folds is None else {"folds": dict(folds)}),
    }


def _write_curves(evaluations: Sequence[Evaluation], path: Path) -> None:
    """One row per score that occurs, from the highest on; `name` says whose."""
    from poroscale.storage.columns import write_columns

    curves = [one.ranking.curves() for one in evaluations]
    lengths = [len(each["threshold"]) for each in curves]
    columns = {"name": np.repeat([one.name for one in evaluations], lengths).astype(object)}
    columns |= {key: np.concatenate([each[key] for each in curves]) for key in curves[0]}
    write_columns(columns, path, about={"kind": "curves", "format": EVALUATION_FORMAT})


def draw_evaluation(
    evaluations: Sequence[Evaluation], folds: Mapping[str, Any] | None = None
) -> list[PageSection]:
    """Every section that has something to show."""
    with house_style():
        return drawn_sections(
            {
                ("voxels", "Voxels"): _voxels(evaluations),
                ("pores", "Pores"): _pores(evaluations),
                ("folds", "Folds"): _folds(folds),
            }
        )


def _voxels(evaluations: Sequence[Evaluation]) -> list[Drawing]:
    from poroscale.report.figures import detection

    return [
        Drawing(
            "precision-recall",
            lambda: detection.precision_recall(evaluations),
            "Precision over recall for every threshold; grey: lines of equal Dice coefficient, "
            "dashed: the porosity, which is the precision of scores that tell nothing. The point "
            "has the largest Dice. AP, the average precision, is the area under the steps. Where "
            "pores are rare this curve tells more than the ROC.",
        ),
        Drawing(
            "roc",
            lambda: detection.roc(evaluations),
            "Receiver operating characteristic: pore voxels found over solid voxels taken for "
            "pore, the latter on a logarithmic scale, for even a small share of the solid exceeds "
            "all pores. Dashed: scores that tell nothing. AUC is the area on linear axes: the "
            "probability that a pore voxel scores higher than a solid one.",
        ),
        Drawing(
            "thresholds",
            lambda: detection.by_threshold(evaluations),
            "What a threshold of the score gives. A wide hill is a score whose threshold need not "
            "be known well; a narrow one at the edge needs calibration on every scan.",
        ),
        Drawing(
            "scores",
            lambda: detection.score_histograms(evaluations),
            "Scores of the voxels that are pore and that are solid in the truth, logarithmic "
            "counts; vertical line: the threshold at which pores are matched.",
            wide=sum(len(one.ranking.values) > 2 for one in evaluations) > 1,
        ),
    ]


def _pores(evaluations: Sequence[Evaluation]) -> list[Drawing]:
    from poroscale.report.figures import detection

    return [
        Drawing(
            "by-size",
            lambda: detection.by_size(evaluations),
            "Left: pores of the truth of which one found pore covers at least a quarter of the "
            "voxels, by their own size. Right: found pores of which at least a quarter of the "
            "voxels lies in pores of the truth, by theirs. Lines: 95 % intervals (Wilson); "
            "numbers: how many pores.",
            wide=True,
        )
    ]


def _folds(folds: Mapping[str, Any] | None) -> list[Drawing]:
    if folds is None:
        return []
    from poroscale.report.figures import detection

    return [
        Drawing(
            "fold-means",
            lambda: detection.fold_means(folds),
            "Means over the folds with their 95 % intervals (Student's t).",
            wide=True,
        )
    ]
