"""A mesh with a rough surface: heights laid along its normals, depths below them, and the mask.

Six maps, one for each direction +z, +y, +x, -z, -y, -x that a surface can face, are projected along
their axes. A piece of surface takes each with a weight that depends on its normal; the squares of
the weights add up to one, so that independent maps keep their variance at any inclination. Around
sharp edges the normal turns gradually, so that the relief of one face passes into that of the next.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.mesh.distance import DEEP, distance_to_solid, graded_distance
from poroscale.kernels.mesh.tree import DEPTH, EXACT, nearest, point_of

SHARPNESS = 4
"""Power of the normal's components that weighs the maps: steep, so that mixtures are narrow."""
EXACT_VOXELS = 32.0
"""Depth below the relief up to which distances are exact."""
CELL = 64
"""Edge of the cells that are looked at first; they are divided by four, down to voxels."""

Map = NDArray[np.float32]


class Relief(NamedTuple):
    """Maps of heights, a pixel a voxel.

    Attributes
    ----------
    maps : tuple of six ndarrays of float32
        For +z (y, x), +y (z, x), +x (z, y), -z, -y and -x. What lies beyond takes the rim.
    reach : float
        Largest height of all maps. Mixtures are held to it: three maps that all stand out at one
        place would exceed it, once in millions.
    blend : float
        Distance from a sharp edge within which the maps of its faces pass into each other.
    """

    maps: tuple[Map, Map, Map, Map, Map, Map]
    reach: float
    blend: float


@njit(nogil=True, cache=True)
def _normal(solid, row, v, w, blend, stack):  # type: ignore[no-untyped-def]
    """Normal that chooses the maps at a point of the surface; its length does not matter."""
    s = solid.shading[row]
    n = np.empty(3)
    for a in range(3):
        n[a] = (1.0 - v - w) * s[0, a] + v * s[1, a] + w * s[2, a]
    if len(solid.creases.face) == 0:
        return n
    foot = point_of(solid.tree, row, v, w)
    edge, squared, t, _w = nearest(solid.creases, foot, -1, blend * blend, EXACT, stack)
    if edge < 0:
        return n
    share = 1.0 - math.sqrt(squared) / blend
    ends = solid.creases.corners[edge]
    length = 0.0
    for a in range(3):
        length += (ends[1, a] - ends[0, a]) ** 2
    # Along an edge the normal turns to that of its ends.
    turn = max(min(blend / max(math.sqrt(length), 1e-300), 0.5), 1e-12)
    begin, end = max(1.0 - t / turn, 0.0), max(1.0 - (1.0 - t) / turn, 0.0)
    c = solid.crease_normals[edge]
    for a in range(3):
        along = begin * c[0, a] + end * c[2, a] + (1.0 - begin - end) * c[1, a]
        n[a] = (1.0 - share) * n[a] + share * along
    return n


@njit(nogil=True, cache=True)
def _value(image, foot, axis):  # type: ignore[no-untyped-def]
    """Linear between the centres of pixels: with steps, single voxels would come off a slope."""
    row = min(max((foot[1] if axis == 0 else foot[0]) - 0.5, 0.0), image.shape[0] - 1.0)
    column = min(max((foot[1] if axis == 2 else foot[2]) - 0.5, 0.0), image.shape[1] - 1.0)
    i, j = math.floor(row), math.floor(column)
    k, m = min(i + 1, image.shape[0] - 1), min(j + 1, image.shape[1] - 1)
    v, u = row - i, column - j
    low = image[i, j] * (1.0 - u) + image[i, m] * u
    high = image[k, j] * (1.0 - u) + image[k, m] * u
    return low * (1.0 - v) + high * v


@njit(nogil=True, cache=True)
def _on_surface(solid, relief, row, v, w, stack):  # type: ignore[no-untyped-def]
    """Weighted sum of the maps at a point of the surface, and root of that of their squares."""
    normal, maps = _normal(solid, row, v, w, relief.blend, stack), relief.maps
    foot = point_of(solid.tree, row, v, w)
    largest = max(abs(normal[0]), abs(normal[1]), abs(normal[2]), 1e-300)
    total, squares, weights = 0.0, 0.0, 0.0
    for a in range(3):
        weight = abs(normal[a] / largest) ** SHARPNESS
        value = _value(maps[a if normal[a] >= 0.0 else a + 3], foot, a)
        total += weight * value
        squares += (weight * value) ** 2
        weights += weight * weight
    total /= math.sqrt(weights)
    return min(max(total, -relief.reach), relief.reach), math.sqrt(squares / weights)


