"""`poroscale pores`: phases to a pore table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from poroscale.cli.command import Argument, Command


def tell(table: Path, _given: dict[str, Any]) -> Iterator[str]:
    """Number of the pores in the table."""
    from poroscale.storage.parquet_files import parquet_file

    with parquet_file(table, checked=False) as file:
        yield f"{table}: {file.metadata.num_rows} pores"


COMMANDS = (
    Command(
        "pores",
        tell,
        section="Scans",
        arguments=(
            Argument("phases", "PHASES.zarr", "Phases, or any ingested integers."),
            Argument("out_dir", help="Gets labels.zarr and pores.parquet."),
        ),
        metavars={
            "shares": "SHARES.zarr",
        },
    ),
)
