"""NumPy's `.npy`: a short header, then flat voxels."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError

import numpy as np

from poroscale.io.flat import FlatSource
from poroscale.io.source import Source, as_shape, require_numeric
from poroscale.io.wrappers import Transposed


def open_npy(path: Path) -> Source:
    """The source for a `.npy` file of two or three axes (z, y, x), C or Fortran order.

    Raises
    ------
    ValueError
        If it is no array of numbers, or shorter than its header says.
    """
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, stored = read(file)
        except (ValueError, SyntaxError, TypeError, TokenError) as error:
            raise ValueError(f"{path.name}: not a .npy file: {error}") from error
        offset = file.tell()
    if stored == np.bool_:
        stored = np.dtype(np.uint8)
    sizes = as_shape(shape, path.name)
    flat = FlatSource(
        shape=(sizes[2], sizes[1], sizes[0]) if fortran else sizes,
        dtype=require_numeric(stored, path.name),
        voxel_size=None,
        path=path,
        offset=offset,
        stored=stored,
        kind="NumPy",
    )
    return Transposed.of(flat, (2, 1, 0)) if fortran else flat
