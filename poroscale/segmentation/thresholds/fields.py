"""Masks that are computed where they are read: everywhere, nowhere, a circle, flood seeds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.volume import Index, Shape

FACE_NAMES = ("z-", "z+", "y-", "y+", "x-", "x+")


@kernel("segment.ReconstructionCircle")
@dataclass(frozen=True)
class ReconstructionCircle:
    """True inside the circle inscribed in each slice, where a scanner reconstructs.

    The circle is that of a square slice; slices that are not square have no outside.
    """

    shape: Shape
    dtype = np.dtype(bool)

    @property
    def applies(self) -> bool:
        """True if there is an outside at all."""
        return self.shape[1] == self.shape[2] and self.shape[1] > 2

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """bool of `shape`."""
        if not self.applies:
            return np.ones(shape, bool)
        centre = self.shape[1] / 2
        y, x = (
            np.arange(o, o + n) + 0.5 - centre for o, n in zip(origin[1:], shape[1:], strict=True)
        )
        disc = y[:, None] ** 2 + x[None, :] ** 2 <= centre**2
        return np.broadcast_to(disc, shape)


@kernel("segment.FloodSeeds")
@dataclass(frozen=True)
class FloodSeeds:
    """True where a flood may begin: the eight corners, or all voxels of the named faces.

    `faces` of None has no voxel: there is no outside.
    """

    shape: Shape
    faces: tuple[str, ...] | None = ()
    dtype = np.dtype(bool)

    def __post_init__(self) -> None:
        for face in self.faces or ():
            if face not in FACE_NAMES:
                names = ", ".join(FACE_NAMES)
                raise ValueError(f"outside faces must be among {names}, got {face!r}")

    @classmethod
    def told(cls, shape: Shape, outside: str | tuple[str, ...]) -> FloodSeeds:
        """Seeds by "corners", "none", or a tuple of faces."""
        if isinstance(outside, tuple):
            return cls(shape, outside)
        return cls(shape, None if outside == "none" else ())

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """bool of `shape`."""
        seeds = np.zeros(shape, bool)
        if self.faces is None:
            return seeds
        if self.faces:
            for face in self.faces:
                axis = "zyx".index(face[0])
                layer = 0 if face[1] == "-" else self.shape[axis] - 1
                if origin[axis] <= layer < origin[axis] + shape[axis]:
                    np.moveaxis(seeds, axis, 0)[layer - origin[axis]] = True
            return seeds
        for corner in product(*((0, n - 1) for n in self.shape)):
            inside = tuple(c - o for c, o in zip(corner, origin, strict=True))
            if all(0 <= i < n for i, n in zip(inside, shape, strict=True)):
                seeds[inside] = True
        return seeds


@kernel("segment.Everywhere")
@dataclass(frozen=True)
class Everywhere:
    """A mask that is true everywhere: every voxel of a scan counts."""

    shape: Shape
    dtype = np.dtype(bool)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """bool of `shape`."""
        return np.ones(shape, bool)


@kernel("segment.Nowhere")
@dataclass(frozen=True)
class Nowhere:
    """A mask that is false everywhere: a scan without an outside."""

    shape: Shape
    dtype = np.dtype(bool)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """bool of `shape`."""
        return np.zeros(shape, bool)
