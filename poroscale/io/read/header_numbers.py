"""Numbers in the text of a header; any other text is an error that names file and key."""

from __future__ import annotations

import math
from pathlib import Path


def whole_numbers(text: str, key: str, path: Path) -> list[int]:
    """The whole numbers in `text`, which blanks separate.

    Raises
    ------
    ValueError
        Naming the file and the key.
    """
    try:
        return [int(word) for word in text.split()]
    except ValueError as error:
        raise ValueError(f"{path.name}: {key} must be whole numbers, got {text[:80]!r}") from error


def whole_number(text: str, key: str, path: Path) -> int:
    """The one whole number in `text`; ValueError as `whole_numbers`."""
    found = whole_numbers(text, key, path)
    if len(found) != 1:
        raise ValueError(f"{path.name}: {key} must be one whole number, got {text[:80]!r}")
    return found[0]


def real_numbers(text: str, key: str, path: Path) -> list[float]:
    """The numbers in `text`, NaN and infinity among them; ValueError as `whole_numbers`."""
    try:
        return [float(word) for word in text.split()]
    except ValueError as error:
        raise ValueError(f"{path.name}: {key} must be numbers, got {text[:80]!r}") from error


def finite_numbers(text: str, key: str, path: Path) -> list[float]:
    """The numbers in `text`; NaN and infinity are refused as what is no number."""
    found = real_numbers(text, key, path)
    if not all(map(math.isfinite, found)):
        raise ValueError(f"{path.name}: {key} must be finite numbers, got {text[:80]!r}")
    return found
