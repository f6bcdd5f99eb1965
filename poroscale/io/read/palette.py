"""Palettes: a table of colours whose grey ones are the values of the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def grey_table(colours: NDArray[Any], name: str) -> tuple[int, ...] | None:
    """The grey values of a palette of shape (3, n); None where place k has value k.

    TIFF writes palettes of 8 bits as 16: v x 257 or v x 256 is v.

    Raises
    ------
    ValueError
        If it holds colours.
    """
    table = np.asarray(colours[0], np.int64)
    if (colours != colours[:1]).any():
        raise ValueError(
            f"{name}: slices must be grey, its palette has colours: take the stored numbers with "
            "`channel` index, or red, green or blue with `channel` 0, 1 or 2"
        )
    for factor in (257, 256):
        if table.max() > 255 and not (table % factor).any():
            table = table // factor
    if (table == np.arange(len(table))).all():
        return None
    return tuple(int(value) for value in table)
