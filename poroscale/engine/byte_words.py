"""Sizes on disk in words."""

from __future__ import annotations


def bytes_in_words(size: float) -> str:
    """A size in the unit that shows it: 12.0 GB, 3.4 MB, 120 bytes."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} bytes"
