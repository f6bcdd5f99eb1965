"""A volume anywhere in an unbounded medium."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.volume import Index, Shape


class PhaseSampler(Protocol):
    """A sampler of phases that is exact for any box, and what a pass has to know of it."""

    def __call__(self, origin: Index, shape: Shape, /) -> NDArray[np.uint8]:
        """The uint8 phases of the box of `shape` whose first voxel is `origin`."""
        ...

    @property
    def tile(self) -> Shape: ...  # noqa: D102

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile."""
        ...

    @property
    def held(self) -> int:
        """Bytes that all workers of a process share."""
        ...

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the phases follow."""
        ...


@kernel("microstructure.PlacedSampler")
@dataclass(frozen=True)
class PlacedSampler:
    """A medium seen from a volume whose first voxel lies at `origin`.

    Attributes
    ----------
    medium
        The medium.
    origin
        Place of the first voxel of the volume, which may be negative.
    """

    medium: PhaseSampler
    origin: Index

    @property
    def tile(self) -> Shape:
        """Shape of the tiles of the medium."""
        return self.medium.tile

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile."""
        return self.medium.need

    @property
    def held(self) -> int:
        """Bytes that all workers of a process share."""
        return self.medium.held

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """The phases of a box of the volume."""
        z, y, x = (o + first for o, first in zip(origin, self.origin, strict=True))
        return self.medium((z, y, x), shape)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the phases follow."""
        return {"medium": dict(self.medium.recipe), "origin": list(self.origin)}
