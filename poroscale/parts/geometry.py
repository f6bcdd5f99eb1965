"""Parts of simple form with a rough surface: what is inside, and how deep a point lies.

Cylinder and box stand upright in the middle of their volume and run through it along z: what is
generated is a window of a part without ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.parts import part_mask
from poroscale.parts.heights import Bands, HeightSampler
from poroscale.volume import Index, Shape

Points = NDArray[np.float64]
FACES = ("+x", "+y", "-x", "-y")


class Geometry(Protocol):
    """A part inside a volume.

    Attributes
    ----------
    shape
        Voxels (z, y, x) of the volume.
    voxel_um
        Edge of a voxel.
    polar
        True if points can be placed by (r*, θ, z).
    """

    @property
    def shape(self) -> Shape: ...  # noqa: D102
    @property
    def voxel_um(self) -> float: ...  # noqa: D102
    @property
    def polar(self) -> bool: ...  # noqa: D102

    @property
    def section(self) -> float:
        """Area of the nominal cross-section, or the largest [voxel²]."""
        ...

    def inside(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """1 in the rough part; any box, also beyond the ends of the volume."""
        ...

    def depth(self, points: Points) -> NDArray[np.float64]:
        """(n,) depth below the rough surface [voxel] of points (n, 3); negative outside."""
        ...

    def normalised_radius(self, points: Points) -> NDArray[np.float64]:
        """(n,) r*: 0 in the middle, 1 at the rough surface."""
        ...

    def local_roughness(self, points: Points) -> NDArray[np.float64]:
        """(n,) δr [um] at the surface nearest to each point."""
        ...

    def place(self, r_star: Points, theta: Points, z: Points) -> Points:
        """(n, 3) points at these places; only where `polar`."""
        ...


@dataclass(frozen=True)
class Cylinder:
    """A rough cylinder.

    Attributes
    ----------
    shape
        Voxels (z, y, x) of the volume.
    voxel_um
        Edge of a voxel [um].
    radius_um
        Mean radius [um].
    heights
        Roughness of the surface; None for a smooth one.
    """

    shape: Shape
    voxel_um: float
    radius_um: float
    heights: HeightSampler | None = None
    polar: bool = field(default=True, init=False)
    _bands: Bands = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1.5 * self.voxel_um < self.radius_um < 0.5 * min(self.shape[1:]) * self.voxel_um:
            raise ValueError(
                f"diameter must fit into the volume, got {2 * self.radius_um:g} um for "
                f"{self.shape[1]} x {self.shape[2]} voxels of {self.voxel_um:g} um"
            )
        bands = Bands(
            self.heights or flat_heights,
            columns=columns_of(self.radius_um, self.voxel_um),
            periodic=True,
            voxel_um=self.voxel_um,
        )
        object.__setattr__(self, "_bands", bands)

    @property
    def centre(self) -> tuple[float, float]:
        """y and x of the axis [voxel]."""
        return self.shape[1] / 2, self.shape[2] / 2

    @property
    def section(self) -> float:
        """Area of the nominal cross-section [voxel²]."""
        return math.pi * (self.radius_um / self.voxel_um) ** 2

    def radii(self, first: int, count: int) -> NDArray[np.float32]:
        """Radius [voxel] of the rows from `first` on, (count, columns)."""
        return (self.radius_um + self._bands.rows(first, count)) / np.float32(self.voxel_um)

    def inside(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """1 in the rough part."""
        radii = self.radii(origin[0], shape[0])
        return np.asarray(part_mask.cylinder_mask(radii, self.centre, origin, shape))

    def depth(self, points: Points) -> NDArray[np.float64]:
        """Depth below the rough surface along the radius [voxel]."""
        rho, radius = self._around(points)
        return np.asarray(radius - rho)

    def normalised_radius(self, points: Points) -> NDArray[np.float64]:
        """Distance from the axis over the radius there."""
        rho, radius = self._around(points)
        return np.asarray(rho / radius)

    def local_roughness(self, points: Points) -> NDArray[np.float64]:
        """δr [um]."""
        first, count = rows_of(points)
        values = self._bands.roughness(first, count)
        return np.asarray(part_mask.values_around(values, first, self.centre, points))

    def place(self, r_star: Points, theta: Points, z: Points) -> Points:
        """Points at the share r* of the rough radius at (θ, z)."""
        unit = np.column_stack([z, np.sin(theta), np.cos(theta)])
        unit[:, 1:] += self.centre
        _, radius = self._around(unit)
        rho = r_star * radius
        across = [self.centre[0] + rho * np.sin(theta), self.centre[1] + rho * np.cos(theta)]
        return np.column_stack([z, *across])

    def _around(self, points: Points) -> tuple[Points, Points]:
        first, count = rows_of(points)
        radii = self.radii(first, count)
        both = part_mask.cylinder_radii(radii, first, self.centre, points)
        return both[:, 0], both[:, 1]


@dataclass(frozen=True)
class RoughBox:
    """A rough upright box.

    Attributes
    ----------
    shape
        Voxels (z, y, x) of the volume.
    voxel_um
        Edge of a voxel [um].
    half_um
        Half edges (y, x) [um].
    heights
        Roughness of the faces +x, +y, -x, -y; None for smooth ones.
    """

    shape: Shape
    voxel_um: float
    half_um: tuple[float, float]
    heights: Sequence[HeightSampler] | None = None
    polar: bool = field(default=False, init=False)
    _bands: tuple[Bands, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        edges = [2 * half / self.voxel_um for half in self.half_um]
        if any(not 3 < edge < n for edge, n in zip(edges, self.shape[1:], strict=True)):
            raise ValueError(
                f"edges of the part must fit into the volume, got {edges[0]:.0f} x {edges[1]:.0f} "
                f"voxels for {self.shape[1]} x {self.shape[2]}"
            )
        faces = self.heights or [flat_heights] * 4
        columns = max(self.shape[1:])
        bands = tuple(
            Bands(face, columns=columns, periodic=False, voxel_um=self.voxel_um) for face in faces
        )
        object.__setattr__(self, "_bands", bands)

    @property
    def centre(self) -> tuple[float, float]:
        """y and x of the axis [voxel]."""
        return self.shape[1] / 2, self.shape[2] / 2

    @property
    def half(self) -> tuple[float, float]:
        """Half edges (y, x) [voxel]."""
        return self.half_um[0] / self.voxel_um, self.half_um[1] / self.voxel_um

    @property
    def section(self) -> float:
        """Area of the nominal cross-section [voxel²]."""
        return 4 * self.half[0] * self.half[1]

    def inside(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """1 in the rough part."""
        walls = self._walls(origin[0], shape[0])
        return np.asarray(part_mask.box_mask(walls, self.half, self.centre, origin, shape))

    def depth(self, points: Points) -> NDArray[np.float64]:
        """Depth below the nearest face [voxel]."""
        first, count = rows_of(points)
        walls = self._walls(first, count)
        return np.asarray(part_mask.box_depths(walls, self.half, first, self.centre, points))

    def normalised_radius(self, points: Points) -> NDArray[np.float64]:
        """1 - depth over the smaller half edge."""
        return np.asarray(1 - self.depth(points) / min(self.half))

    def local_roughness(self, points: Points) -> NDArray[np.float64]:
        """δr [um] on the nearest face."""
        first, count = rows_of(points)
        values = np.stack([bands.roughness(first, count) for bands in self._bands])
        found = part_mask.values_on_faces(values, self.half, first, self.centre, points)
        return np.asarray(found)

    def place(self, r_star: Points, theta: Points, z: Points) -> Points:
        """Not for boxes: a radius and an angle do not tell a place."""
        raise TypeError("a box has no polar coordinates")

    def _walls(self, first: int, count: int) -> NDArray[np.float32]:
        rows = np.stack([bands.rows(first, count) for bands in self._bands])
        return rows / np.float32(self.voxel_um)


def columns_of(radius_um: float, voxel_um: float) -> int:
    """Columns around a cylinder: one a voxel at the mean radius."""
    return max(8, round(2 * math.pi * radius_um / voxel_um))


def flat_heights(origin: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A smooth surface."""
    return np.zeros(shape, np.float32)


def rows_of(points: Points) -> tuple[int, int]:
    """First row and number of rows of the map that points (n, 3) need."""
    if not len(points):
        return 0, 1
    low, high = math.floor(points[:, 0].min()), math.floor(points[:, 0].max())
    return low, high - low + 1
