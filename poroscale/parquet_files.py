"""Parquet files as errors that a user can act on: Arrow's own messages name no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.manifest import check_file

if TYPE_CHECKING:
    from pyarrow import Table
    from pyarrow.parquet import ParquetFile


@contextmanager
def parquet_file(path: Path, *, checked: bool = True, **options: Any) -> Iterator[ParquetFile]:
    """The Parquet file `path`, open for reading.

    Parameters
    ----------
    path
        The file.
    checked
        Whether it is compared with the manifest beside it, which reads it whole.
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
