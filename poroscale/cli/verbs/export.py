"""`poroscale export`: volumes and tables to other formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from poroscale.cli.command import Argument, Command


def tell(made: Path, _given: dict[str, Any]) -> Iterator[str]:
    """The file or folder."""
    slices = ": a folder of TIFF slices; DST with a suffix makes one file" if made.is_dir() else ""
    yield f"{made}{slices}"


COMMANDS = (
    Command(
        "export",
        tell,
        section="Files",
        arguments=(
            Argument("src", "SRC.zarr", "A volume, or a table."),
            Argument(
                "dst",
                help=".tif, .mhd, .vtkhdf, .npy, or a folder of slices; of a table .csv or .xlsx.",
            ),
        ),
        metavars={"labels": "LABELS.zarr", "table": "PORES.parquet", "window": "LOW,HIGH"},
        hidden=("cluster", "workers", "block"),
    ),
)
