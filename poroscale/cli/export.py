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
        Path, typer.Argument(help="Folder of slices, .tif, .mhd, .vtkhdf or .npy; .csv of a table.")
    ],
    format: Annotated[
        str | None,
        typer.Option(
            help="tiff, bigtiff, tiff-stack, overlay, raw, vtkhdf, npy or csv; by the suffix "
            "of DST otherwise."
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Labels that an overlay draws in colour over the scan.")
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    overwrite: Overwrite = False,
) -> None:
    """Write a volume or a table for Fiji, ParaView, NumPy or a spreadsheet."""
    from poroscale import verbs

    values = options.settings(
        config, "export", format=format, labels=str(labels) if labels else None
    )
    run = options.run_of(memory, None, None, None, overwrite)
    made = verbs.export(src, dst, config=verbs.export_config(values), run=run)
    typer.echo(f"{made}")
