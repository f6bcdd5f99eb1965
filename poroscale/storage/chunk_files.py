"""The chunk files of one stored array, read straight into the box that asks for them.

The engine writes every array with one chain of codecs: `bytes`, then `zstd` with its checksum. A
chunk is therefore a zstd frame of voxels in C order, and reading one needs none of zarr's general
machinery, which takes three times as long. Other programs read the same files through zarr.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.chunks import decode_chunk
from poroscale.manifest import Fingerprint, Manifest, check, refuse_data

Index = tuple[int, int, int]
Shape = tuple[int, int, int]
Slices = tuple[slice, slice, slice]
FileState = tuple[int, int, int, int]
"""Inode, size, and times of the last changes of a file's content and of its entry [ns]."""


@dataclass(frozen=True)
class ChunkFiles:
    """The chunks of one level of a volume.

    Attributes
    ----------
    root, level
        Folder of the volume, and which array of it.
    shape, chunks
        Shape of the array, and of one chunk (z, y, x).
    dtype
        Type of the voxels.
    manifest
        Manifest with which every file is compared; None for a volume that is still being written,
        whose chunks are compared with zstd's own checksum alone.
    """

    root: Path
    level: int
    shape: Shape
    chunks: Shape
    dtype: np.dtype[Any]
    manifest: Manifest | None = None

    def read(self, origin: Index, out: NDArray[Any]) -> None:
        """Fill `out` with the box at `origin`, which lies inside the array.

        Raises
        ------
        OSError
            If a chunk is missing or is not what was written; the file is named.
        """
        if not out.size:
            return
        scratch = _Scratch(self.chunks, self.dtype)
        for index, source, target in _pieces(origin, out.shape, self.chunks):
            self._read_chunk(index, source, out[target], scratch)

    def _read_chunk(
        self, index: Index, source: Slices, target: NDArray[Any], scratch: _Scratch
    ) -> None:
        path = self.root / (key := f"{self.level}/c/{index[0]}/{index[1]}/{index[2]}")
        packed = self._packed(key, path, scratch)
        if packed is None:
            target[...] = 0
            return
        whole = target.shape == self.chunks and target.flags.c_contiguous
        direct = whole and target.dtype == scratch.dtype
        voxels = target if direct else scratch.voxels
        try:
            decode_chunk(packed, voxels)
        except (RuntimeError, ValueError) as error:
            raise OSError(f"{path} is damaged: {error}") from None
        if not direct:
            target[...] = voxels[source]

    def _packed(self, key: str, path: Path, scratch: _Scratch) -> memoryview | None:
        """The bytes of a chunk as they were written; None where every voxel is 0."""
        if self.manifest is None:
            return scratch.load(path) if path.exists() else None
        expected = self.manifest.files.get(key)
        if expected is None:
            refuse_data(path, key, self.manifest)
            return None
        try:
            packed = scratch.load(path)
        except FileNotFoundError:
            raise OSError(f"{path} is missing") from None
        known = (expected, scratch.state)
        if _CHECKED.get(name := str(path)) != known:
            check(path, packed, expected)
            if len(_CHECKED) >= MOST_CHECKED:
                _CHECKED.clear()
            _CHECKED[name] = known
        return packed


MOST_CHECKED = 100_000
"""Files whose state is remembered, about 30 MB of them."""
_CHECKED: dict[str, tuple[Fingerprint, FileState]] = {}
"""Digests with which files were compared in this process, and their state then. A halo reads most
chunks many times: the digest is taken again only of a file that was touched since. The checksum in
the chunk is compared at every reading, whatever stands here."""


class _Scratch:
    """Memory for one chunk, packed and unpacked, used for all chunks of a box."""

    def __init__(self, chunks: Shape, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype.newbyteorder("<")
        self._chunks = chunks
        self._voxels: NDArray[Any] | None = None
        self._packed = np.empty(0, np.uint8)
        self.state: FileState = (0, 0, 0, 0)

    @property
    def voxels(self) -> NDArray[Any]:
        """Room for the voxels of one chunk."""
        if self._voxels is None:
            self._voxels = np.empty(self._chunks, self.dtype)
        return self._voxels

    def load(self, path: Path) -> memoryview:
        """The bytes of the file `path`, until the next file is loaded."""
        with path.open("rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            size = found.st_size
            self.state = (found.st_ino, size, found.st_mtime_ns, found.st_ctime_ns)
            if size > self._packed.size:
                room = prod(self._chunks) * self.dtype.itemsize
                self._packed = np.empty(max(size, room), np.uint8)
            whole = memoryview(self._packed.data)[:size]
            filled = 0
            while filled < size and (count := file.readinto(whole[filled:])):
                filled += count
        return whole[:filled]


def _pieces(
    origin: Index, shape: tuple[int, ...], chunks: Shape
) -> Iterator[tuple[Index, Slices, Slices]]:
    """Chunks that a box touches: index, the piece of the chunk, and its place in the box."""
    axes = [_along(o, n, c) for o, n, c in zip(origin, shape, chunks, strict=True)]
    for z, y, x in product(*axes):
        yield (z[0], y[0], x[0]), (z[1], y[1], x[1]), (z[2], y[2], x[2])


def _along(origin: int, size: int, chunk: int) -> list[tuple[int, slice, slice]]:
    """`_pieces` along one axis."""
    found = []
    for k in range(origin // chunk, -(-(origin + size) // chunk)):
        first, last = max(origin, k * chunk), min(origin + size, (k + 1) * chunk)
        within = slice(first - k * chunk, last - k * chunk)
        found.append((k, within, slice(first - origin, last - origin)))
    return found
