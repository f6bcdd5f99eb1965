"""A Parquet table as CSV, an Excel workbook, or copied with its units, batch by batch."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

from poroscale.storage.parquet_files import parquet_file, parquet_writer


def write_csv(table: Path, path: Path) -> None:
    """Write the Parquet file `table` to the CSV file `path`; columns keep their names and order.

    Raises
    ------
    ValueError
        If `table` is no Parquet file.
    """
    import pyarrow.csv

    with parquet_file(table) as source, pyarrow.csv.CSVWriter(path, source.schema_arrow) as writer:
        for batch in source.iter_batches():
            writer.write_batch(batch)


def copy_parquet(table: Path, path: Path) -> None:
    """Copy the Parquet file `table` to `path`, with the units and remarks of its columns.

    Raises
    ------
    ValueError
        If `table` is no Parquet file.
    """
    with (
        parquet_file(table) as source,
        parquet_writer(path, source.schema_arrow, compression="snappy") as writer,
    ):
        for batch in source.iter_batches():
            writer.write_batch(batch)


ROWS = 1_048_575
"""Rows below its header that a sheet holds."""


def write_xlsx(table: Path, path: Path) -> None:
    """Write the Parquet file `table` as an Excel workbook: its rows, and what its columns mean.

    Raises
    ------
    ValueError
        If `table` is no Parquet file, has more rows than a sheet holds, or openpyxl is missing.
    """
    try:
        from openpyxl import Workbook
    except ModuleNotFoundError:
        raise ValueError(
            "Excel files need openpyxl: pip install 'poroscale[excel]'; .csv needs nothing"
        ) from None
    with parquet_file(table) as source:
        if source.metadata.num_rows > ROWS:
            raise ValueError(
                f"{table} has {source.metadata.num_rows:,} rows and a sheet holds {ROWS:,}; "
                "write .csv instead"
            )
        book = Workbook(write_only=True)
        book.properties.created = book.properties.modified = NO_TIME
        rows, columns = book.create_sheet("rows"), book.create_sheet("columns")
        rows.append(source.schema_arrow.names)
        for batch in source.iter_batches():
            values = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
            for row in zip(*values, strict=True):
                rows.append(row)
        columns.append(["column", "unit", "meaning"])
        for field in source.schema_arrow:
            notes = field.metadata or {}
            said = [notes.get(key, b"").decode() for key in (b"unit", b"description")]
            columns.append([field.name, *said])
        book.save(path)


NO_TIME = datetime(1980, 1, 1)
"""Stands for the time of writing, which tells nothing about the table."""


def _cell(value: Any) -> Any:
    """Empty for NaN, which a sheet has no sign for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