@njit(nogil=True, cache=True)
def mesh_depths(solid, relief, points):  # type: ignore[no-untyped-def]
    """Depth below the rough surface of points.

    Parameters
    ----------
    solid : Solid
        The solid, in voxels.
    relief : Relief
        The relief, in voxels.
    points : ndarray of float64, shape (n, 3)

    Returns
    -------
    ndarray of float64, shape (n,)
        Voxels, positive inside; deeper than `EXACT_VOXELS` up to `DEEP` too large.
    """
    out = np.empty(len(points))
    stack = np.empty(DEPTH, np.int64)
    exact = 1.1 * relief.reach + EXACT_VOXELS
    for i in range(len(points)):
        point = (points[i, 0], points[i, 1], points[i, 2])
        depth, row, v, w = graded_distance(solid, point, exact, stack)
        out[i] = depth + _on_surface(solid, relief, row, v, w, stack)[0]
    return out


@njit(nogil=True, cache=True)
def spread_at(solid, relief, points):  # type: ignore[no-untyped-def]
    """(n,) root of the weighted squares of the maps of `relief` at the surface nearest to points.

    For maps of local standard deviations that of the relief.
    """
    out = np.empty(len(points))
    stack = np.empty(DEPTH, np.int64)
    for i in range(len(points)):
        point = (points[i, 0], points[i, 1], points[i, 2])
        _depth, row, v, w = graded_distance(solid, point, EXACT_VOXELS, stack)
        out[i] = _on_surface(solid, relief, row, v, w, stack)[1]
    return out


@njit(nogil=True, cache=True)
def mesh_mask(solid, relief, origin, shape):  # type: ignore[no-untyped-def]
    """1 where the centre of a voxel lies below the rough surface, uint8; any box.

    A cell whose centre is farther from the mesh than its corners and the relief reach is inside or
    outside as a whole; the others are divided. Each voxel is decided as `mesh_depths` does.
    """
    out = np.zeros(shape, np.uint8)
    stack = np.empty(DEPTH, np.int64)
    stop = (origin[0] + shape[0], origin[1] + shape[1], origin[2] + shape[2])
    waiting = []
    for z in range(origin[0] // CELL, -(-stop[0] // CELL)):
        for y in range(origin[1] // CELL, -(-stop[1] // CELL)):
            for x in range(origin[2] // CELL, -(-stop[2] // CELL)):
                waiting.append((z * CELL, y * CELL, x * CELL, CELL))
    while len(waiting) > 0:
        z, y, x, edge = waiting.pop()
        z0, z1 = max(z, origin[0]), min(z + edge, stop[0])
        y0, y1 = max(y, origin[1]), min(y + edge, stop[1])
        x0, x1 = max(x, origin[2]), min(x + edge, stop[2])
        if z0 >= z1 or y0 >= y1 or x0 >= x1:
            continue
        half = 0.5 * edge
        needed = relief.reach + math.sqrt(3.0) * half + 0.01
        depth, row, _v, _w = graded_distance(solid, (z + half, y + half, x + half), needed, stack)
        if abs(depth) * (1.0 - DEEP) > needed:
            if depth > 0.0:
                out[
                    z0 - origin[0] : z1 - origin[0],
                    y0 - origin[1] : y1 - origin[1],
                    x0 - origin[2] : x1 - origin[2],
                ] = 1
        elif edge > 4:
            step = edge // 4
            for k in range(64):
                waiting.append((z + k // 16 * step, y + k // 4 % 4 * step, x + k % 4 * step, step))
        else:
            _decide(solid, relief, (z0, y0, x0), (z1, y1, x1), origin, out, row, stack)
    return out


@njit(nogil=True, cache=True)
def _decide(solid, relief, start, stop, origin, out, row, stack):  # type: ignore[no-untyped-def]
    for z in range(start[0], stop[0]):
        for y in range(start[1], stop[1]):
            for x in range(start[2], stop[2]):
                point = (z + 0.5, y + 0.5, x + 0.5)
                depth, row, v, w = distance_to_solid(solid, point, row, stack)
                if abs(depth) <= relief.reach + 0.01:
                    depth += _on_surface(solid, relief, row, v, w, stack)[0]
                if depth > 0.0:
                    out[z - origin[0], y - origin[1], x - origin[2]] = 1


@njit(nogil=True, cache=True)
def layer_areas(corners, layers):  # type: ignore[no-untyped-def]
    """(layers,) area of the section of a closed mesh of triangles (m, 3, 3) at z = k + 0.5."""
    out = np.zeros(layers)
    for t in corners:
        low, high = min(t[0, 0], t[1, 0], t[2, 0]), max(t[0, 0], t[1, 0], t[2, 0])
        for k in range(max(math.ceil(low - 0.5), 0), min(math.ceil(high - 0.5), layers)):
            ends = np.empty((2, 2))
            for i in range(3):
                a, b = t[i], t[(i + 1) % 3]
                below, above = a[0] <= k + 0.5, b[0] <= k + 0.5
                if below != above:
                    f = (k + 0.5 - a[0]) / (b[0] - a[0])
                    side = 0 if below else 1
                    ends[side, 0] = a[1] + f * (b[1] - a[1])
                    ends[side, 1] = a[2] + f * (b[2] - a[2])
            out[k] += 0.5 * (ends[0, 0] * ends[1, 1] - ends[0, 1] * ends[1, 0])
    return np.abs(out)
