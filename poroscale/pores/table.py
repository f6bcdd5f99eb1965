"""The pore table on disk: Parquet, whole or not there, the same bytes whenever it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from poroscale.manifest import canonical_json, sync_directory
from poroscale.parquet_files import parquet_file
from poroscale.pores.columns import COLUMNS, Column, select

METADATA_KEY = b"poroscale"
ROW_GROUP = 1 << 16
"""Rows of a row group: a reader of one pore decodes no more."""


def write_table(
    table: Mapping[str, NDArray[Any]],
    path: Path,
    *,
    metadata: Mapping[str, Any],
    columns: Iterable[Column] = COLUMNS,
) -> Path:
    """Write the declared columns of a table, with their units, to the Parquet file `path`.

    Parameters
    ----------
    table
        Arrays of one length; those that are not declared are left out.
    metadata
        JSON about the whole table, under the key "poroscale" of the file. Neither time nor path.
    columns
        The declarations. The unit and the description of each column are in its field's metadata.

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is still there.
    """
    import pyarrow.parquet as pq

    content = _arrow_table(table, tuple(columns), metadata)
    for left in path.parent.glob(f".{path.name}.*.partial"):  # by a run that was killed
        left.unlink(missing_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            pq.write_table(
                content,
                file,
                row_group_size=ROW_GROUP,
                compression="zstd",
                write_page_checksum=True,
                use_dictionary=["class"] if "class" in content.column_names else False,
            )
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_directory(path.parent)
    return path


def _arrow_table(
    table: Mapping[str, NDArray[Any]], columns: tuple[Column, ...], metadata: Mapping[str, Any]
) -> Any:
    import pyarrow as pa

    about = {METADATA_KEY: canonical_json(metadata).encode()}
    fields = [pa.field(c.name, _arrow_type(c), nullable=False, metadata=_about(c)) for c in columns]
    schema = pa.schema(fields, metadata=about)
    values = select(table, columns).values()
    arrays = [pa.array(array, field.type) for array, field in zip(values, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def read_metadata(path: Path) -> dict[str, Any]:
    """What `write_table` was told about the whole table.

    Raises
    ------
    ValueError
        If `path` is no Parquet file of ours.
    """
    try:
        with parquet_file(path) as file:
            metadata = file.schema_arrow.metadata or {}
    except ValueError:
        metadata = {}
    if METADATA_KEY not in metadata:
        raise ValueError(f"{path} exists and is no pore table of poroscale; choose another name")
    about: dict[str, Any] = json.loads(metadata[METADATA_KEY])
    return about


def is_finished(path: Path, metadata: Mapping[str, Any], *, overwrite: bool) -> bool:
    """Whether `path` holds the table that `metadata` describes.

    Raises
    ------
    ValueError
        If it holds another one, which may not be overwritten.
    """
    if overwrite or not path.exists():
        return False
    if canonical_json(read_metadata(path)) == canonical_json(metadata):
        return True
    raise ValueError(
        f"{path} is finished with other input or settings; "
        "choose another name, or replace it with --overwrite"
    )


def _arrow_type(column: Column) -> Any:
    import pyarrow as pa

    return {
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "string": pa.string(),
    }[column.kind]


def _about(column: Column) -> dict[str, str]:
    return {"unit": column.unit, "description": column.description}
