"""Bodies of exactly known shape, as samplers, with which measurements are tested."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.parts.analytic_shapes import (
    AXES,
    CENTRE,
    COLUMNS,
    FRAME,
    shape_volumes,
    with_extents,
)
from poroscale.kernels.parts.rendering import stamp_pores
from poroscale.phantoms.candidates import frames

FloatArray = NDArray[np.float64]
Index = tuple[int, int, int]
Shape = tuple[int, int, int]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Ellipsoid:
    """One ellipsoid; lengths in voxels, voxel centres at index + 0.5.

    Attributes
    ----------
    centre : (float, float, float)
        z, y, x.
    semi_axes : (float, float, float)
        Across the pole (two) and along it.
    tilt, azimuth, spin : float
        Direction of the pole: degrees from z towards `azimuth`, which counts from x towards y;
        and the turn of the other two axes about the pole.
    """

    centre: Triple
    semi_axes: Triple
    tilt: float = 0.0
    azimuth: float = 0.0
    spin: float = 0.0

    def __post_init__(self) -> None:
        if min(self.semi_axes) <= 0:
            raise ValueError(f"semi_axes must be positive, got {self.semi_axes}")

    @property
    def volume(self) -> float:
        """Volume in voxels."""
        return 4 / 3 * math.pi * math.prod(self.semi_axes)

    @property
    def area(self) -> float:
        """Surface area in voxel faces, from Carlson's symmetric elliptic integral R_G."""
        from scipy.special import elliprg

        a, b, c = (v * v for v in self.semi_axes)
        return 4 * math.pi * float(elliprg(a * b, a * c, b * c))


@kernel("phantom.Ellipsoids")
@dataclass(frozen=True)
class Ellipsoids:
    """Sampler of ellipsoids: 1 where a voxel's centre lies in one, else 0; uint8.

    With `phases` the space around them is 1 (solid) and they are 2 (pore).
    """

    bodies: tuple[Ellipsoid, ...]
    phases: bool = False

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """Values on the box of `shape` voxels whose first voxel is `origin`."""
        box = np.ones(shape, np.int32)
        stamp_pores(box, origin, self.parameters(), np.full(len(self.bodies), 2, np.int32))
        return (box if self.phases else box - 1).astype(np.uint8)

    def parameters(self) -> FloatArray:
        """The bodies as rows for `kernels.pore_shapes`, shape (n, COLUMNS)."""
        rows = np.zeros((len(self.bodies), COLUMNS))
        angles = np.radians([(b.tilt, b.azimuth, b.spin) for b in self.bodies]).reshape(-1, 3)
        rows[:, CENTRE] = np.array([b.centre for b in self.bodies]).reshape(-1, 3)
        rows[:, AXES] = np.array([b.semi_axes for b in self.bodies]).reshape(-1, 3)
        rows[:, FRAME] = frames(angles[:, 0], angles[:, 1], angles[:, 2])
        return with_extents(rows)

    def volumes(self) -> FloatArray:
        """Volumes in voxels, shape (n,)."""
        return shape_volumes(self.parameters())


def spheres(
    centres: Sequence[Triple], diameters: Sequence[float], *, phases: bool = False
) -> Ellipsoids:
    """Sampler of spheres; lengths in voxels."""
    bodies = tuple(
        Ellipsoid(centre, (d / 2, d / 2, d / 2))
        for centre, d in zip(centres, diameters, strict=True)
    )
    return Ellipsoids(bodies, phases)


def ellipsoids(bodies: Sequence[Ellipsoid], *, phases: bool = False) -> Ellipsoids:
    """Sampler of ellipsoids."""
    return Ellipsoids(tuple(bodies), phases)
