"""Volumes that are read at random places: the chunks used last stay in memory, within a bound."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.volume import Index, Shape, Volume

Key = tuple[str, Index]


class ChunkCache:
    """Decoded chunks of several volumes, the least recently used of which goes first.

    Parameters
    ----------
    limit
        Bytes of chunks that are kept; a chunk larger than this is read each time.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.nbytes = 0
        self._chunks: OrderedDict[Key, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[ChunkCache], tuple[int]]:
        """An empty one: what another process holds of it is read there."""
        return ChunkCache, (self.limit,)

    def chunk(self, volume: Volume, index: Index) -> NDArray[Any]:
        """The chunk at a place of the lattice of chunks; not to be written to."""
        key = (volume.digest, index)
        with self._lock:
            if key in self._chunks:
                self._chunks.move_to_end(key)
                return self._chunks[key]
        origin = tuple(i * n for i, n in zip(index, volume.chunks, strict=True))
        z, y, x = (
            min(n, s - o) for n, s, o in zip(volume.chunks, volume.shape, origin, strict=True)
        )
        found = volume.read((origin[0], origin[1], origin[2]), (z, y, x))
        with self._lock:
            self._keep(key, found)
        return found

    def _keep(self, key: Key, chunk: NDArray[Any]) -> None:
        if key in self._chunks or chunk.nbytes > self.limit:
            return
        self._chunks[key] = chunk
        self.nbytes += chunk.nbytes
        while self.nbytes > self.limit:
            _, old = self._chunks.popitem(last=False)
            self.nbytes -= old.nbytes


@kernel("segment.CachedVolume")
@dataclass(frozen=True)
class CachedVolume:
    """A volume whose boxes are put together from cached chunks."""

    volume: Volume
    cache: ChunkCache

    @property
    def shape(self) -> Shape:
        """Voxels along (z, y, x)."""
        return self.volume.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self.volume.dtype

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """The box of `shape` at `origin`, which lies in the volume."""
        box = np.empty(shape, self.dtype)
        steps = self.volume.chunks
        ranges = [
            range(o // c, -(-(o + n) // c)) for o, n, c in zip(origin, shape, steps, strict=True)
        ]
        for index in product(*ranges):
            target, source = [], []
            for i, o, n, c in zip(index, origin, shape, steps, strict=True):
                low, high = max(i * c, o), min((i + 1) * c, o + n)
                target.append(slice(low - o, high - o))
                source.append(slice(low - i * c, high - i * c))
            chunk = self.cache.chunk(self.volume, (index[0], index[1], index[2]))
            box[tuple(target)] = chunk[tuple(source)]
        return box
