"""Sums over the voxels of a volume: projections, layer sums, chords, and the axis of the part.

The phases are streamed once along z, some layers at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.phases.joined_chords import WindowChords, WindowCounter
from poroscale.statistics.phases import PhaseMap
from poroscale.volume import PHASES, Volume

SLAB_BYTES = 1 << 25
"""Voxels read at a time."""
CODED = PhaseMap((PHASES["pore"],), PHASES["outside"], rest=True)
"""Pores have code 0; all else that belongs to the part has code 1."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Streamed:
    """Sums of one volume.

    Attributes
    ----------
    part, pore
        (Z,) voxels of the part (solid and pore) and of its pores in each layer.
    along_z
        (windows, Y, X) pore voxels of each window, seen along z.
    along_y, along_x
        (Z, X) and (Z, Y) pore voxels of the whole volume, seen along y and x.
    centre
        (y, x) centroid of the part [voxels].
    layers
        Layers of a window.
    chords
        Chords of each window, of the phases of `CODED` and of the part; layers above the last whole
        window belong to it here.
    """

    part: Counts
    pore: Counts
    along_z: NDArray[np.uint16]
    along_y: NDArray[np.uint16]
    along_x: NDArray[np.uint16]
    centre: tuple[float, float]
    layers: int
    chords: Sequence[WindowChords] = ()

    @property
    def windows(self) -> int:
        """Whole windows along z."""
        return len(self.along_z)

    @property
    def radius(self) -> float:
        """Radius of the circle of the same mean cross-section [voxels]."""
        full = self.part[self.part > 0]
        return float(np.sqrt(full.mean() / np.pi)) if len(full) else float("nan")

    def of_windows(self, counts: Counts) -> Floats:
        """Sums of counts per layer over each window."""
        whole = counts[: self.windows * self.layers]
        return whole.reshape(self.windows, self.layers).sum(axis=1).astype(np.float64)


def slabs(depth: int, layers: int, most: int) -> Iterator[tuple[int, int]]:
    """(first, count) of slabs of at most `most` layers that stay inside windows of `layers`."""
    for start in range(0, depth, layers):
        stop = min(start + layers, depth)
        for first in range(start, stop, most):
            yield first, min(most, stop - first)


def stream(phases: Volume, layers: int) -> Streamed:
    """Read a volume once, in windows of `layers` layers; what is left at the top is no window."""
    depth, rows, columns = phases.shape
    windows = depth // layers
    part, pore = np.zeros(depth, np.int64), np.zeros(depth, np.int64)
    along_z = np.zeros((windows, rows, columns), np.uint16)
    along_y = np.zeros((depth, columns), np.uint16)
    along_x = np.zeros((depth, rows), np.uint16)
    shadow = np.zeros((rows, columns), np.int64)
    starts = [k * layers for k in range(max(1, windows))]
    chords = WindowCounter(phases.shape, starts, CODED.count)
    for first, count in slabs(depth, layers, max(1, SLAB_BYTES // (rows * columns))):
        block = phases.read((first, 0, 0), (count, rows, columns))
        solid, empty = block != PHASES["outside"], block == PHASES["pore"]
        here = slice(first, first + count)
        part[here] = np.count_nonzero(solid, axis=(1, 2))
        pore[here] = np.count_nonzero(empty, axis=(1, 2))
        along_y[here] = empty.sum(axis=1, dtype=np.uint16)
        along_x[here] = empty.sum(axis=2, dtype=np.uint16)
        shadow += solid.sum(axis=0)
        if first // layers < windows:
            along_z[first // layers] += empty.sum(axis=0, dtype=np.uint16)
        chords.take(CODED.codes(block), first)
    centre = _centroid(shadow)
    return Streamed(part, pore, along_z, along_y, along_x, centre, layers, chords.windows)


def _centroid(shadow: Counts) -> tuple[float, float]:
    total = max(1, int(shadow.sum()))
    y = float(shadow.sum(axis=1) @ (np.arange(shadow.shape[0]) + 0.5)) / total
    x = float(shadow.sum(axis=0) @ (np.arange(shadow.shape[1]) + 0.5)) / total
    return y, x
