"""A volume anywhere in an unbounded medium, and the pass that fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Pass
from poroscale.identity import kernel
from poroscale.volume import Index, Shape


class TileSampler(Protocol):
    """A sampler that computes fixed tiles, exact for any box, and what a pass has to know of it."""

    def __call__(self, origin: Index, shape: Shape, /) -> NDArray[Any]:
        """The box of `shape` whose first voxel is `origin`."""
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
        """Parameters from which the voxels follow."""
        ...


class PhaseSampler(TileSampler, Protocol):
    """A sampler of phases."""

    def __call__(self, origin: Index, shape: Shape, /) -> NDArray[np.uint8]:
        """The uint8 phases of the box of `shape` whose first voxel is `origin`."""
        ...


def sampler_pass(sampler: TileSampler, *, writes: DTypeLike = np.uint8) -> Pass:
    """The pass that fills a volume with a sampler, in blocks of whole tiles."""
    return Pass(
        "microstructure",
        sampler,
        writes=writes,
        temporary=0.0,
        fixed=sampler.need,
        held=sampler.held,
        libraries=("numba", "torch"),
        multiple=sampler.tile,
    )


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
