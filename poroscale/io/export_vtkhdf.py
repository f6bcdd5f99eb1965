"""VTKHDF ImageData, which ParaView opens, written box by box with h5py alone.

A voxel is a cell: it has a volume and one value. So the values are CellData, the extent counts
cells, and the grid's points are the voxels' corners: the image then covers exactly the part, and
voxel centres lie at (i + 0.5) * voxel size. Lengths are um. ParaView's Threshold and Slice take
cells as they are; contours need its filter "Cell Data to Point Data" first.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from poroscale.engine import Run
from poroscale.io.boxes import export_boxes
from poroscale.io.source import Source
from poroscale.volume import Shape

if TYPE_CHECKING:
    import h5py

_CHUNK = 64


def write_vtkhdf(source: Source, path: Path, run: Run, *, name: str = "voxels") -> None:
    """Write `source` as the cell array `name`; chunks are packed with gzip, which VTK reads."""
    import h5py

    size = source.voxel_size or (1.0, 1.0, 1.0)
    with h5py.File(path, "w") as file:
        root = file.create_group("VTKHDF")
        root.attrs["Version"] = np.array([1, 0], np.int64)
        _set_text(root, "Type", "ImageData")
        extent = [end for n in source.shape[::-1] for end in (0, n)]
        root.attrs["WholeExtent"] = np.array(extent, np.int64)
        corner = [index * edge for index, edge in zip(source.origin, size, strict=True)]
        root.attrs["Origin"] = np.array(corner[::-1], np.float64)
        root.attrs["Spacing"] = np.array(size[::-1], np.float64)
        root.attrs["Direction"] = np.eye(3).ravel()
        if source.voxel_size is not None:
            root.attrs["LengthUnit"] = "um"
        cells = root.create_group("CellData")
        data = cells.create_dataset(
            name, source.shape, source.dtype, chunks=_chunks(source.shape), compression=1
        )
        _set_text(data, "Attribute", "Scalars")  # what ParaView colours by at once
        for box in export_boxes(source, run, title=f"export {source.name}"):
            data[box.slices] = source(box.origin, box.shape)


def _set_text(group: h5py.HLObject, key: str, text: str) -> None:
    """VTK takes text of fixed length only."""
    import h5py

    data = text.encode("ascii")
    group.attrs.create(key, data, dtype=h5py.string_dtype("ascii", len(data)))


def _chunks(shape: Shape) -> Shape:
    z, y, x = (min(_CHUNK, n) for n in shape)
    return z, y, x
