"""`poroscale evaluate`: scores against known pores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import Block, Cluster, ConfigFile, DryRun, Memory, Workers

if TYPE_CHECKING:
    from poroscale.segment import Evaluation


def evaluate(
    scores: Annotated[
        str, typer.Argument(metavar="SCORES.zarr", help="Scores, or phases; several with commas.")
    ],
    truth: Annotated[
        Path, typer.Argument(metavar="TRUTH.zarr", help="Phases, a mask or labels of pores.")
    ],
    out_dir: Annotated[
        Path | None, typer.Argument(help="Gets evaluation.html, evaluation.json, curves.parquet.")
    ] = None,
    inside: Annotated[
        Path | None, typer.Option(help="Phases or a mask; voxels count where it is not 0.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Also count what the truth's phases call outside.")
    ] = False,
    scan: Annotated[
        Path | None, typer.Option(help="The scan: for the pictures, and for the baselines.")
    ] = None,
    baselines: Annotated[
        bool | None,
        typer.Option(
            "--baselines/--no-baselines",
            help="Judge the scan's grey values, plain and smoothed, as scores [with --scan].",
        ),
    ] = None,
    truth_kind: Annotated[
        str | None,
        typer.Option("--truth", help="phases, mask or labels, where the volume does not say."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Score of pores that are matched; that of largest Dice.")
    ] = None,
    min_voxels: Annotated[
        int | None, typer.Option(help="Smallest pore of the scores that counts [9].")
    ] = None,
    min_extent: Annotated[
        int | None, typer.Option(help="Smallest extent of it along every axis [1].")
    ] = None,
    connectivity: Annotated[int | None, typer.Option(help="6, 18 or 26 neighbours [6].")] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
) -> None:
    """Measure how well scores, or phases, tell known pores from solid."""
    from poroscale import verbs

    values = options.settings(
        config,
        "evaluate",
        truth=truth_kind,
        everywhere=everywhere or None,
        threshold=threshold,
        min_voxels=min_voxels,
        min_extent=min_extent,
        connectivity=connectivity,
    )
    run = options.run_of(memory, cluster, workers, block, False)
    settings = verbs.evaluate_config(values)
    if dry_run:
        baseline = None if baselines is False else scan
        first = Path(scores.split(",")[0])
        typer.echo(verbs.plan_evaluate(first, truth, scan=baseline, run=run))
        return
    found = verbs.evaluate(
        scores.split(","),
        truth,
        out_dir,
        inside=inside,
        scan=scan,
        baselines=baselines,
        config=settings,
        run=run,
    )
    for line in describe_evaluations(found):
        typer.echo(line)
    if out_dir is not None:
        typer.echo(f"{out_dir / 'evaluation.html'}: curves and pictures")


def describe_evaluations(found: Sequence[Evaluation]) -> list[str]:
    """A table, one line for each, and what is no better than the scan itself."""
    from poroscale.segment.evaluation.grey_scores import beaten_by_grey

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
