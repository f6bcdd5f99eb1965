"""VTKHDF ImageData, which ParaView opens, written box by box with h5py alone.

A voxel is a cell: it has a volume and one value. So the values are CellData, the extent counts
cells, and the grid's points are the voxels' corners: the image then covers exactly the part, and
voxel centres lie at (i + 0.5) * voxel size. Lengths are um. ParaView's Threshold and Slice take
cells as they are; contours need its filter "Cell Data to Point Data" first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run
from poroscale.io.read.source import Source
from poroscale.io.write.boxes import COPIES, export_boxes
from poroscale.storage.parquet_files import read_parquet
from poroscale.volume import Shape

if TYPE_CHECKING:
    import h5py

_CHUNK = 64


def pore_columns(table: str | Path, columns: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Columns of a pore table by label, each (largest label + 1,); 0 where there is no pore.

    Raises
    ------
    ValueError
        If the table has no such column of numbers, or no labels.
    """
    read = read_parquet(Path(table), columns=["label", *columns])
    label, found = read.column("label").to_numpy(), {}
    for name in columns:
        values = read.column(name).to_numpy()
        if values.dtype.kind not in "biuf":
            raise ValueError(f"{table}: the column {name!r} must hold numbers")
        found[name] = np.zeros(int(label.max(initial=0)) + 1, np.float32)
        found[name][label] = values
    return found


def write_vtkhdf(
    source: Source,
    path: Path,
    run: Run,
    *,
    name: str = "voxels",
    table: Mapping[str, NDArray[np.float32]] | None = None,
) -> None:
    """Write `source` as the cell array `name`; chunks are packed with gzip, which VTK reads.

    Parameters
    ----------
    source
        The voxels.
    path, run
        The file, and how to run.
    name
        Name of the array.
    table
        For labels: columns by label, see `pore_columns`; each becomes a cell array of its own.

    Raises
    ------
    ValueError
        If a table is given and the voxels are no labels of it.
    """
    if table is not None and source.dtype.kind not in "ui":
        raise ValueError(f"{source.name} must hold labels for a table, got {source.dtype}")
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
        packed = {"chunks": _chunks(source.shape), "compression": 1}
        data = cells.create_dataset(name, source.shape, source.dtype, **packed)
        _set_text(data, "Attribute", "Scalars")  # what ParaView colours by at once
        measures = {
            column: cells.create_dataset(column, source.shape, np.float32, **packed)
            for column in table or {}
        }
        title, copies = f"export {source.name}", COPIES + len(measures)
        for box in export_boxes(source, run, title=title, copies=copies):
            voxels = source(box.origin, box.shape)
            data[box.slices] = voxels
            for column, target in measures.items():
                target[box.slices] = _looked_up((table or {})[column], voxels, source.name)


def _looked_up(
    values: NDArray[np.float32], labels: NDArray[np.integer], name: str
) -> NDArray[np.float32]:
    if labels.max() >= len(values) or labels.min() < 0:
        raise ValueError(
            f"{name} must hold the labels of the table, got {labels.max()} where its last label "
            f"is {len(values) - 1}"
        )
    return np.asarray(values[labels])


def _set_text(group: h5py.HLObject, key: str, text: str) -> None:
    """VTK takes text of fixed length only."""
    import h5py

    data = text.encode("ascii")
    group.attrs.create(key, data, dtype=h5py.string_dtype("ascii", len(data)))


def _chunks(shape: Shape) -> Shape:
    z, y, x = (min(_CHUNK, n) for n in shape)
    return z, y, x
