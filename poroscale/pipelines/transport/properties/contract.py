"""What a property is: a module with `need`, `transport_along` and `about`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.pipelines.transport.settings import TransportSettings
from poroscale.transport.found import AxisFound
from poroscale.volume import Volume

SaveField = Callable[[str, NDArray[np.float32]], None]
"""Keeps a field (nz, ny, nx) under a name, as "z_potential"."""


@dataclass(frozen=True)
class TransportInput:
    """What a property is measured of.

    Attributes
    ----------
    volume
        The phases.
    counts
        Voxels of each value.
    settings
        All settings.
    save
        Keeps local fields; None if they are not asked for.
    """

    volume: Volume
    counts: Mapping[int, int]
    settings: TransportSettings
    save: SaveField | None = None

    @property
    def voxels(self) -> int:
        """Voxels of the volume."""
        return sum(self.counts.values())

    def slabs(self) -> Iterator[NDArray[Any]]:
        """The voxels in slabs of whole chunks along z: the volume is never read at once."""
        (nz, ny, nx), step = self.volume.shape, self.volume.chunks[0]
        for z in range(0, nz, step):
            yield self.volume.read((z, 0, 0), (min(step, nz - z), ny, nx))

    @property
    def slab_bytes(self) -> int:
        """Size of the largest slab [bytes]."""
        nz, ny, nx = self.volume.shape
        return min(self.volume.chunks[0], nz) * ny * nx * self.volume.dtype.itemsize


class TransportProperty(Protocol):
    """The contract of a module in this folder."""

    def need(self, given: TransportInput) -> int:
        """Bytes that the measurement along one axis takes; a ValueError for bad input."""
        ...

    def transport_along(self, given: TransportInput, axis: int) -> AxisFound:
        """The property along one axis; an ArithmeticError if the solver did not converge."""
        ...

    def about(self, given: TransportInput) -> dict[str, Any]:
        """JSON of what was asked for: "boundary", "tolerance", and what the property adds."""
        ...
