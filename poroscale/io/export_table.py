"""A Parquet table as CSV, a batch of rows at a time."""

from __future__ import annotations

from pathlib import Path


def write_csv(table: Path, path: Path) -> None:
    """Write the Parquet file `table` to the CSV file `path`; columns keep their names and order.

    Raises
    ------
    ValueError
        If `table` is no Parquet file, or has columns that CSV cannot hold.
    """
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    try:
        source = pyarrow.parquet.ParquetFile(table)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{table.name}: not a Parquet file: {error}") from error
    with source, pyarrow.csv.CSVWriter(path, source.schema_arrow) as writer:
        for batch in source.iter_batches():
            writer.write_batch(batch)
