"""The frame of a part: its axis, and the sheets of rays that leave it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.unrolling import Rays

Floats = NDArray[np.float64]
FACES = ("+x", "+y", "-x", "-y")
EDGE_MARGIN = 6
"""Voxels at either edge of a face that are corner, not face."""


@dataclass(frozen=True)
class Frame:
    """Where a part lies in its volume; all in voxels of the volume.

    Attributes
    ----------
    part
        "cylinder" or "box".
    point
        (3,) where the axis meets the plane z = 0.
    axis
        (3,) unit vector along the axis, z positive.
    half
        Half extents (y, x): the radius twice for a cylinder.
    rows
        Voxel layers along the axis.
    """

    part: Literal["cylinder", "box"]
    point: Floats
    axis: Floats
    half: tuple[float, float]
    rows: int

    @property
    def radius(self) -> float:
        """Mean radius, or the smaller half edge."""
        return min(self.half)

    @property
    def columns(self) -> int:
        """Columns of the map: one a voxel around a cylinder, or along the longer face."""
        if self.part == "cylinder":
            return max(8, round(2 * math.pi * self.half[0]))
        return max(1, round(2 * max(self.half)) - 2 * EDGE_MARGIN)

    @property
    def across(self) -> tuple[Floats, Floats]:
        """Unit vectors nearest to y and x that are perpendicular to the axis."""
        x = np.array([0.0, 0.0, 1.0]) - self.axis[2] * self.axis
        x /= np.linalg.norm(x)
        # Axis, y and x are right-handed in the order (z, y, x).
        return np.asarray(np.cross(x, self.axis)), x

    def sheets(self) -> list[Rays]:
        """One sheet of rays around a cylinder, four for the faces of a box."""
        y, x = self.across
        if self.part == "cylinder":
            theta = 2 * math.pi * (np.arange(self.columns) + 0.5) / self.columns
            along = np.sin(theta)[:, None] * y + np.cos(theta)[:, None] * x
            return [self._sheet(np.zeros_like(along), along, self.radius)]
        place = np.arange(self.columns) + 0.5 - self.columns / 2
        sheets = []
        for face in FACES:
            normal = (x if "x" in face else y) * (1.0 if face[0] == "+" else -1.0)
            tangent = y if "x" in face else x
            offset = place[:, None] * tangent
            half = self.half[1] if "x" in face else self.half[0]
            sheets.append(self._sheet(offset, np.tile(normal, (self.columns, 1)), half))
        return sheets

    def _sheet(self, offset: Floats, along: Floats, distance: float) -> Rays:
        reach = 0.3 * distance + 10
        first, last = max(0.0, math.floor(distance - reach)), distance + reach
        return Rays(
            self.point,
            self.axis,
            np.ascontiguousarray(offset),
            np.ascontiguousarray(along),
            self.rows,
            first,
            last,
        )

    def describe(self, voxel_um: float, origin: tuple[int, int, int]) -> dict[str, Any]:
        """The frame as JSON, in um from the scan's corner."""
        return {
            "part": self.part,
            "half_um": [half * voxel_um for half in self.half],
            "radius_um": self.radius * voxel_um,
            "axis": {
                "point_um": [float(v) for v in (self.point + origin) * voxel_um],
                "direction": [float(v) for v in self.axis],
            },
        }


@dataclass(frozen=True)
class Axes:
    """The axis of a measured part in um: turns points into rows, angles and distances.

    Attributes
    ----------
    point, direction, y, x
        (3,) a point of the axis [um], and unit vectors along and across it.
    """

    point: Floats
    direction: Floats
    y: Floats
    x: Floats

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Axes:
        """The axes in the attributes of a radius map."""
        point = np.array(attributes["axis"]["point_um"])
        direction = np.array(attributes["axis"]["direction"])
        y, x = Frame("cylinder", point, direction, (1.0, 1.0), 1).across
        return cls(point, direction, y, x)

    def unroll(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Position along the axis, and across it along y and x [um], of points (n, 3) [um]."""
        rest = points - self.point
        return rest @ self.direction, rest @ self.y, rest @ self.x
