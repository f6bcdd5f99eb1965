"""Cells across the faces between blocks, and at the edge of the volume.

A block counts the cells that lie within it, and hands on the planes of its six faces. The cells
that begin in one block and end in another follow from two such planes. So no block reads voxels of
another, and no chunk is decoded twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.phases.cells import CellCounts, count_cells
from poroscale.kernels.phases.codes import BEYOND

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Faces:
    """Planes of a block.

    Attributes
    ----------
    first, last
        Three uint8 planes each: codes of the first and the last voxels along z, y, x.
    """

    first: Sequence[Codes]
    last: Sequence[Codes]


class Seams:
    """Counts the cells that no block counts, from blocks that come in the order (z, y, x).

    Parameters
    ----------
    shape
        Shape of the volume.
    phases
        Number of phases.
    counts
        Counts as `count_cells` gives them, to which those of the seams are added.
    """

    BYTES = 3
    """Bytes for each voxel of a plane across z."""

    def __init__(self, shape: tuple[int, int, int], phases: int, counts: CellCounts) -> None:
        self._shape, self._phases, self._counts = shape, phases, counts
        self._behind_layer = _beyond(shape[1:])
        self._layer_first, self._layer_last = _beyond(shape[1:]), _beyond(shape[1:])
        self._behind_row = self._row_first = self._row_last = _beyond((0, 0))
        self._behind_block = _beyond((0, 0))

    def take(self, origin: Sequence[int], extent: Sequence[int], faces: Faces) -> None:
        """Go on through the next block of the order (z, y, x)."""
        (z, y, x), (nz, ny, nx) = origin, extent
        height, depth, width = self._shape
        if x == 0:
            self._begin_row(nz, first_of_layer=y == 0)
            self._behind_block = _beyond((nz, ny))
        self._count(self._behind_block, faces.first[2], axis=2)
        self._behind_block = faces.last[2]
        columns = slice(x, x + nx)
        self._row_first[:, columns], self._row_last[:, columns] = faces.first[1], faces.last[1]
        here = slice(y, y + ny), columns
        self._layer_first[here], self._layer_last[here] = faces.first[0], faces.last[0]
        if x + nx == width:
            self._count(self._behind_block, _beyond((nz, ny)), axis=2)
            self._end_row(last_of_layer=y + ny == depth)
            if y + ny == depth:
                self._end_layer(last=z + nz == height)

    def _begin_row(self, layers: int, *, first_of_layer: bool) -> None:
        shape = (layers, self._shape[2])
        self._behind_row = _beyond(shape) if first_of_layer else self._row_last
        self._row_first, self._row_last = _beyond(shape), _beyond(shape)

    def _end_row(self, *, last_of_layer: bool) -> None:
        self._count(self._behind_row, self._row_first, axis=1)
        if last_of_layer:
            self._count(self._row_last, _beyond(self._row_last.shape), axis=1)

    def _end_layer(self, *, last: bool) -> None:
        self._count(self._behind_layer, self._layer_first, axis=0)
        if last:
            self._count(self._layer_last, _beyond(self._layer_last.shape), axis=0)
        self._behind_layer, self._layer_last = self._layer_last, self._behind_layer

    def _count(self, before: Codes, behind: Codes, *, axis: int) -> None:
        """Count the cells between two planes.

        Planes across z span the volume, those across y span it along x: what lies beyond is added
        here. Cells between the layers, and between the rows of blocks, belong to the planes across
        z and y alone.
        """
        pads = [(0, 0), (0, 0)]
        for along in range(axis, 2):
            pads[along] = (1, 1)
        planes = [np.pad(plane, pads, constant_values=BEYOND) for plane in (before, behind)]
        count_cells(np.stack(planes, axis=axis), self._phases, into=self._counts)


def _beyond(shape: tuple[int, ...]) -> Codes:
    return np.full(shape, BEYOND, np.uint8)
