"""A part of any form: a closed mesh with a rough surface, in the middle of its volume.

The mesh closes the part, so that no pore is cut by an end. Depths are signed distances to the mesh
plus the height of the relief at the nearest point of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.maps.local_roughness import local_roughness, patch_voxels
from poroscale.kernels.mesh.distance import Solid, signed_distances, solid_of
from poroscale.kernels.mesh.relief import (
    EXACT_VOXELS,
    Map,
    Relief,
    layer_areas,
    mesh_depths,
    mesh_mask,
    spread_at,
)
from poroscale.parts.heights import Drawings, HeightSampler
from poroscale.volume import Index, Shape

Points = NDArray[np.float64]
FACING = ("+z", "+y", "+x", "-z", "-y", "-x")
"""Directions that have a relief of their own."""
MARGIN = 2
"""Voxels left free around a part whose volume is not given."""
CELLS = 1 << 16
"""Places that the search for the deepest point looks at in a turn."""
FLAT = np.zeros((1, 1), np.float32)


class Reliefs(Drawings):
    """Six maps of heights and of their local roughness."""

    def __init__(self, heights: Sequence[HeightSampler] | None, shape: Shape, voxel_um: float):
        super().__init__()
        self.heights, self.shape, self.voxel_um = heights, shape, voxel_um

    @property
    def heights_voxels(self) -> Relief:
        """The heights [voxel]."""
        return self._drawn("heights")

    @property
    def roughness_um(self) -> Relief:
        """The local roughness [um]."""
        return self._drawn("roughness")

    def _drawn(self, what: str) -> Relief:
        with self._lock:
            if what not in self._kept:
                self._kept[what] = self._draw(what)
            known: Relief = self._kept[what]
            return known

    def _draw(self, what: str) -> Relief:
        maps = [self._map(facing, what) for facing in range(6)]
        reach = max(float(np.abs(each).max()) for each in maps)
        z_up, y_up, x_up, z_down, y_down, x_down = maps
        return Relief((z_up, y_up, x_up, z_down, y_down, x_down), reach, max(1.0, 2 * reach))

    def _map(self, facing: int, what: str) -> Map:
        if self.heights is None:
            return FLAT
        rows, columns = (n for axis, n in enumerate(self.shape) if axis != facing % 3)
        sampler = self.heights[facing]
        if what == "heights":
            return np.ascontiguousarray(
                sampler((0, 0), (rows, columns)) / self.voxel_um, np.float32
            )
        patch = patch_voxels(self.voxel_um)
        halo = patch // 2 + 1
        around = sampler((-halo, 0), (rows + 2 * halo, columns))
        found = local_roughness(around, patch, periodic=False)[halo:-halo]
        return np.ascontiguousarray(found, np.float32)


@dataclass(frozen=True)
class MeshPart:
    """A closed mesh with a rough surface.

    Attributes
    ----------
    shape
        Voxels (z, y, x) of the volume; the mesh stands in its middle.
    voxel_um
        Edge of a voxel [um].
    vertices
        (n, 3) as (z, y, x) [um].
    faces
        (m, 3), counter-clockwise seen from outside as if (z, y, x) were right-handed; closed, and
        free of crossings, as `poroscale.io.mesh.read_mesh` makes sure.
    heights
        Relief of surfaces that face +z, +y, +x, -z, -y, -x, over (y, x), (z, x), (z, y) and again;
        None for a smooth surface. A pixel is a voxel, the origin is the volume's.
    """

    shape: Shape
    voxel_um: float
    vertices: NDArray[np.float64] = field(repr=False)
    faces: NDArray[np.int64] = field(repr=False)
    heights: Sequence[HeightSampler] | None = None
    polar: bool = field(default=False, init=False)
    _solid: Solid = field(init=False, repr=False, compare=False)
    _reliefs: Reliefs = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.heights is not None and len(self.heights) != len(FACING):
            raise ValueError(
                f"a mesh must have {len(FACING)} reliefs ({', '.join(FACING)}), "
                f"got {len(self.heights)}"
            )
        extent = extent_voxels(self.vertices, self.voxel_um)
        if min(extent) < 1:
            raise ValueError(
                f"a part must be larger than a voxel of {self.voxel_um:g} um, got a mesh of "
                f"{_product(extent * self.voxel_um)} um"
            )
        if any(e > n for e, n in zip(extent, self.shape, strict=True)):
            raise ValueError(
                f"a mesh must fit into the volume, got {_product(extent)} voxels (z, y, x) for "
                f"{_product(self.shape)}"
            )
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        placed = (self.vertices - 0.5 * (low + high)) / self.voxel_um + 0.5 * np.array(self.shape)
        object.__setattr__(self, "_solid", solid_of(placed, self.faces))
        object.__setattr__(self, "_reliefs", Reliefs(self.heights, self.shape, self.voxel_um))

    @cached_property
    def section(self) -> float:
        """Area of the largest section across z [voxel²]."""
        return float(layer_areas(self._solid.tree.corners, self.shape[0]).max())

    @cached_property
    def inradius(self) -> float:
        """Radius of the largest ball inside the smooth mesh [voxel], to some percent."""
        edge = float(max(self.shape))
        centres = 0.5 * np.array([self.shape], np.float64)
        best = 0.0
        while len(centres):
            depth, _ = signed_distances(self._solid, centres, EXACT_VOXELS)
            best = max(best, float(depth.max()))
            # No point of a cell is deeper than its centre by more than half a diagonal.
            bound = depth + math.sqrt(0.75) * edge
            worth = np.flatnonzero(bound > 1.02 * best)
            if len(worth) > CELLS // 8:
                worth = worth[np.argsort(-bound[worth], kind="stable")[: CELLS // 8]]
            if edge < 0.02 * best:
                break
            edge /= 2
            steps = edge * (np.indices((2, 2, 2)).reshape(3, -1).T - 0.5)
            centres = (centres[worth][:, None] + steps).reshape(-1, 3)
        return best

    def inside(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """1 in the rough part."""
        return np.asarray(mesh_mask(self._solid, self._reliefs.heights_voxels, origin, shape))

    def depth(self, points: Points) -> NDArray[np.float64]:
        """Depth below the rough surface [voxel]; deeper than 32 voxels within 2 %."""
        points = np.ascontiguousarray(points, np.float64)
        return np.asarray(mesh_depths(self._solid, self._reliefs.heights_voxels, points))

    def normalised_radius(self, points: Points) -> NDArray[np.float64]:
        """1 - depth over the radius of the largest ball inside."""
        return np.maximum(1 - self.depth(points) / self.inradius, 0.0)

    def local_roughness(self, points: Points) -> NDArray[np.float64]:
        """δr [um] at the nearest point of the surface."""
        points = np.ascontiguousarray(points, np.float64)
        return np.asarray(spread_at(self._solid, self._reliefs.roughness_um, points))

    def place(self, r_star: Points, theta: Points, z: Points) -> Points:
        """Not for meshes: a radius and an angle do not tell a place."""
        raise TypeError("a mesh has no polar coordinates")


def extent_voxels(vertices: NDArray[np.float64], voxel_um: float) -> NDArray[np.float64]:
    """(3,) extent of a mesh along z, y, x [voxel]."""
    return np.asarray((vertices.max(axis=0) - vertices.min(axis=0)) / voxel_um)


def volume_around(
    vertices: NDArray[np.float64], voxel_um: float, *, relief_um: float = 0.0
) -> Shape:
    """The volume that a mesh is put into where none is given: its box, its relief and a margin.

    Parameters
    ----------
    vertices
        (n, 3) as (z, y, x) [um].
    voxel_um
        Edge of a voxel [um].
    relief_um
        Height to which the relief stands out, say five times its Sq.
    """
    margin = math.ceil(relief_um / voxel_um) + MARGIN
    z, y, x = (math.ceil(e) + 2 * margin for e in extent_voxels(vertices, voxel_um))
    return z, y, x


def _product(values: Sequence[float] | NDArray[np.float64]) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
