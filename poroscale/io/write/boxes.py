"""Boxes of a volume that fit the memory budget, read in turn and written to their places.

Boxes are made of whole chunks, so that none is decoded twice, and lie across the full width, so
that what is written are long runs. Only where one row of chunks exceeds the budget are they cut.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.engine import BlockGrid, Box, Run
from poroscale.engine.job_plan import driver_plan
from poroscale.engine.plan import Plan
from poroscale.engine.workers.progress import progress
from poroscale.io.read.source import Source, Voxels
from poroscale.volume import Shape

_BASELINE = 400 << 20  # Python and its libraries
_SMALLEST = 16 << 20
_LARGEST = 256 << 20  # longer runs would not be written faster


COPIES = 3.0
"""How many times a box is in memory at once where its voxels are written as they are."""


def export_boxes(source: Source, run: Run, *, title: str, copies: float = COPIES) -> Iterator[Box]:
    """The boxes of `source` in (z, y, x) order, each small enough for the budget of `run`.

    Parameters
    ----------
    title
        Title of the progress bar.
    copies
        Number of copies of the box that are in memory at once, decoding included.

    Raises
    ------
    MemoryError
        If the budget cannot hold what the source decodes at a time.
    """
    grid = export_grid(source, run, copies)
    with progress(title, total=len(grid), done=0, show=run.progress) as advance:
        for box in grid:
            yield box
            advance()


def export_grid(source: Source, run: Run, copies: float) -> BlockGrid:
    """The boxes as a tiling; MemoryError as `export_boxes`."""
    least = _BASELINE + source.per_read + _SMALLEST
    if source.per_read and least > run.memory_bytes:
        raise MemoryError(
            f"memory must be at least {least >> 20} MiB, since {source.name} decodes "
            f"{source.per_read >> 20} MiB at a time, got {run.memory_bytes >> 20} MiB; "
            "raise `memory`"
        )
    budget = int(max(_SMALLEST, run.memory_bytes - _BASELINE - source.per_read) / copies)
    return BlockGrid(source.shape, export_box(source, min(budget, _LARGEST)))


def plan_boxes(source: Source, run: Run, copies: float, *, disk: int) -> Plan:
    """The plan of an export in boxes; MemoryError as `export_boxes`."""
    grid = export_grid(source, run, copies)
    task = int(copies * prod(grid.block) * source.dtype.itemsize) + source.per_read
    return driver_plan(grid, task, run, disk=disk)


def export_box(source: Source, budget: int) -> Shape:
    """The largest box of whole chunks across the full width that takes at most `budget` bytes."""
    z, y, x = (
        n if hint is None else min(hint, n)
        for n, hint in zip(source.shape, source.preferred_block, strict=True)
    )
    x, item = source.shape[2], source.dtype.itemsize
    while (z * y * x * item) > budget and z > 1:
        z = -(-z // 2)
    y = max(y, min(source.shape[1], budget // (z * x * item) // y * y))
    if y == source.shape[1]:
        z = max(z, min(source.shape[0], budget // (y * x * item) // z * z))
    return z, min(y, source.shape[1]), x


@dataclass(frozen=True)
class FlatTarget:
    """Target of boxes in a file whose voxels lie one after the other from byte `offset`.

    `item` is the shape of one voxel: () for grey, (3,) for RGB.
    """

    path: Path
    offset: int
    shape: Shape
    stored: np.dtype[Any]
    item: tuple[int, ...] = ()

    def reserve(self) -> None:
        """Make the file as long as it will be, so that a full disk is found at the start."""
        size = self.offset + prod(self.shape) * prod(self.item) * self.stored.itemsize
        with self.path.open("ab") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)

    def write(self, box: Box, voxels: Voxels) -> None:
        """Put the voxels of `box`, which spans the full width, in their place."""
        rows = np.ascontiguousarray(voxels, self.stored)
        row = self.shape[2] * prod(self.item) * self.stored.itemsize
        with FileIO(self.path, "r+") as file:
            if box.shape[1] == self.shape[1]:
                _put(file, self.offset + box.origin[0] * self.shape[1] * row, rows)
                return
            for k, plane in enumerate(rows):
                line = (box.origin[0] + k) * self.shape[1] + box.origin[1]
                _put(file, self.offset + line * row, plane)


def _put(file: FileIO, offset: int, voxels: Voxels) -> None:
    file.seek(offset)
    data = memoryview(voxels.reshape(-1).view(np.uint8).data)
    while data:
        data = data[file.write(data) :]


def write_flat(source: Source, target: FlatTarget, run: Run) -> None:
    """Write all voxels of `source` into `target`."""
    target.reserve()
    for box in export_boxes(source, run, title=f"export {source.name}"):
        target.write(box, source(box.origin, box.shape))
