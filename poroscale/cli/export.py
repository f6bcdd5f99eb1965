"""`poroscale export`: volumes and tables to other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    src: Annotated[Path, typer.Argument(metavar="SRC.zarr", help="A volume, or a table.")],
    dst: Annotated[
        Path,
        typer.Argument(help="FOLDER of slices, .tif, .mhd, .vtkhdf, .npy; .csv or .parquet."),
    ],
    overlay: Annotated[
        Path | None, typer.Option(help="Labels or phases drawn in colour over SRC.zarr (.tif).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace DST.")] = False,
) -> None:
    """Write a volume or a table for Fiji, ParaView, NumPy or a spreadsheet."""
    from poroscale import verbs

    typer.echo(f"{verbs.export(src, dst, overlay=overlay, overwrite=overwrite)}")
