"""Analytic pore shapes: inside or outside, distance from the wall, size.

All pores are one family. In the pore's own frame (p, q, w), in units of its semi-axes (a, b, c),

    (P² + Q²) / (rho(phi)² (1 + k W)²) + W² < 1,
    rho(phi) = 1 + Σ_{m=2..5} A_m cos(m phi) + B_m sin(m phi)

Round gas pores are ellipsoids (rho = 1, k = 0), keyhole pores stand on their w axis and taper
(k > 0), lack-of-fusion pores are flat along w with an irregular rim (A, B), and bent: their W is
reduced by e (P² - Q²) + 2 f P Q, which leaves the volume as it is. Lengths in voxels.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Columns of a pore array of shape (n, COLUMNS).
CENTRE = slice(0, 3)  # z, y, x
FRAME = slice(3, 12)  # rows p, q, w of the rotation, each (z, y, x)
AXES = slice(12, 15)  # a, b, c
TAPER = 15
RIM_COS = slice(16, 20)  # A_2 .. A_5
RIM_SIN = slice(20, 24)  # B_2 .. B_5
EXTENT = slice(24, 27)  # half of the bounding box along z, y, x
BEND = slice(27, 29)  # e, f
COLUMNS = 29


def shape_volumes(pores: FloatArray) -> FloatArray:
    """Volumes in voxels: 4/3 π a b c (1 + k²/5) (1 + Σ (A² + B²) / 2), exact."""
    axes = np.prod(pores[:, AXES], axis=1)
    rim = 1 + 0.5 * np.sum(pores[:, RIM_COS] ** 2 + pores[:, RIM_SIN] ** 2, axis=1)
    return np.asarray(4 / 3 * np.pi * axes * (1 + pores[:, TAPER] ** 2 / 5) * rim)


def enclosing_axes(pores: FloatArray) -> FloatArray:
    """Semi-axes (a, b, c) of concentric ellipsoids that enclose the pores, shape (n, 3)."""
    rim = np.sqrt(pores[:, RIM_COS] ** 2 + pores[:, RIM_SIN] ** 2).sum(axis=1)
    swell = (1 + rim) * (1 + np.abs(pores[:, TAPER]))
    bend = np.sqrt((pores[:, BEND] ** 2).sum(axis=1)) * swell**2
    # At the share q of the rim's radius squared the wall rises to sqrt(1 - q) + bend q at most;
    # between two steps of q it rises by less than the half per cent added.
    q = np.linspace(0, 1, 101)
    rise = (np.sqrt(1 - q) + bend[:, None] * q) / (1 + bend[:, None])
    factor = np.where(bend > 0, 1.005 * np.sqrt((q + rise**2).max(axis=1)), 1.0)
    scale = np.column_stack([swell * factor, swell * factor, (1 + bend) * factor])
    return np.asarray(pores[:, AXES] * scale)


def with_extents(pores: FloatArray) -> FloatArray:
    """The same pores with their bounding boxes filled in (of the enclosing ellipsoids)."""
    frames = pores[:, FRAME].reshape(-1, 3, 3)
    lengths = enclosing_axes(pores)[:, :, None] * frames
    filled = pores.copy()
    filled[:, EXTENT] = np.sqrt(np.sum(lengths**2, axis=1))
    return filled


@njit(nogil=True, cache=True)
def wall_distance(pore, z, y, x):  # type: ignore[no-untyped-def]
    """Signed distance of a point from the pore's wall in voxels, negative inside.

    Exact in sign; in size a first-order estimate that is good near the wall, where it is needed.
    """
    dz, dy, dx = z - pore[0], y - pore[1], x - pore[2]
    a, b, c = pore[12], pore[13], pore[14]
    p = (pore[3] * dz + pore[4] * dy + pore[5] * dx) / a
    q = (pore[6] * dz + pore[7] * dy + pore[8] * dx) / b
    w = (pore[9] * dz + pore[10] * dy + pore[11] * dx) / c
    w -= pore[27] * (p * p - q * q) + 2.0 * pore[28] * p * q
    swell = 1.0 + pore[15] * min(max(w, -1.2), 1.2)
    square = p * p + q * q
    if square > 1e-12 and (pore[16] != 0.0 or pore[20] != 0.0):
        swell *= _rim(pore, p / math.sqrt(square), q / math.sqrt(square))
    level = math.sqrt(square / (swell * swell) + w * w)
    if level < 1e-6:
        return -min(a, b, c)
    inverse = 1.0 / (swell * swell)
    gp, gq, gw = p * inverse / a, q * inverse / b, w / c
    return (level - 1.0) * level / math.sqrt(gp * gp + gq * gq + gw * gw)


@njit(nogil=True, cache=True)
def _rim(pore, cos1, sin1):  # type: ignore[no-untyped-def]
    # cos(m phi) and sin(m phi) by the addition theorem: no angle is ever computed.
    rho = 1.0
    cos_m, sin_m = cos1, sin1
    for m in range(4):
        cos_m, sin_m = cos_m * cos1 - sin_m * sin1, sin_m * cos1 + cos_m * sin1
        rho += pore[16 + m] * cos_m + pore[20 + m] * sin_m
    return rho


@njit(nogil=True, cache=True)
def pore_box(pore, origin, shape):  # type: ignore[no-untyped-def]
    """Index range of the voxels of a box that a pore may touch: (z0, z1, y0, y1, x0, x1)."""
    z0 = max(math.floor(pore[0] - pore[24]) - 2 - origin[0], 0)
    y0 = max(math.floor(pore[1] - pore[25]) - 2 - origin[1], 0)
    x0 = max(math.floor(pore[2] - pore[26]) - 2 - origin[2], 0)
    z1 = min(math.ceil(pore[0] + pore[24]) + 2 - origin[0], shape[0])
    y1 = min(math.ceil(pore[1] + pore[25]) + 2 - origin[1], shape[1])
    x1 = min(math.ceil(pore[2] + pore[26]) + 2 - origin[2], shape[2])
    return z0, z1, y0, y1, x0, x1
