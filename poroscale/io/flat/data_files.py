"""The files beside a header that hold its voxels: one, a list, or a pattern of numbers."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from poroscale.io.read.header_numbers import whole_numbers

_PATTERN = re.compile(r"[^%]*%0?\d*d[^%]*")
_MOST = 1 << 20


def beside(header: Path, name: str) -> Path:
    """The file `name` beside `header` or in a folder below; a way out is refused.

    Raises
    ------
    ValueError
        Naming the header.
    """
    inside = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in inside.parts if part != "."]
    if not parts or inside.is_absolute() or ".." in parts or ":" in parts[0]:
        raise ValueError(
            f"{header.name}: the data file must lie beside the header or below it, got {name!r}"
        )
    return header.parent.joinpath(*parts)


def numbered(header: Path, text: str) -> list[Path] | None:
    """The files of ``name%03d.raw FIRST LAST [STEP]``; None where `text` is no such pattern.

    Raises
    ------
    ValueError
        If the numbers make no series.
    """
    words = text.split()
    if len(words) < 3 or not _PATTERN.fullmatch(words[0]):
        return None
    first, last, *more = whole_numbers(" ".join(words[1:]), "the numbers of its files", header)
    step = more[0] if more else 1
    if step < 1 or not 0 <= first <= last or (last - first) // step >= _MOST:
        raise ValueError(
            f"{header.name}: the numbers of its files must be first, last and step, got {text!r}"
        )
    return [beside(header, words[0] % number) for number in range(first, last + 1, step)]
