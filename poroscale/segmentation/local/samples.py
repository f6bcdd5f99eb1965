"""Tiles that stand for a whole scan: all of a small one, a spread-out choice of a large one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.volume import Index, Shape, Volume

EDGE = 64
"""Edge of a tile [voxels]; it lies inside one storage chunk."""
MOST = 64
"""Tiles that are read at most: 16.8 million voxels, all of a scan of 256³."""
GOLDEN = (0.8191725133961645, 0.6710436067037893, 0.5497004779019703)
"""Steps of the additive recurrence R3 (Roberts 2018), which spreads points evenly in a cube."""


@dataclass(frozen=True)
class Tiles:
    """The tiles, as a function of the scan's shape alone; what was read is kept for the next look.

    Attributes
    ----------
    scan
        Grey values.
    workers
        Threads.
    most
        Tiles that are read at most.
    """

    scan: Volume
    workers: int = 1
    most: int = MOST
    _read: dict[Index, NDArray[Any]] = field(default_factory=dict, compare=False, repr=False)

    def fewer(self, most: int) -> Tiles:
        """At most `most` of these tiles."""
        return Tiles(self.scan, self.workers, most, self._read)

    def places(self) -> list[Index]:
        """First voxels of the tiles; fewer are some of more."""
        counts = [max(1, -(-n // EDGE)) for n in self.scan.shape]
        if prod(counts) <= MOST:
            chosen = list(product(*(range(n) for n in counts)))
            chosen = chosen[:: -(-len(chosen) // self.most)]
        else:
            chosen = sorted(_spread(counts, self.most))
        return [(z * EDGE, y * EDGE, x * EDGE) for z, y, x in chosen]

    def shape_at(self, origin: Index) -> Shape:
        """Voxels of the tile that begins at `origin`: fewer at the end of the volume."""
        z, y, x = (min(EDGE, n - o) for n, o in zip(self.scan.shape, origin, strict=True))
        return z, y, x

    def map(self, function: Callable[[NDArray[Any], Index], Any]) -> Iterator[Any]:
        """`function(grey, origin)` of every tile, in order."""

        def one(origin: Index) -> Any:
            if origin not in self._read:
                self._read[origin] = self.scan(origin, self.shape_at(origin))
            return function(self._read[origin], origin)

        with ThreadPoolExecutor(self.workers) as pool:
            yield from pool.map(one, self.places())


def _spread(counts: list[int], most: int) -> set[Index]:
    chosen: set[Index] = set()
    step = 0
    while len(chosen) < most:
        step += 1
        z, y, x = (int((0.5 + step * g) % 1.0 * n) for g, n in zip(GOLDEN, counts, strict=True))
        chosen.add((z, y, x))
    return chosen


def evenly(values: NDArray[Any], most: int) -> NDArray[Any]:
    """At most `most` of the values, evenly spread in memory."""
    flat = values.reshape(-1)
    return flat[:: max(1, -(-flat.size // most))]


def finite(grey: NDArray[Any], scan: Volume) -> NDArray[Any]:
    """The voxels; ValueError if some are NaN or infinite."""
    if grey.dtype.kind == "f" and not np.isfinite(grey).all():
        raise ValueError(f"{scan.path} holds values that are no finite numbers (NaN or infinite)")
    return grey
