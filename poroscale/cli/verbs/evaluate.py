"""`poroscale evaluate`: scores against known pores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poroscale.cli.command import Argument, Command, Values

if TYPE_CHECKING:
    from poroscale.segmentation import Evaluation


def tell(found: Sequence[Evaluation], given: Values) -> Iterator[str]:
    """A table with a line for each volume of scores, and where the page lies."""
    yield from describe_evaluations(found)
    if given.get("out_dir"):
        yield f"{Path(given['out_dir']) / 'evaluation.html'}: curves and pictures"


def describe_evaluations(found: Sequence[Evaluation]) -> list[str]:
    """A table, one line for each, and what is no better than the scan itself."""
    from poroscale.segmentation.evaluation.grey_scores import beaten_by_grey

    width = max(6, *(len(one.name) for one in found))
    titles = ("AP", "ROC-AUC", "Dice", "at", "recall", "precision", "pores found", "true")
    rows = [["scores".ljust(width), *(t.rjust(max(9, len(t))) for t in titles)]]
    for one in found:
        best, pores = one.ranking.at(one.ranking.best_threshold), one.pores
        figures = [one.ranking.average_precision, one.ranking.roc_auc]
        figures += [best[name] for name in ("dice", "threshold", "recall", "precision")]
        row = [one.name.ljust(width), *(f"{value:9.4f}" for value in figures)]
        if pores is not None:
            numbers = pores.numbers
            row += [f"{numbers['found_count']}/{numbers['truth_count']}".rjust(11)]
            row += [f"{numbers['true_count']}/{numbers['measured_count']}".rjust(9)]
        rows.append(row)
    return [
        *("  ".join(row) for row in rows),
        *(f"warning: {sentence}" for sentence in beaten_by_grey(found)),
    ]


COMMANDS = (
    Command(
        "evaluate",
        tell,
        section="Networks",
        arguments=(
            Argument(
                "scores", "SCORES.zarr", "Scores, or phases; several with commas.", commas=True
            ),
            Argument("truth", "TRUTH.zarr", "Phases, a mask or labels of pores."),
            Argument(
                "out_dir",
                "[OUT_DIR]",
                "Gets evaluation.html, evaluation.json and curves.parquet.",
                default=None,
            ),
        ),
        flags={"truth_kind": "--truth"},
        metavars={"inside": "INSIDE.zarr", "scan": "SCAN.zarr"},
        hidden=("overwrite",),
    ),
)
