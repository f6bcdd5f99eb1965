"""RAW voxels with a MetaImage header, and NumPy's `.npy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from poroscale.engine import Run
from poroscale.io.flat.metaimage import ELEMENT_TYPES
from poroscale.io.read.source import Source
from poroscale.io.write.boxes import FlatTarget, write_flat
from poroscale.io.write.staging import refuse_existing, staged


def write_raw(source: Source, header: Path, run: Run) -> None:
    """Write `name.raw`, then `name.mhd` beside it: without its header the data is unfinished.

    MetaImage knows no floats of 16 bits: they are written as float32, which holds each of them.

    Raises
    ------
    FileExistsError
        If one of them exists and is not to be overwritten.
    """
    data = header.with_suffix(".raw")
    refuse_existing(header, overwrite=run.overwrite)
    refuse_existing(data, overwrite=run.overwrite)
    stored = np.dtype("<f4" if source.dtype == np.float16 else source.dtype).newbyteorder("<")
    text = metaimage_header(source, data.name, stored)
    header.unlink(missing_ok=True)
    with staged(data, overwrite=run.overwrite) as partial:
        write_flat(source, FlatTarget(partial, 0, source.shape, stored), run)
    with staged(header, overwrite=run.overwrite) as partial:
        partial.write_text(text, encoding="ascii")


def metaimage_header(source: Source, data: str, stored: np.dtype[Any]) -> str:
    """The text of a `.mhd` file; lengths in mm, as its readers take them, x first.

    Raises
    ------
    ValueError
        If MetaImage has no word for the type of the voxels.
    """
    word = ELEMENT_TYPES.get(stored.newbyteorder("="))
    if word is None:
        known = ", ".join(sorted(str(kind) for kind in ELEMENT_TYPES))
        raise ValueError(f"voxels of a RAW file must be one of {known}, got {source.dtype}")
    lines = ["ObjectType = Image", "NDims = 3", "BinaryData = True"]
    lines += ["BinaryDataByteOrderMSB = False", "CompressedData = False"]
    if source.voxel_size is not None:
        sizes = list(zip(source.origin, source.voxel_size, strict=True))[::-1]
        spacing = " ".join(f"{size / 1000:.10g}" for _, size in sizes)
        centre = " ".join(f"{(index + 0.5) * size / 1000:.10g}" for index, size in sizes)
        lines += [f"Offset = {centre}", f"ElementSpacing = {spacing}"]
    lines += [f"DimSize = {' '.join(map(str, source.shape[::-1]))}"]
    lines += [
        f"ElementType = {word}",
        f"ElementDataFile = {data}",
    ]
    return "\n".join(lines) + "\n"


def write_npy(source: Source, path: Path, run: Run) -> None:
    """Write a `.npy` file (z, y, x); the format has no room for the voxel size."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file,
            {"descr": source.dtype.str, "fortran_order": False, "shape": source.shape},
        )
        offset = file.tell()
    write_flat(source, FlatTarget(path, offset, source.shape, source.dtype), run)
