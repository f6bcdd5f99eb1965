"""The rough outline of a part, and the depth of points below its surface.

The outline is a nominal shape (a circle or a square, extended along z) whose surface is moved in
and out by a height map over (z, s), where s runs once around the part, 0 <= s < 1. All lengths are
in voxels; points are (z, y, x) with voxel centres at index + 0.5.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.maps.height_map import map_value

CYLINDER = 0
CUBE = 1


class Outline(NamedTuple):
    """A part's outline as plain values and arrays, so that numba can take it.

    Attributes
    ----------
    kind : int
        `CYLINDER` or `CUBE`.
    centre : (float, float)
        y and x of the axis.
    radius : float
        Nominal radius, or half of the edge.
    reach : float
        Largest height, in or out.
    bottom, top : float
        z of the flat end faces; ±inf where the part runs through the volume.
    heights : ndarray of float32, shape (rows, columns)
        Height above the nominal surface.
    patches : ndarray of float32, shape (n, m)
        Modulation between 0 and 1: how rough a patch is, relative to the others.
    first : float
        z of row 0 of both maps.
    step, patch_step : float
        Distance of the rows of the two maps.
    """

    kind: int
    centre: tuple[float, float]
    radius: float
    reach: float
    bottom: float
    top: float
    heights: NDArray[np.float32]
    patches: NDArray[np.float32]
    first: float
    step: float
    patch_step: float


@njit(nogil=True, cache=True)
def surface_place(outline, y, x):  # type: ignore[no-untyped-def]
    """Fraction s in [0, 1) of the way round at which the surface is nearest to (y, x)."""
    dy, dx = y - outline.centre[0], x - outline.centre[1]
    if outline.kind == CYLINDER:
        s = math.atan2(dy, dx) / (2.0 * math.pi)
        return s + 1.0 if s < 0.0 else s
    return _face_place(outline, dy, dx, abs(dy) > abs(dx))


@njit(nogil=True, cache=True)
def _face_place(outline, dy, dx, on_y_face):  # type: ignore[no-untyped-def]
    # The four faces follow each other counter-clockwise, each a quarter of s.
    along = dx if on_y_face else dy
    t = min(max(0.5 + 0.5 * along / outline.radius, 0.0), 1.0)
    if on_y_face:
        s = 0.25 + 0.25 * (1.0 - t) if dy > 0 else 0.75 + 0.25 * t
    else:
        s = 0.25 * t if dx > 0 else 0.5 + 0.25 * (1.0 - t)
    return s if s < 1.0 else 0.0


@njit(nogil=True, cache=True)
def _height(outline, s, z):  # type: ignore[no-untyped-def]
    return map_value(outline.heights, outline.first, outline.step, s, z)


@njit(nogil=True, cache=True)
def depth_below_surface(outline, z, y, x):  # type: ignore[no-untyped-def]
    """Depth of a point below the rough surface in voxels; negative outside.

    Exact in sign. Measured along the nominal normal, so steep flanks are nearer than it says;
    points that no height can reach get the nominal depth.
    """
    dy, dx = y - outline.centre[0], x - outline.centre[1]
    if outline.kind == CYLINDER:
        depth = outline.radius - math.sqrt(dy * dy + dx * dx)
        if abs(depth) <= outline.reach:
            depth += _height(outline, surface_place(outline, y, x), z)
    else:
        across_y = outline.radius - abs(dy)
        across_x = outline.radius - abs(dx)
        if abs(across_y) <= outline.reach:
            across_y += _height(outline, _face_place(outline, dy, dx, True), z)
        if abs(across_x) <= outline.reach:
            across_x += _height(outline, _face_place(outline, dy, dx, False), z)
        depth = min(across_y, across_x)
    return min(depth, z - outline.bottom, outline.top - z)


@njit(nogil=True, cache=True)
def depths_below_surface(outline, points):  # type: ignore[no-untyped-def]
    """Depths of many points, shape (n, 3) -> (n,)."""
    out = np.empty(len(points), np.float64)
    for i in range(len(points)):
        out[i] = depth_below_surface(outline, points[i, 0], points[i, 1], points[i, 2])
    return out


@njit(nogil=True, cache=True)
def modulations(outline, points):  # type: ignore[no-untyped-def]
    """Modulation of the surface nearest to many points, shape (n, 3) -> (n,)."""
    out = np.empty(len(points), np.float64)
    for i in range(len(points)):
        s = surface_place(outline, points[i, 1], points[i, 2])
        out[i] = map_value(outline.patches, outline.first, outline.patch_step, s, points[i, 0])
    return out
