"""The table of conditions: one row for each picture, as CSV or Parquet."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.io.slices.sequence import PICTURE_SUFFIXES, TIFF_SUFFIXES
from poroscale.storage.parquet_files import read_parquet

IMAGE, SPECIMEN, PIXEL = "image", "specimen", "pixel_um"
SUFFIXES = PICTURE_SUFFIXES | TIFF_SUFFIXES


@dataclass(frozen=True)
class ListedPictures:
    """Pictures and what the table says of them.

    Attributes
    ----------
    paths
        File of each picture.
    columns
        Columns of the table, one value for each picture: float64 where all values are numbers,
        with NaN for missing ones, and text else.
    """

    paths: tuple[Path, ...]
    columns: Mapping[str, NDArray[Any]]


def listed_pictures(table: Path, images: Path | None = None) -> ListedPictures:
    """The pictures that a table lists.

    Parameters
    ----------
    table
        CSV or Parquet with a column `image`, the name of a file, and a column for each condition;
        also `specimen` and `pixel_um`, where they are known.
    images
        Folder of the pictures; None takes that of the table.

    Raises
    ------
    FileNotFoundError
        If the table, the folder or a picture of the table is missing.
    ValueError
        If the table lacks a column or a row, or misses a picture of the folder.
    """
    columns = _read(table)
    if IMAGE not in columns:
        raise ValueError(
            f"{table} must have a column `{IMAGE}`, got {', '.join(columns) or 'none'}"
        )
    names = columns[IMAGE]
    if not names:
        raise ValueError(f"{table} must have a row for each picture, got none")
    folder = table.parent if images is None else images
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} does not exist, or is no folder of pictures")
    _check_names(table, folder, names)
    typed = {name: _typed(column) for name, column in columns.items()}
    typed[IMAGE] = np.array(names)
    typed.setdefault(SPECIMEN, typed[IMAGE])
    return ListedPictures(tuple(folder / name for name in names), typed)


def _check_names(table: Path, folder: Path, names: Sequence[str]) -> None:
    times = Counter(names)
    for name in names:
        if times[name] > 1:
            raise ValueError(
                f"{table} must list each picture once, got {name or 'no name'!r} twice"
            )
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} does not exist; {table} lists it")
    listed = {(folder / name).resolve() for name in names}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path.resolve() not in listed:
            raise ValueError(
                f"{table} must have a row for every picture of {folder}, got none for {path.name}"
            )


def _read(table: Path) -> dict[str, list[str]]:
    """Columns of text; a missing value is empty."""
    if table.suffix.lower() in (".parquet", ".pq"):
        content = read_parquet(table)
        return {
            name: [_text(v) for v in content.column(name).to_pylist()]
            for name in content.column_names
        }
    try:
        rows = list(csv.reader(table.read_text("utf-8-sig").splitlines()))
    except FileNotFoundError:
        raise FileNotFoundError(f"{table} does not exist") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table} must be a CSV or Parquet table: {error}") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise ValueError(f"{table} must be a table, got an empty file")
    head = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(head):
            raise ValueError(
                f"{table} must have {len(head)} values in each row, got {len(row)} in row {number}"
            )
    return {name: [row[k].strip() for row in rows[1:]] for k, name in enumerate(head)}


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return str(value).strip()


def _typed(column: Sequence[str]) -> NDArray[Any]:
    """Numbers where all values that are there are finite numbers, text else."""
    try:
        found = np.array([float(each) if each else np.nan for each in column], np.float64)
    except ValueError:
        return np.array(column)
    given = np.array([bool(each) for each in column])
    return found if given.any() and np.isfinite(found[given]).all() else np.array(column)
