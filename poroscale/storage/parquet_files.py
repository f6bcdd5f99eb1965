"""Reading and writing of Parquet files.

Errors name the file, which Arrow's own messages do not. A file is complete or absent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.manifest import check_file, sync_directory

if TYPE_CHECKING:
    from pyarrow import Schema, Table
    from pyarrow.parquet import ParquetFile, ParquetWriter


@contextmanager
def parquet_file(path: Path, *, checked: bool = True, **options: Any) -> Iterator[ParquetFile]:
    """The Parquet file `path`, open for reading.

    Parameters
    ----------
    path
        The file.
    checked
        Compare the file with the manifest beside it, which reads it whole.
    options
        Those of `pyarrow.parquet.ParquetFile`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no Parquet file, or a page of it is damaged; Arrow's errors are turned into a
        sentence that names the file wherever they arise within the context.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if not path.is_file():
        raise ValueError(f"{path} must be a Parquet table, got a folder")
    try:
        with pq.ParquetFile(check_file(path) if checked else path, **options) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} {_cause(error)}; make the table again") from None


def _cause(error: Exception) -> str:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "magic bytes" in first or "smaller than the minimum file footer" in first:
        return "is no Parquet table, or its end is missing"
    if "file size is 0" in first:
        return "is empty and no Parquet table"
    return f"is a damaged Parquet table ({first.rstrip('.')})"


def read_parquet(
    path: Path, *, columns: Sequence[str] | None = None, checked: bool = True
) -> Table:
    """The columns that are named, or all, of the Parquet file `path`; see `parquet_file`."""
    with parquet_file(path, checked=checked) as file:
        missing = sorted(set(columns or ()) - set(file.schema_arrow.names))
        if missing:
            raise ValueError(f"{path} must have a column {missing[0]!r}, it has none")
        return file.read(columns=None if columns is None else list(columns))


@contextmanager
def parquet_writer(
    path: Path, schema: Schema, *, compression: str = "zstd", **options: Any
) -> Iterator[ParquetWriter]:
    """Writer of the Parquet file `path`, which appears under its name when it is complete.

    Parameters
    ----------
    path
        The file. What was there before stays until the new one is complete.
    schema
        Names, types and metadata of the columns, and metadata of the table.
    compression
        Codec of the pages. Each page has a checksum.
    options
        Others of `pyarrow.parquet.ParquetWriter`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    from pyarrow.parquet import ParquetWriter

    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.partial"):  # by a run that was killed
        left.unlink(missing_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            with ParquetWriter(
                file, schema, compression=compression, write_page_checksum=True, **options
            ) as writer:
                yield writer
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_directory(path.parent)


def write_parquet(content: Table, path: Path, **options: Any) -> Path:
    """Write one table to the Parquet file `path` and return it; options as of `parquet_writer`."""
    rows = options.pop("row_group_size", None)
    with parquet_writer(path, content.schema, **options) as writer:
        writer.write_table(content, rows)
    return path
