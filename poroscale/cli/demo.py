"""`poroscale demo`: the main job on a generated scan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import Block, Cluster, DryRun, Memory, Overwrite, Workers


def demo(
    out: Annotated[Path, typer.Argument(help="Folder of the demo.")] = Path("demo"),
    poor_scan: Annotated[
        bool,
        typer.Option(
            "--poor-scan", help="In its place: a scan where Otsu fails, and the network's pores."
        ),
    ] = False,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Scan a phantom, find its pores, and make a new part like it."""
    from poroscale import verbs

    run = options.run_of(memory, cluster, workers, block, overwrite)
    if dry_run and poor_scan:
        raise ValueError("a true scan is not planned: --dry-run must go without --poor-scan")
    if dry_run:
        typer.echo(verbs.plan_demo(run=run))
        return
    for line in (verbs.poor_scan if poor_scan else verbs.demo)(out, run=run):
        typer.echo(line)
