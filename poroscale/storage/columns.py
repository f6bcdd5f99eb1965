"""Columns to Parquet and back: a file is complete or absent, and always has the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.manifest import canonical_json
from poroscale.storage.parquet_files import read_parquet, write_parquet

KEY = b"poroscale"
Binary = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Bytes of all rows, and the first byte of each row, (n + 1,)."""


def write_columns(
    table: Mapping[str, NDArray[Any]],
    path: Path,
    *,
    about: Mapping[str, Any],
    binary: Mapping[str, Binary] | None = None,
) -> Path:
    """Write columns of one length, and what they are about, to the Parquet file `path`."""
    import pyarrow as pa

    arrays = {name: pa.array(values) for name, values in table.items()}
    for name, (data, offsets) in (binary or {}).items():
        buffers = [None, pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(data)]
        arrays[name] = pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)
    content = pa.table(arrays).replace_schema_metadata({KEY: canonical_json(about).encode()})
    return write_parquet(content, path)


def read_columns(
    path: Path, *, binary: Sequence[str] = ()
) -> tuple[dict[str, NDArray[Any]], dict[str, Any], dict[str, Binary]]:
    """Columns, what they are about, and those of bytes that are named.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no table of ours.
    """
    content = read_parquet(path)
    metadata = content.schema.metadata or {}
    about = json.loads(metadata.get(KEY, b"{}"))
    found = {
        name: content.column(name).to_numpy() for name in content.column_names if name not in binary
    }
    bytes_of = {
        name: _bytes(content.column(name)) for name in binary if name in content.column_names
    }
    return found, about, bytes_of


def _bytes(column: Any) -> Binary:
    array = column.combine_chunks()
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset :][: len(array) + 1]
    data = array.buffers()[2]
    whole = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return whole[offsets[0] : offsets[-1]], offsets - offsets[0]
