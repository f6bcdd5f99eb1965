"""Fields that are computed where they are read: the reconstruction circle, and flood seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.outside_geometry import inner_seeds
from poroscale.volume import Index, Shape

FACE_NAMES = ("z-", "z+", "y-", "y+", "x-", "x+")


@dataclass(frozen=True)
class ReconstructionCircle:
    """True inside the circle inscribed in each slice, where a scanner reconstructs.

    The circle is that of a square slice; slices that are not square, and `whole`, have no outside.
    """

    shape: Shape
    whole: bool = False
    dtype = np.dtype(bool)

    @property
    def applies(self) -> bool:
        """Whether there is an outside at all."""
        return not self.whole and self.shape[1] == self.shape[2] and self.shape[1] > 2

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


@dataclass(frozen=True)
class CoarseSeeds:
    """True where a coarse mask of the outside says that a flood of the fine scan may begin.

    The mask is drawn in by `margin` coarse voxels, so that seeds lie in air; past the frame it
    counts as going on. A component too thin for that keeps its deepest voxels.

    Attributes
    ----------
    mask
        bool, outside on the coarse copy; coarse voxel i holds the fine voxels from factor * i on.
    shape
        Of the fine scan.
    factor
        Fine voxels along the edge of a coarse one.
    margin
        Coarse voxels that the mask is drawn in by.
    """

    mask: NDArray[np.bool_]
    shape: Shape
    factor: int
    margin: int = 1
    dtype = np.dtype(bool)

    def __post_init__(self) -> None:
        least = tuple(n // self.factor for n in self.shape)
        if self.factor < 1 or any(m < n for m, n in zip(self.mask.shape, least, strict=True)):
            raise ValueError(
                f"a coarse mask of {self.shape} by {self.factor} must hold {least} voxels or more, "
                f"got {self.mask.shape}"
            )

    @cached_property
    def seeds(self) -> NDArray[np.bool_]:
        """Coarse voxels whose fine voxels are all seeds."""
        return inner_seeds(self.mask, margin=self.margin)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """bool of `shape`; the rest of a fine scan that no coarse voxel holds has no seed."""
        places = []
        known = np.ones(shape, bool)
        for axis, (o, n) in enumerate(zip(origin, shape, strict=True)):
            place = np.arange(o, o + n) // self.factor
            held = (place >= 0) & (place < self.mask.shape[axis])
            known &= np.moveaxis(held[:, None, None], 0, axis)
            places.append(np.clip(place, 0, self.mask.shape[axis] - 1))
        return np.asarray(self.seeds[np.ix_(*places)] & known)
