"""A bank of single pores: each pore is cut out and centred in a box of its own.

The bank is one volume: pore i fills the voxels 64 i to 64 i + 64 along z, so the engine's journal,
checks and readers serve it as any other. `bank.parquet` tells which pore that is, and lists those
that fit no box.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Pass, Run, fill_pass
from poroscale.engine.jobs.job import remove_output
from poroscale.engine.jobs.recipe import plain
from poroscale.identity import kernel
from poroscale.manifest import record_results
from poroscale.pore_analysis.columns import Column
from poroscale.pore_analysis.table import is_finished_table, write_table
from poroscale.storage.parquet_files import read_parquet
from poroscale.volume import Index, Shape, Volume, VolumeSpec

BANK, INDEX = "bank.zarr", "bank.parquet"
EDGE = 64
"""Voxels of a box along each axis."""
PORES_PER_CHUNK = 8
PORES_PER_BLOCK = 128
_TILE = 128

COLUMNS = (
    Column("label", "1", "int64", "The pore, as in pores.parquet."),
    Column(
        "bank_row", "1", "int64", "Its box in bank.zarr: z from 64 times this; -1 if too large."
    ),
    *(
        Column(
            f"box_{axis}0", "voxel", "int64", f"Absolute voxel index of the box's corner in {axis}."
        )
        for axis in "zyx"
    ),
    *(
        Column(
            f"extent_{axis}", "voxel", "int64", f"Voxels of the pore's bounding box along {axis}."
        )
        for axis in "zyx"
    ),
)


def write_bank(labels: Volume, table: Path, out_dir: Path, *, run: Run) -> Path:
    """Cut out every pore of a measured volume.

    Parameters
    ----------
    labels
        Labels, as `measure_pores` leaves them.
    table
        Pore table of the labels.
    out_dir
        Folder for `bank.zarr` (uint8, 1 in the pore) and `bank.parquet`. Where no pore fits a
        box there is no `bank.zarr`.
    run
        Memory, workers and cluster; its block is that of the labels and does not matter here.

    Returns
    -------
    Path
        `bank.parquet`.
    """
    index = _index(table)
    kept = index["bank_row"] >= 0
    if kept.any():
        _fill(labels, {name: values[kept] for name, values in index.items()}, out_dir, run)
    else:
        remove_output(out_dir / BANK)
    metadata = {"kind": "bank", "edge": EDGE, "inputs": [plain(labels)]}
    path = out_dir / INDEX
    if not is_finished_table(path, metadata, overwrite=run.overwrite):
        write_table(index, path, metadata=metadata, columns=COLUMNS)
    record_results(out_dir, files=[INDEX], outputs=[BANK] if kept.any() else [])
    return path


def _index(table: Path) -> dict[str, NDArray[np.int64]]:
    """Columns of `COLUMNS`: the pores that fit are numbered in the order of their labels."""
    names = [f"{axis}{side}" for side in "01" for axis in "zyx"]
    read = read_parquet(table, columns=["label", *names])
    found = {name: read.column(name).to_numpy() for name in read.column_names}
    index = {"label": found["label"]}
    fits = np.ones(len(found["label"]), bool)
    for axis in "zyx":
        extent = found[f"{axis}1"] - found[f"{axis}0"]
        index[f"extent_{axis}"] = extent
        index[f"box_{axis}0"] = found[f"{axis}0"] - (EDGE - extent) // 2
        fits &= extent <= EDGE
    index["bank_row"] = np.where(fits, np.cumsum(fits) - 1, -1)
    return index


def _fill(
    labels: Volume, index: Mapping[str, NDArray[np.int64]], out_dir: Path, run: Run
) -> Volume:
    count = len(index["label"])
    corner = np.stack([index[f"box_{axis}0"] for axis in "zyx"], axis=1)
    sampler = BankSampler(labels, index["label"], corner - np.array(labels.origin))
    spec = VolumeSpec(
        shape=(count * EDGE, EDGE, EDGE),
        dtype=np.dtype(np.uint8),
        voxel_size=labels.voxel_size,
        attributes={"kind": "bank", "count": count, "edge": EDGE},
        chunks=(PORES_PER_CHUNK * EDGE, EDGE, EDGE),
    )
    block = (min(PORES_PER_BLOCK, count) * EDGE, EDGE, EDGE)
    recipe = {"sampler": "bank", "version": 1, "labels": labels, "edge": EDGE}
    made = Pass("bank", sampler, writes=np.uint8, temporary=2.0)
    return fill_pass(made, out_dir / BANK, spec=spec, recipe=recipe, run=run.but(block=block))


@kernel("pores.BankSampler")
@dataclass(frozen=True)
class BankSampler:
    """The voxels of a bank: pore by pore, read from the labels.

    Attributes
    ----------
    labels
        The label volume.
    label
        (n,) label of each box.
    corner
        (n, 3) first voxel of each box in the volume's own index; a box may reach beyond it.
    """

    labels: Volume
    label: NDArray[np.int64]
    corner: NDArray[np.int64]

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """The box of `shape` voxels of the bank at `origin`."""
        first, last = origin[0] // EDGE, -(-(origin[0] + shape[0]) // EDGE)
        rows = np.arange(first, last)
        boxes = np.zeros((len(rows), EDGE, EDGE, EDGE), np.uint8)
        for group in self._neighbours(rows):
            low, voxels = self._read(group)
            for row in group:
                _cut(voxels, low, self.label[row], corner=self.corner[row], box=boxes[row - first])
        whole = boxes.reshape(len(rows) * EDGE, EDGE, EDGE)
        starts = (origin[0] - first * EDGE, origin[1], origin[2])
        box = tuple(slice(a, a + n) for a, n in zip(starts, shape, strict=True))
        return np.ascontiguousarray(whole[box])

    def _neighbours(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Rows whose boxes begin in the same tile of the labels: they are read at once."""
        tiles = self.corner[rows] // _TILE
        _, group = np.unique(tiles, axis=0, return_inverse=True)
        group = group.ravel()
        for number in range(group.max() + 1):
            yield rows[group == number]

    def _read(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Labels of the smallest box inside the volume that holds the boxes of `rows`."""
        low = np.maximum(self.corner[rows].min(axis=0), 0)
        high = np.minimum(self.corner[rows].max(axis=0) + EDGE, self.labels.shape)
        oz, oy, ox = (int(o) for o in low)
        nz, ny, nx = (int(n) for n in high - low)
        return low, self.labels.read((oz, oy, ox), (nz, ny, nx))


def _cut(
    voxels: NDArray[Any],
    low: NDArray[np.int64],
    label: np.int64,
    *,
    corner: NDArray[np.int64],
    box: NDArray[np.uint8],
) -> None:
    """Fill `box`, whose first voxel is `corner`, from labels whose first voxel is `low`."""
    start = np.maximum(corner, low)
    stop = np.minimum(corner + EDGE, low + np.array(voxels.shape))
    source = tuple(slice(a, b) for a, b in zip(start - low, stop - low, strict=True))
    target = tuple(slice(a, b) for a, b in zip(start - corner, stop - corner, strict=True))
    box[target] = voxels[source] == label
