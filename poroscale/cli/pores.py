"""`poroscale pores`: phases to a pore table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import Block, Cluster, ConfigFile, DryRun, Memory, Overwrite, Workers


def pores(
    phases: Annotated[
        Path, typer.Argument(metavar="PHASES.zarr", help="Phases, or any ingested integers.")
    ],
    out_dir: Annotated[Path, typer.Argument(help="Gets labels.zarr and pores.parquet.")],
    pore: Annotated[
        int | None, typer.Option(help="Value of pores: 2 for phases 0, 1, 2; 1 for a mask.")
    ] = None,
    outside_value: Annotated[
        int | None, typer.Option(help="Value outside the part: 0 for phases 0, 1, 2.")
    ] = None,
    labels: Annotated[
        bool,
        typer.Option(
            "--labels", help="A label image: every value but 0 is a pore of its own, a row each."
        ),
    ] = False,
    shares: Annotated[
        Path | None,
        typer.Option(
            metavar="SHARES.zarr",
            help="Shares of pore that `segment` left: volumes and centroids come from them.",
        ),
    ] = None,
    connectivity: Annotated[int | None, typer.Option(help="6, 18 or 26 neighbours [6].")] = None,
    bank: Annotated[
        bool, typer.Option("--bank", help="Also cut every pore out into OUT_DIR/bank.zarr.")
    ] = False,
    classes: Annotated[
        bool | None,
        typer.Option(
            "--classes/--no-classes",
            help="Class pores of printed metal: gas, keyhole, lack of fusion [no].",
        ),
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Label every pore and measure it."""
    from poroscale import verbs

    values = options.settings(
        config,
        "pores",
        pore=pore,
        outside=outside_value,
        labels=labels or None,
        connectivity=connectivity,
        bank=bank or None,
        classes=classes,
    )
    run = options.run_of(memory, cluster, workers, block, overwrite)
    settings = verbs.pores_config(values)
    if dry_run:
        typer.echo(verbs.plan_pores(phases, shares=shares, run=run))
        return
    table = verbs.pores(phases, out_dir, shares=shares, config=settings, run=run)
    typer.echo(describe_table(table))


def describe_table(table: Path) -> str:
    """How many pores a table holds."""
    from poroscale.parquet_files import parquet_file

    with parquet_file(table, checked=False) as file:
        return f"{table}: {file.metadata.num_rows} pores"
