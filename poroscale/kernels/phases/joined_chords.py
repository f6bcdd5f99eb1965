"""Chords of a volume joined from its blocks, and chords of its windows along z."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.phases.chords import (
    PART,
    PHASES,
    Codes,
    OpenRuns,
    block_chords,
    ends_of,
)

Counts = NDArray[np.int64]
Shape = tuple[int, int, int]


class Chords:
    """Chords of a volume whose blocks are given in the order (z, y, x).

    Attributes
    ----------
    counts
        By kind (`PHASES`, `PART`), three int64 arrays (P, 2, n + 1) for z, y, x: chords by phase,
        by kind of their ends, and by length [voxels]; P is 1 for the part.
    """

    def __init__(self, shape: Shape, phases: Mapping[str, int]) -> None:
        self.shape = shape
        self.counts = {
            kind: [np.zeros((count, 2, n + 1), np.int64) for n in shape]
            for kind, count in phases.items()
        }
        self._open = {kind: [OpenRuns(_across(shape, k)) for k in range(3)] for kind in phases}

    def take(
        self, found: Mapping[str, NDArray[Any]], origin: Sequence[int], extent: Sequence[int]
    ) -> None:
        """Add the next block, of which `found` are the `block_chords`."""
        stop = [a + n for a, n in zip(origin, extent, strict=True)]
        for kind, chords in self.counts.items():
            for axis, counts in enumerate(chords):
                inner, runs = found[f"{kind}/{axis}"], self._open[kind][axis]
                counts[:, :, : inner.shape[2]] += inner
                lines = _lines(origin, stop, axis)
                runs.join(lines, ends_of(found, kind, axis), extent[axis], counts)
                if stop[axis] == self.shape[axis]:
                    runs.close(lines, counts)


def _across(shape: Shape, axis: int) -> tuple[int, int]:
    a, b = (n for other, n in enumerate(shape) if other != axis)
    return a, b


def _lines(origin: Sequence[int], stop: Sequence[int], axis: int) -> tuple[slice, slice]:
    a, b = (slice(origin[k], stop[k]) for k in range(3) if k != axis)
    return a, b


@dataclass(frozen=True)
class WindowChords:
    """Chords of a window of a volume along z, the layers from one height to another.

    Attributes
    ----------
    within
        By kind, three int64 arrays as in `Chords`: the window taken as a volume, so that its first
        and last layer cut the chords along z.
    ending
        By kind, int64 (P, 2, n + 1): chords along z of the whole volume that end in the window,
        with their whole length. Summed over the windows, they are those of the volume.
    """

    within: Mapping[str, Sequence[Counts]]
    ending: Mapping[str, Counts]

    def chords(self, kind: str, axis: int) -> Counts:
        """Chords along an axis with their whole length in the volume."""
        return self.ending[kind] if axis == 0 else self.within[kind][axis]


class WindowCounter:
    """Chords of the windows of a volume that is given in slabs of whole layers, upwards.

    Attributes
    ----------
    windows
        Windows that were finished.
    """

    BYTES = 4 * OpenRuns.BYTES + 28
    """Bytes for each voxel of a layer while a slab is counted: open runs, and ends of lines."""

    def __init__(self, shape: Shape, starts: Sequence[int], phases: int) -> None:
        """Count `phases` phases in windows that begin at the layers `starts`, the first at 0."""
        self.windows: list[WindowChords] = []
        self._shape, self._phases = shape, {PHASES: phases, PART: 1}
        self._edges = [*starts, shape[0]]
        self._open = {kind: OpenRuns(_across(shape, 0)) for kind in self._phases}
        self._begin()

    def take(self, codes: Codes, first: int) -> None:
        """Add the slab of codes (layers, Y, X) that begins at the layer `first`.

        No slab reaches from one window into the next.
        """
        found = block_chords(codes, self._phases[PHASES], masked=True)
        start, stop = self._edges[len(self.windows)], first + len(codes)
        self._within.take(found, (first - start, 0, 0), codes.shape)
        everywhere = _lines((0, 0, 0), self._shape, 0)
        for kind, counts in self._ending.items():
            inner, runs = found[f"{kind}/0"], self._open[kind]
            counts[:, :, : inner.shape[2]] += inner
            runs.join(everywhere, ends_of(found, kind, 0), len(codes), counts)
            if stop == self._shape[0]:
                runs.close(everywhere, counts)
        if stop == self._edges[len(self.windows) + 1]:
            self.windows.append(WindowChords(self._within.counts, self._ending))
            self._begin()

    def _begin(self) -> None:
        """Counts of the next window."""
        k = len(self.windows)
        if k + 1 < len(self._edges):
            depth = self._edges[k + 1] - self._edges[k]
            self._within = Chords((depth, *self._shape[1:]), self._phases)
            self._ending = {
                kind: np.zeros((count, 2, self._shape[0] + 1), np.int64)
                for kind, count in self._phases.items()
            }
