"""Draw a part and its pores on the voxels of a box.

A phase is decided at the voxel's centre by the sign of an analytic function, so boxes agree
wherever they overlap. The solid fraction of a voxel (partial volume) is found on 3³ sub-voxels,
each a linear ramp one sub-voxel wide, in the voxels near a wall only: the volume of a sphere of
three voxels' radius comes out within 0.5 %.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from poroscale.kernels.parts.analytic_shapes import pore_box, wall_distance
from poroscale.kernels.parts.phantom_outline import CYLINDER, depth_below_surface

OUTSIDE, SOLID, PORE = 0, 1, 2
SPLIT = 3
NEAR_PORE = 1.3  # half of a voxel's diagonal, and the error of the distance estimate
NEAR_SURFACE = 2.0  # the same, for a depth measured along the nominal normal


@njit(nogil=True, cache=True)
def solid_mask(outline, origin, shape):  # type: ignore[no-untyped-def]
    """1 where the voxel's centre lies in the part (pores not cut out), else 0; int32."""
    out = np.zeros(shape, np.int32)
    sides = _sides(outline, origin, shape, 1.0)
    for z in range(shape[0]):
        pz = origin[0] + z + 0.5
        between_ends = outline.bottom < pz < outline.top
        for y in range(shape[1]):
            py = origin[1] + y + 0.5
            for x in range(shape[2]):
                if sides[y, x] > 0:
                    inside = between_ends
                elif sides[y, x] == 0:
                    inside = depth_below_surface(outline, pz, py, origin[2] + x + 0.5) > 0.0
                else:
                    inside = False
                if inside:
                    out[z, y, x] = 1
    return out


@njit(nogil=True, cache=True)
def _sides(outline, origin, shape, margin):  # type: ignore[no-untyped-def]
    # 1 well inside the nominal outline whatever the height, -1 well outside, 0 in between.
    out = np.zeros((shape[1], shape[2]), np.int8)
    for y in range(shape[1]):
        for x in range(shape[2]):
            dy = abs(origin[1] + y + 0.5 - outline.centre[0])
            dx = abs(origin[2] + x + 0.5 - outline.centre[1])
            if outline.kind == CYLINDER:
                depth = outline.radius - math.sqrt(dy * dy + dx * dx)
            else:
                depth = outline.radius - max(dy, dx)
            if depth > outline.reach + margin:
                out[y, x] = 1
            elif depth < -outline.reach - margin:
                out[y, x] = -1
    return out


@njit(nogil=True, cache=True)
def stamp_pores(out, origin, pores, values):  # type: ignore[no-untyped-def]
    """Give the voxels of each pore its value, where `out` is not 0 (outside the part)."""
    for i in range(len(pores)):
        pore = pores[i]
        z0, z1, y0, y1, x0, x1 = pore_box(pore, origin, out.shape)
        for z in range(z0, z1):
            for y in range(y0, y1):
                for x in range(x0, x1):
                    if out[z, y, x] != 0 and (
                        wall_distance(
                            pore, origin[0] + z + 0.5, origin[1] + y + 0.5, origin[2] + x + 0.5
                        )
                        < 0.0
                    ):
                        out[z, y, x] = values[i]


@njit(nogil=True, cache=True)
def solid_fraction(outline, origin, shape, pores):  # type: ignore[no-untyped-def]
    """Fraction of each voxel that is solid, float32 in [0, 1]."""
    out = np.zeros(shape, np.float32)
    sides = _sides(outline, origin, shape, NEAR_SURFACE)
    for z in range(shape[0]):
        pz = origin[0] + z + 0.5
        within = min(pz - outline.bottom, outline.top - pz) >= NEAR_SURFACE
        for y in range(shape[1]):
            py = origin[1] + y + 0.5
            for x in range(shape[2]):
                if sides[y, x] > 0 and within:
                    out[z, y, x] = 1.0
                elif sides[y, x] >= 0:
                    out[z, y, x] = _part_fraction(outline, pz, py, origin[2] + x + 0.5)
    cut_pores(out, origin, pores)
    return out


@njit(nogil=True, cache=True)
def cut_pores(out, origin, pores):  # type: ignore[no-untyped-def]
    """Take pores out of solid fractions, in place.

    Returns float64 (n, 4): for each pore the volume that was solid before [voxels], and the
    first moments of that volume along z, y, x about the absolute origin.
    """
    sums = np.zeros((len(pores), 4))
    for i in range(len(pores)):
        _cut_pore(out, origin, pores[i], sums[i])
    return sums


@njit(nogil=True, cache=True)
def _part_fraction(outline, z, y, x):  # type: ignore[no-untyped-def]
    depth = depth_below_surface(outline, z, y, x)
    if depth >= NEAR_SURFACE:
        return 1.0
    if depth <= -NEAR_SURFACE:
        return 0.0
    total = 0.0
    for a in range(SPLIT):
        for b in range(SPLIT):
            for c in range(SPLIT):
                sub = depth_below_surface(
                    outline,
                    z + (a + 0.5) / SPLIT - 0.5,
                    y + (b + 0.5) / SPLIT - 0.5,
                    x + (c + 0.5) / SPLIT - 0.5,
                )
                total += min(max(0.5 + SPLIT * sub, 0.0), 1.0)
    return total / SPLIT**3


@njit(nogil=True, cache=True)
def _cut_pore(out, origin, pore, sums):  # type: ignore[no-untyped-def]
    z0, z1, y0, y1, x0, x1 = pore_box(pore, origin, out.shape)
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1):
                if out[z, y, x] > 0.0:
                    pz, py, px = origin[0] + z + 0.5, origin[1] + y + 0.5, origin[2] + x + 0.5
                    share = _pore_fraction(pore, pz, py, px)
                    if share > 0.0:
                        taken = out[z, y, x] * share
                        out[z, y, x] *= 1.0 - share
                        sums[0] += taken
                        sums[1] += taken * pz
                        sums[2] += taken * py
                        sums[3] += taken * px


@njit(nogil=True, cache=True)
def _pore_fraction(pore, z, y, x):  # type: ignore[no-untyped-def]
    distance = wall_distance(pore, z, y, x)
    if distance >= NEAR_PORE:
        return 0.0
    if distance <= -NEAR_PORE:
        return 1.0
    total = 0.0
    for a in range(SPLIT):
        for b in range(SPLIT):
            for c in range(SPLIT):
                sub = wall_distance(
                    pore,
                    z + (a + 0.5) / SPLIT - 0.5,
                    y + (b + 0.5) / SPLIT - 0.5,
                    x + (c + 0.5) / SPLIT - 0.5,
                )
                total += min(max(0.5 - SPLIT * sub, 0.0), 1.0)
    return total / SPLIT**3
