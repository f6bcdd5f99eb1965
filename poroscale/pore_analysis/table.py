"""The pore table on disk: a Parquet file, complete or absent, always with the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from poroscale.manifest import canonical_json
from poroscale.pore_analysis.columns import COLUMNS, Column, select
from poroscale.storage.parquet_files import parquet_file, read_parquet, write_parquet

if TYPE_CHECKING:
    import dask.dataframe
    import pandas

TABLE = "pores.parquet"
"""Name of the table in a folder of results."""
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
    content = _arrow_table(table, tuple(columns), metadata)
    return write_parquet(
        content,
        path,
        row_group_size=ROW_GROUP,
        use_dictionary=["class"] if "class" in content.column_names else False,
    )


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
    """Metadata that `write_table` was given for the whole table.

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


def pore_units(path: str | Path) -> dict[str, str]:
    """The unit of each column of a pore table: "um", "deg", "1" for a pure number.

    Flags and words have none, and are left out.

    Parameters
    ----------
    path
        The Parquet file, or the folder of results that holds `pores.parquet`.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_pores`.
    """
    with parquet_file(_table_at(path)) as file:
        return _units(file.schema_arrow)


def read_pores(path: str | Path, *, columns: Sequence[str] | None = None) -> pandas.DataFrame:
    """The pore table in memory, one row a pore.

    Parameters
    ----------
    path
        The Parquet file, or the folder of results that holds `pores.parquet`.
    columns
        The columns that are read; None reads all.

    Returns
    -------
    pandas.DataFrame
        Its `attrs["units"]` has the unit of each column that has one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no whole Parquet file, or has no such column.
    """
    content = read_parquet(_table_at(path), columns=columns)
    frame: pandas.DataFrame = content.replace_schema_metadata(None).to_pandas()
    frame.attrs["units"] = _units(content.schema)
    return frame


def scan_pores(
    path: str | Path, *, columns: Sequence[str] | None = None
) -> dask.dataframe.DataFrame:
    """The pore table as a lazy dask dataframe: for more pores than the memory holds.

    Parameters
    ----------
    path
        The Parquet file, or the folder of results that holds `pores.parquet`.
    columns
        The columns that are known; None knows all. Only those that a computation needs are read.

    Returns
    -------
    dask.dataframe.DataFrame
        Dask keeps no attributes of a frame: `pore_units` has the units.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_pores`.
    """
    import dask.dataframe

    place = _table_at(path)
    with parquet_file(place) as file:
        names = list(file.schema_arrow.names if columns is None else columns)
        missing = sorted(set(names) - set(file.schema_arrow.names))
    if missing:
        raise ValueError(f"{place} must have a column {missing[0]!r}, it has none")
    return dask.dataframe.read_parquet(place, columns=names)


def _table_at(path: str | Path) -> Path:
    place = Path(path)
    return place / TABLE if place.is_dir() else place


def _units(schema: Any) -> dict[str, str]:
    """Units from the metadata of the fields."""
    said = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in schema}
    return {name: unit for name, unit in said.items() if unit}


def is_finished_table(path: Path, metadata: Mapping[str, Any], *, overwrite: bool) -> bool:
    """True if `path` holds the table that `metadata` describes.

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
        "choose another name, or replace it with `overwrite`"
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
