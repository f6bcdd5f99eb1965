"""The pore table as the report reads it: one column at a time, so that its size hardly matters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.storage.parquet_files import parquet_file, read_parquet

REQUIRED = (
    "label",
    "volume_um3",
    "centroid_z_um",
    "centroid_y_um",
    "centroid_x_um",
    "equivalent_diameter_um",
)
UNCLASSIFIED = "unclassified"
CLASSES = ("gas", "keyhole", "lack_of_fusion", UNCLASSIFIED)


@dataclass(frozen=True)
class PoreTable:
    """A Parquet file with one row per pore; lengths in um.

    Only `REQUIRED` columns must be there. Any other that is missing reads as
    "not known" (NaN, False), so that tables from elsewhere make a page too.
    """

    path: Path

    @classmethod
    def open(cls, path: str | Path) -> PoreTable:
        """Open the table at `path`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no Parquet file, or one of the `REQUIRED` columns is missing.
        """
        table = cls(Path(path))
        if not table.path.is_file():
            raise FileNotFoundError(f"pore table must be an existing file, got {table.path}")
        missing = [name for name in REQUIRED if name not in table.names]
        if missing:
            raise ValueError(f"pore table must have column {missing[0]!r}, got {table.path}")
        return table

    @cached_property
    def _schema(self) -> Any:
        with parquet_file(self.path) as file:  # the first look, which compares it
            return file.schema_arrow

    @cached_property
    def rows(self) -> int:
        """Number of pores."""
        with parquet_file(self.path, checked=False) as file:
            return int(file.metadata.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in the order of the file."""
        return tuple(self._schema.names)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Metadata of the file under its key `poroscale`; empty if there is none."""
        raw = (self._schema.metadata or {}).get(b"poroscale")
        return dict(json.loads(raw)) if raw else {}

    def column(self, name: str) -> NDArray[np.float64]:
        """Column `name` as float64 (rows,); nulls and a missing column are NaN."""
        if name not in self.names:
            return np.full(self.rows, np.nan)
        column = self._read(name)
        return np.asarray(column.to_numpy(), dtype=np.float64)

    def flags(self, name: str) -> NDArray[np.bool_]:
        """Column `name` as bool (rows,); nulls and a missing column are False."""
        if name not in self.names:
            return np.zeros(self.rows, bool)
        return np.asarray(self._read(name).fill_null(False).to_numpy(), dtype=bool)

    def classes(self) -> dict[str, NDArray[np.bool_]]:
        """Masks (rows,) of the pores in each class that occurs, the usual four first.

        Nulls and a missing column are "unclassified".
        """
        if not self.rows:
            return {}
        if "class" not in self.names:
            return {UNCLASSIFIED: np.ones(self.rows, bool)}
        import pyarrow as pa

        column = self._read("class").cast(pa.string()).fill_null(UNCLASSIFIED)
        coded = column.combine_chunks().dictionary_encode()
        codes, names = coded.indices.to_numpy(), coded.dictionary.to_pylist()
        usual = [name for name in CLASSES if name in names]
        order = usual + sorted(set(names) - set(usual))
        return {name: codes == names.index(name) for name in order}

    @cached_property
    def classed(self) -> bool:
        """True if the pores were classed: as the settings say, else if any pore has a class."""
        settings = (self.metadata.get("recipe") or {}).get("settings") or {}
        if "classes" in settings:
            return bool(settings["classes"])
        return any(name != UNCLASSIFIED for name in self.classes())

    def record(self, row: int) -> dict[str, Any]:
        """Row `row` as plain Python values."""
        from pyarrow import parquet

        file = parquet.ParquetFile(self.path)
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row < rows:
                return dict(file.read_row_group(group).slice(row, 1).to_pylist()[0])
            row -= rows
        raise IndexError(f"row must be below {self.rows}, got one {row} beyond the end")

    def _read(self, name: str) -> Any:
        return read_parquet(self.path, columns=[name], checked=False).column(name)
