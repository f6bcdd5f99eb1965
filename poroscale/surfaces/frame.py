"""The frame of a part: its axis, and the sheets of rays that leave it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.maps.unrolling import Rays

Floats = NDArray[np.float64]
FACES = ("+x", "+y", "-x", "-y")
OUTLINE_ROWS, OUTLINE_COLUMNS = 128, 360
EDGE_MARGIN = 6
"""Voxels at either edge of a face that are corner, not face."""


@dataclass(frozen=True)
class Frame:
    """Position of a part in its volume; all in voxels of the volume.

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
    turn
        Angle of a box about its axis [rad], from x towards y, -π/4 to π/4.
    """

    part: Literal["cylinder", "box"]
    point: Floats
    axis: Floats
    half: tuple[float, float]
    rows: int
    turn: float = 0.0

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
        """Unit vectors along y and x of the part, perpendicular to the axis."""
        x = np.array([0.0, 0.0, 1.0]) - self.axis[2] * self.axis
        x /= np.linalg.norm(x)
        # Axis, y and x are right-handed in the order (z, y, x).
        y = np.cross(x, self.axis)
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return np.asarray(cos * y - sin * x), np.asarray(cos * x + sin * y)

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

    def outline_rays(self, reach: float) -> Rays:
        """Few rays all around, from the axis out to `reach`: every so many layers a ring."""
        step = max(1, self.rows // OUTLINE_ROWS)
        theta = 2 * math.pi * (np.arange(OUTLINE_COLUMNS) + 0.5) / OUTLINE_COLUMNS
        y, x = self.across
        along = np.sin(theta)[:, None] * y + np.cos(theta)[:, None] * x
        start = np.zeros_like(along)
        return Rays(self.point, step * self.axis, start, along, self.rows // step, 0.0, reach)

    def moved(self, y: tuple[float, float], x: tuple[float, float]) -> Frame:
        """This frame with its axis moved by offset + slope times the way along it, in y and x."""
        across_y, across_x = self.across
        point = self.point + y[0] * across_y + x[0] * across_x
        axis = self.axis + y[1] * across_y + x[1] * across_x
        axis /= np.linalg.norm(axis)
        return replace(self, point=point - axis * (point[0] / axis[0]), axis=axis)

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
                "turn_rad": self.turn,
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
        turn = float(attributes["axis"].get("turn_rad", 0.0))
        y, x = Frame("box", point, direction, (1.0, 1.0), 1, turn).across
        return cls(point, direction, y, x)

    def unroll(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Position along the axis, and across it along y and x [um], of points (n, 3) [um]."""
        rest = points - self.point
        return rest @ self.direction, rest @ self.y, rest @ self.x
