"""A Parquet table as CSV, or copied with its units, a batch of rows at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poroscale.manifest import check_file

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile


def write_csv(table: Path, path: Path) -> None:
    """Write the Parquet file `table` to the CSV file `path`; columns keep their names and order.

    Raises
    ------
    ValueError
        If `table` is no Parquet file.
    """
    import pyarrow.csv

    with open_table(table) as source, pyarrow.csv.CSVWriter(path, source.schema_arrow) as writer:
        for batch in source.iter_batches():
            writer.write_batch(batch)


def write_parquet(table: Path, path: Path) -> None:
    """Copy the Parquet file `table` to `path`, with the units and remarks of its columns.

    Raises
    ------
    ValueError
        If `table` is no Parquet file.
    """
    import pyarrow.parquet

    with (
        open_table(table) as source,
        pyarrow.parquet.ParquetWriter(path, source.schema_arrow) as writer,
    ):
        for batch in source.iter_batches():
            writer.write_batch(batch)


def open_table(table: Path) -> ParquetFile:
    """The Parquet file `table`, to be closed by the caller."""
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(check_file(table))
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{table.name}: not a Parquet file: {error}") from error
