"""The table of conditions: one row for each picture, as CSV or Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.io.slices.sequence import PICTURE_SUFFIXES, TIFF_SUFFIXES
from poroscale.storage.parquet_files import read_parquet

if TYPE_CHECKING:
    from pyarrow import ChunkedArray

IMAGE, SPECIMEN, PIXEL = "image", "specimen", "pixel_um"
ADDED = ("height", "width", "group")
"""Columns that a set adds to those of its table."""
INDEX = "__index_level_"
"""Beginning of the name of a column in which pandas writes the numbers of rows."""
DELIMITERS = (",", ";", "\t")
"""What may stand between the fields of a CSV table."""
STATED = re.compile(r'\A"?sep=.?"?\r?\n', re.IGNORECASE)
"""First line by which Excel is told what stands between the fields."""
COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
POINT = re.compile(r"[+-]?\d*\.\d*([eE][+-]?\d+)?")
"""Numbers with a comma; those whose comma may be that of thousands; and those with a point."""
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
        with NaN for missing ones, and text else. Names of pictures and specimens are text.
    """

    paths: tuple[Path, ...]
    columns: Mapping[str, NDArray[Any]]


def listed_pictures(table: Path, images: Path | None = None) -> ListedPictures:
    """The pictures that a table lists.

    Parameters
    ----------
    table
        CSV or Parquet with a column `image`, the name of a file, and a column for each condition;
        also `specimen` and `pixel_um`, where they are known. A column without a name is left out,
        as that of the numbers of rows. Semicolons or tabs may stand in the place of commas; then
        numbers may have decimal commas.
    images
        Folder of the pictures; None takes that of the table.

    Raises
    ------
    FileNotFoundError
        If the table, the folder or a picture of the table is missing.
    ValueError
        If the table lacks a column or a row, has a name twice, or misses a picture of the folder.
    """
    columns = _read(table)
    if IMAGE not in columns:
        raise ValueError(
            f"{table} must have a column `{IMAGE}`, got {', '.join(columns) or 'none'}"
        )
    for name in ADDED:
        if name in columns:
            raise ValueError(
                f"{table} must not have a column {name!r}, which a set has of its own; rename it"
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
    typed[SPECIMEN] = np.array(columns.get(SPECIMEN, names))
    return ListedPictures(tuple(folder / name for name in names), typed)


def _check_names(table: Path, folder: Path, names: Sequence[str]) -> None:
    listed: set[Path] = set()
    for row, name in enumerate(names, start=1):
        if not name:
            raise ValueError(f"{table} must name a picture in each row, got none in row {row}")
        path = (folder / name).resolve()
        if path in listed:
            raise ValueError(f"{table} must list each picture once, got {name!r} twice")
        if not path.is_file():
            raise FileNotFoundError(f"{folder / name} does not exist; {table} lists it")
        listed.add(path)
    for path in sorted(folder.iterdir()):
        if _is_picture(path) and path.resolve() not in listed:
            raise ValueError(
                f"{table} must have a row for every picture of {folder}, got none for {path.name}"
            )


def _is_picture(path: Path) -> bool:
    """Whether a file of the folder is a picture by its name; hidden ones are those of a system."""
    shown = not path.name.startswith(".")
    return shown and path.suffix.lower() in SUFFIXES and path.is_file()


def _read(table: Path) -> dict[str, list[str]]:
    """Columns of text; a missing value is empty."""
    if table.suffix.lower() in (".parquet", ".pq"):
        content = read_parquet(table)
        names = [name for name in content.column_names if not name.startswith(INDEX)]
        _check_head(table, names)
        return {name: _texts(content.column(name)) for name in names}
    delimiter, rows = _csv_rows(table)
    if not rows:
        raise ValueError(f"{table} must be a table, got an empty file")
    head = [name.strip() for name in rows[0]]
    _check_head(table, head)
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(head):
            raise ValueError(
                f"{table} must have {len(head)} values in each row, got {len(row)} in row {number}"
            )
    columns = {name: [row[k].strip() for row in rows[1:]] for k, name in enumerate(head) if name}
    return columns if delimiter == "," else _with_decimal_points(columns)


def _csv_rows(table: Path) -> tuple[str, list[list[str]]]:
    """Delimiter, and rows that are not empty.

    It is the comma, unless another one alone gives a column of pictures: a spreadsheet writes
    semicolons where the comma is the decimal sign. A first line that states it, as `sep=;` for
    Excel, is no row.
    """
    try:
        text = STATED.sub("", table.read_bytes().decode("utf-8-sig"))
        for delimiter in DELIMITERS:
            rows = _split_rows(text, delimiter)
            if rows and IMAGE in (cell.strip() for cell in rows[0]):
                return delimiter, rows
        return ",", _split_rows(text, ",")
    except FileNotFoundError:
        raise FileNotFoundError(f"{table} does not exist") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table} must be a CSV or Parquet table: {error}") from None


def _split_rows(text: str, delimiter: str) -> list[list[str]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [row for row in rows if any(cell.strip() for cell in row)]


def _with_decimal_points(columns: dict[str, list[str]]) -> dict[str, list[str]]:
    """Columns whose numbers have decimal points in the place of commas, where these are decimal.

    They are if one of them cannot be that of thousands, as in 7,5 or 0,125, and no number of the
    table has a point. Else all stay words.
    """
    given = {name: column for name, column in columns.items() if name not in (IMAGE, SPECIMEN)}
    values = [each for column in given.values() for each in column]
    with_comma = [each for each in values if COMMA.fullmatch(each)]
    decimal = not all(map(THOUSANDS.fullmatch, with_comma))
    if not decimal or any(map(POINT.fullmatch, values)):
        return columns
    found = dict(columns)
    for name, column in given.items():
        if all(COMMA.fullmatch(each) or _is_number(each) for each in column):
            found[name] = [each.replace(",", ".") for each in column]
    return found


def _is_number(text: str) -> bool:
    """Whether a field is a number, or has no value."""
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def _check_head(table: Path, names: Sequence[str]) -> None:
    for name, times in Counter(names).items():
        if name and times > 1:
            raise ValueError(f"{table} must have each column once, got {name!r} {times} times")


def _texts(column: ChunkedArray) -> list[str]:
    values = column.to_pylist()
    if str(column.type) in ("float", "halffloat"):  # else 0.1 becomes 0.10000000149
        short = np.float32 if str(column.type) == "float" else np.float16
        values = [None if value is None else str(short(value)) for value in values]
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return str(value).strip()


def _typed(column: Sequence[str]) -> NDArray[Any]:
    """Numbers where all values that are there are finite numbers, text else.

    A field that is empty, or "nan" as programs write it, has no value.
    """
    try:
        found = np.array([float(each) if each else np.nan for each in column], np.float64)
    except ValueError:
        return np.array(column)
    return np.array(column) if np.isinf(found).any() else found
