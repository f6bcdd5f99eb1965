"""Voxels that lie in a file one after the other: RAW, .npy, and the plain parts of other formats.

Read with ordinary reads and never mapped into memory: mapped pages count against the memory
budget, and a file cut short while it is mapped kills the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import FileIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from poroscale.io.read.source import BlockHint, Source, Voxels
from poroscale.volume import Index, Shape


@dataclass(frozen=True, kw_only=True)
class FlatSource(Source):
    """A C-ordered (z, y, x) array that starts at byte `offset` of `path`.

    `stored` is the dtype in the file, byte order included; `kind` names the format.
    """

    path: Path
    offset: int
    stored: np.dtype[Any]
    kind: str

    def __post_init__(self) -> None:
        require_bytes(self.path, self.offset + prod(self.shape) * self.stored.itemsize)

    @property
    @override
    def name(self) -> str:
        return self.path.name

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return (1, 1, None)  # rows are read whole

    @property
    @override
    def temporary(self) -> float:
        return 1.0  # one plane of rows

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {
            "format": self.kind,
            "file": self.path.name,
            "bytes": self.path.stat().st_size,
            "offset": self.offset,
            "stored": self.stored.str,
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = np.empty(shape, self.dtype)
        with open_file(self.path) as file:
            if shape[1:] == self.shape[1:]:
                start = self.offset + origin[0] * prod(self.shape[1:]) * self.stored.itemsize
                read_run(file, start, self.stored, out=box)
            else:
                self._read_windows(file, origin, box)
        return box

    def _read_windows(self, file: FileIO, origin: Index, box: Voxels) -> None:
        plane = prod(self.shape[1:]) * self.stored.itemsize
        for z in range(box.shape[0]):
            start = self.offset + (origin[0] + z) * plane
            read_window(file, start, self.stored, self.shape[2], corner=origin[1:], out=box[z])


def open_file(path: Path) -> FileIO:
    """An unbuffered handle; the caller closes it."""
    return FileIO(path, "r")


def require_bytes(path: Path, needed: int) -> None:
    """Refuse a file that is shorter than its header says."""
    present = path.stat().st_size
    if present < needed:
        raise ValueError(
            f"{path.name} is truncated: its header needs {needed} bytes, the file has {present}"
        )


def read_window(
    file: FileIO,
    offset: int,
    stored: np.dtype[Any],
    width: int,
    *,
    corner: tuple[int, int],
    out: Voxels,
) -> None:
    """Fill the 2D `out` from the plane at `offset` whose rows are `width` voxels long.

    The rows are read whole, in one read, and cut in memory: a plane's worth of temporary
    bytes at most, and no loop over rows.
    """
    start = offset + corner[0] * width * stored.itemsize
    if out.shape[1] == width:
        read_run(file, start, stored, out=out)
        return
    rows = np.empty((out.shape[0], width), stored)
    read_run(file, start, stored, out=rows)
    out[...] = rows[:, corner[1] : corner[1] + out.shape[1]]


def read_run(file: FileIO, offset: int, stored: np.dtype[Any], *, out: Voxels) -> None:
    """Fill the contiguous `out` with the voxels from byte `offset` on, swapped if they must be."""
    file.seek(offset)
    target = memoryview(out.reshape(-1).view(np.uint8).data)
    filled = 0
    while filled < len(target):
        count = file.readinto(target[filled:])
        if not count:
            raise OSError(
                f"{Path(str(file.name)).name}: the file ends at byte {offset + filled}, it was cut"
            )
        filled += count
    if stored.newbyteorder("=") != stored and out.dtype.isnative:
        out.byteswap(inplace=True)
