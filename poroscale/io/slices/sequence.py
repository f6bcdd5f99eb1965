"""A folder of slices: its files, their order, and a check that none is missing.

The numbers in the names count the slices. They are ordered as numbers (`slice_9` before
`slice_10`) and must run without a gap: a missing slice would shorten every pore that crosses it.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatch
from pathlib import Path

TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
_DIGITS = re.compile(r"(\d+)")
_PREVIEW = re.compile(r"_spr\.\w+$", re.IGNORECASE)  # SkyScan's preview beside the slices


def slice_files(folder: Path, pattern: str | None = None) -> tuple[str, ...]:
    """Names of the slices in `folder`, in the order of their numbers.

    Parameters
    ----------
    pattern
        Shell pattern (`part_a_*.tif`) that picks one series where the folder holds several.

    Raises
    ------
    FileNotFoundError
        If there is no slice.
    ValueError
        If the folder holds more than one series, a number is missing, or two names share one.
    """
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and _wanted(entry.name, pattern) and entry.is_file()
        ]
    names = [name for name in names if not _PREVIEW.search(name)] or names
    if not names:
        what = f"a file that matches {pattern!r}" if pattern else "a slice (TIFF, PNG, JPEG, BMP)"
        raise FileNotFoundError(f"{folder.name}: the folder must hold {what}, found none")
    _require_one_kind(folder, names)
    if len(names) == 1:
        return (names[0],)
    return _in_order(folder, _numbers(folder, names))


def _wanted(name: str, pattern: str | None) -> bool:
    suffix = os.path.splitext(name)[1].lower()
    return (suffix in TIFF_SUFFIXES | PICTURE_SUFFIXES) and (
        pattern is None or fnmatch(name, pattern)
    )


def _require_one_kind(folder: Path, names: list[str]) -> None:
    suffixes = {Path(name).suffix.lower() for name in names}
    if len(suffixes) > 1:
        raise ValueError(
            f"{folder.name}: the folder holds several kinds of files ({', '.join(sorted(suffixes))}"
            "); pick one with `pattern` '*.tif'"
        )


def _numbers(folder: Path, names: list[str]) -> dict[str, tuple[int, ...]]:
    """All numbers in each name, once it is sure that the names differ in nothing else."""
    numbers: dict[str, tuple[int, ...]] = {}
    texts: dict[tuple[str, ...], str] = {}
    for name in sorted(names):
        parts = _DIGITS.split(Path(name).stem)
        texts.setdefault(tuple(parts[::2]), name)
        numbers[name] = tuple(int(part) for part in parts[1::2])
    if len(texts) > 1:
        examples = " and ".join(list(texts.values())[:2])
        raise ValueError(
            f"{folder.name}: the folder holds more than one series ({examples}); "
            "pick one with `pattern` 'part_a_*.tif'"
        )
    return numbers


def _in_order(folder: Path, numbers: dict[str, tuple[int, ...]]) -> tuple[str, ...]:
    columns = list(zip(*numbers.values(), strict=True))
    varying = [column for column, values in enumerate(columns) if len(set(values)) > 1]
    gapless = [
        column
        for column in varying
        if sorted(columns[column]) == list(range(min(columns[column]), max(columns[column]) + 1))
    ]
    column = (gapless or varying or [-1])[-1]
    ordered = sorted(numbers, key=lambda name: (numbers[name][column], name))
    if not gapless:
        _name_the_gap(folder, ordered, [numbers[name][column] for name in ordered])
    return tuple(ordered)


def _name_the_gap(folder: Path, ordered: list[str], counts: list[int]) -> None:
    for (name, count), (after, following) in zip(
        zip(ordered, counts, strict=True),
        zip(ordered[1:], counts[1:], strict=True),
        strict=False,
    ):
        if following == count:
            raise ValueError(f"{folder.name}: {name} and {after} have the same slice number")
        if following > count + 1:
            missing = f"{count + 1}" if following == count + 2 else f"{count + 1}-{following - 1}"
            raise ValueError(
                f"{folder.name}: slice number {missing} is missing between {name} and {after}"
            )
