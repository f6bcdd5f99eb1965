"""`poroscale export`: volumes and tables to other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import ConfigFile, Memory, Overwrite


def export(
    src: Annotated[Path, typer.Argument(metavar="SRC.zarr", help="A volume, or a table.")],
    dst: Annotated[
        Path,
        typer.Argument(
            help=".tif, .mhd, .vtkhdf, .npy, or a folder of slices; of a table .csv or .xlsx."
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            help="tiff, bigtiff, tiff-stack, overlay, raw, vtkhdf, npy, csv, xlsx or parquet; by "
            "the suffix of DST otherwise."
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Labels that an overlay draws in colour over the scan.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Pore table of these labels: .vtkhdf gets its columns as cell arrays."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns of --table, with commas [equivalent_diameter_um].")
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    overwrite: Overwrite = False,
) -> None:
    """Write a volume or a table for Fiji, ParaView, NumPy or a spreadsheet."""
    from poroscale import verbs

    values = options.settings(
        config,
        "export",
        format=format,
        labels=str(labels) if labels else None,
        table=str(table) if table else None,
        columns=tuple(columns.split(",")) if columns else None,
    )
    run = options.run_of(memory, None, None, None, overwrite)
    made = verbs.export(src, dst, config=verbs.export_config(values), run=run)
    slices = ": a folder of TIFF slices; DST with a suffix makes one file" if made.is_dir() else ""
    typer.echo(f"{made}{slices}")
