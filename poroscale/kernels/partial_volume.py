"""Grey values of one block to shares of pore: local levels, partial volume, half-depth masks.

Grey values are *normalised* here: 0 is the level of air, 1 that of the solid, over the whole scan.
A scan of a part without pores would hold E = A + (S - A) * (h * part), where A is the level of air,
S the local level of the solid and h the point spread. A pore lowers it by the contrast of a void,
S - V, times the share of pore in the voxel, blurred. Blurring keeps sums, so that

    share = (E - grey) / (S - V)

adds up to the volume of a pore whatever its size: no threshold takes part in it.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.blur import blur, gaussian_weights
from poroscale.kernels.within_ball import within_ball

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]

DETECTION_BLUR = 0.7
"""Sigma [voxels] of the smoothing in which pores are looked for."""
DETECTION_WEIGHTS = gaussian_weights(DETECTION_BLUR, truncate=2.8)
SMOOTH_HALO = len(DETECTION_WEIGHTS) // 2
PEAK_REACH = 2
"""Voxels around a voxel in which the depth of its pore is looked for."""
OUTSIDE_SHARE, SHARE_STEPS = -128, 100
"""Shares are stored in 8 bits: hundredths, and one value for the outside."""
LEAST_CONTRAST = 0.05
"""Of a void inside the solid, in units of the scan's contrast: below it nothing is divided."""


def normalise(grey: NDArray[Any], air: float, solid: float) -> Float:
    """Grey values with air at 0 and solid at 1; cut at ±4, which keeps outliers out of sums."""
    values = np.empty(grey.shape, np.float32)
    _normalise(np.ascontiguousarray(grey), np.float32(air), np.float32(1 / (solid - air)), values)
    return values


@njit(nogil=True, cache=True)
def _normalise(grey, air, scale, values):  # type: ignore[no-untyped-def]
    low, high = np.float32(-4), np.float32(4)
    for z in range(grey.shape[0]):
        for y in range(grey.shape[1]):
            for x in range(grey.shape[2]):
                value = (np.float32(grey[z, y, x]) - air) * scale
                values[z, y, x] = min(max(value, low), high)


def smooth(block: Float) -> Float:
    """The block smoothed for detection, without its outer `SMOOTH_HALO` voxels."""
    return blur(block, DETECTION_WEIGHTS)


def trimmed(block: NDArray[Any], width: int) -> NDArray[Any]:
    """The block without `width` voxels on every side."""
    inner = slice(width, -width or None)
    return block[inner, inner, inner]


def distance_to(mask: Mask) -> Float:
    """Distance [voxels] of every voxel to the nearest one of `mask`; infinite without any."""
    import edt

    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(edt.edt(~mask, black_border=False, parallel=1))


def spread_halo(sigma: float) -> int:
    """Voxels that a point spread of `sigma` voxels reaches."""
    return len(gaussian_weights(sigma)) // 2


def support_radius(sigma: float) -> float:
    """How far from a pore's dark voxels its grey is added up [voxels]."""
    return 2.5 * sigma + 1.5


def share_halo(sigma: float) -> int:
    """Voxels around a block that decide about its shares."""
    return ceil(support_radius(sigma)) + 1 + SMOOTH_HALO + 1 + spread_halo(sigma)


def pore_shares(
    grey: NDArray[Any],
    outside: NDArray[Any],
    level: Float,
    rim: NDArray[Any] | None = None,
    *,
    scale: tuple[float, float],
    air: float,
    void: tuple[float, float],
    sigma: float,
    seed: float,
) -> NDArray[np.int8]:
    """Share of pore of each voxel near a pore, in hundredths; 0 elsewhere, -128 outside.

    Parameters
    ----------
    grey, outside, level
        Grey values, the mask of the outside, and the local level of the solid (normalised), with a
        halo of `share_halo(sigma)`.
    rim
        Voxels in which no pore begins, with the same halo.
    scale
        Grey values of air and solid that are normalised to 0 and 1.
    air
        Normalised level of air outside the part.
    void
        Normalised level of a void in a solid of level S: `void[0] + void[1] * S`.
    sigma
        Standard deviation of the point spread [voxels].
    seed
        Smoothed share above which a voxel belongs to a pore.

    Returns
    -------
    ndarray of int8
        Without the halo.
    """
    halo, wide = share_halo(sigma), spread_halo(sigma)
    result = np.zeros(tuple(n - 2 * halo for n in grey.shape), np.int8)
    away = outside.astype(bool, copy=False)
    result[trimmed(away, halo)] = OUTSIDE_SHARE
    if away.all():
        return result
    seen = np.ones(tuple(n - 2 * wide for n in away.shape), np.float32)
    if away.any():  # the blurred outside is exactly 0 beyond its reach, in any block
        seen -= blur(away.astype(np.float32), gaussian_weights(sigma))
    shares = np.empty(seen.shape, np.float32)
    _shares(
        normalise(trimmed(grey, wide), *scale),
        np.ascontiguousarray(trimmed(level, wide)),
        np.ascontiguousarray(seen),
        (air, void[0], void[1], LEAST_CONTRAST),
        shares,
    )
    seeds = _seeds(shares, seen, trimmed(away, wide), seed)
    if rim is not None:
        seeds &= ~trimmed(rim.astype(bool, copy=False), wide + SMOOTH_HALO + 1)
    if not seeds.any():
        return result
    near = trimmed(within_ball(seeds, support_radius(sigma)), halo - wide - SMOOTH_HALO - 1)
    chosen = near & (result == 0)
    found = trimmed(shares, halo - wide)[chosen]
    result[chosen] = np.clip(np.rint(SHARE_STEPS * found), -127, 127).astype(np.int8)
    return result


@njit(nogil=True, cache=True)
def _shares(grey, level, seen, levels, shares):  # type: ignore[no-untyped-def]
    air, void0, void1, least = (
        np.float32(levels[0]),
        np.float32(levels[1]),
        np.float32(levels[2]),
        np.float32(levels[3]),
    )
    for z in range(grey.shape[0]):
        for y in range(grey.shape[1]):
            for x in range(grey.shape[2]):
                s = level[z, y, x]
                expected = air + (s - air) * seen[z, y, x]
                contrast = max(s - (void0 + void1 * s), least)
                shares[z, y, x] = (expected - grey[z, y, x]) / contrast


EDGE_DOUBT = 0.3
"""Share of the step of the expected grey, per voxel, that is not believed to be a pore."""


def _seeds(shares: Float, seen: Float, away: Mask, seed: float) -> Mask:
    """Voxels that are surely pore, one voxel smaller than the smoothed shares on every side."""
    found = smooth(shares)
    cut = SMOOTH_HALO
    dark = found > seed
    if away.any():
        edge = np.ascontiguousarray(trimmed(seen, cut - 1))
        dark = found > np.float32(seed) + np.float32(EDGE_DOUBT) * _steepness(edge)
        if dark.any():
            dark &= ~trimmed(within_ball(away, RIM), cut)
    if not dark.any():
        return trimmed(dark, 1)
    return trimmed(dark, 1) & (_neighbours(dark.view(np.uint8)) >= LEAST_NEIGHBOURS)


RIM = 2.0
"""Distance from the outside [voxels] up to which nothing begins a pore: there a dent of the surface
looks the same."""
LEAST_NEIGHBOURS = 3
"""Of a voxel that begins a pore, among the 26 around it: noise alone seldom has them."""


@njit(nogil=True, cache=True)
def _steepness(seen):  # type: ignore[no-untyped-def]
    """Length of the gradient by central differences, one voxel smaller on every side."""
    out = np.empty((seen.shape[0] - 2, seen.shape[1] - 2, seen.shape[2] - 2), np.float32)
    half = np.float32(0.5)
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                a = half * (seen[z + 2, y + 1, x + 1] - seen[z, y + 1, x + 1])
                b = half * (seen[z + 1, y + 2, x + 1] - seen[z + 1, y, x + 1])
                c = half * (seen[z + 1, y + 1, x + 2] - seen[z + 1, y + 1, x])
                out[z, y, x] = np.sqrt(a * a + b * b + c * c)
    return out


@njit(nogil=True, cache=True)
def _neighbours(dark):  # type: ignore[no-untyped-def]
    """How many of the 26 neighbours are dark, one voxel smaller on every side."""
    out = np.zeros((dark.shape[0] - 2, dark.shape[1] - 2, dark.shape[2] - 2), np.uint8)
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                if dark[z + 1, y + 1, x + 1]:
                    count = 0
                    for dz in range(3):
                        for dy in range(3):
                            for dx in range(3):
                                count += dark[z + dz, y + dy, x + dx]
                    out[z, y, x] = count - 1
    return out


CODES_HALO = SMOOTH_HALO + PEAK_REACH
"""Voxels around a block that decide about its pore voxels."""


def pore_codes(shares: NDArray[np.int8], *, seed: float, noise: float) -> NDArray[np.uint8]:
    """Pore voxels of a block, 1, and those that make sure of a pore, 2.

    A voxel is pore above half the depth of its pore: the iso surface between the local levels for
    a resolved pore, the half-depth contour for one that the blur has filled in. Where half the
    depth drowns in the noise of single voxels, the smoothed shares are taken.

    Parameters
    ----------
    shares
        Hundredths, with a halo of `CODES_HALO`.
    seed
        Smoothed share above which a voxel is surely pore.
    noise
        Standard deviation of a voxel's share.
    """
    core = trimmed(shares, CODES_HALO)
    if not (shares > 0).any():
        return np.zeros(core.shape, np.uint8)
    known = np.maximum(shares, np.int8(-127)).astype(np.float32) / np.float32(SHARE_STEPS)
    known[shares == OUTSIDE_SHARE] = 0
    soft = smooth(known)
    codes = np.zeros(core.shape, np.uint8)
    limits = (seed, LOUD * noise)
    _half_depth(np.ascontiguousarray(trimmed(known, CODES_HALO)), soft, PEAK_REACH, limits, codes)
    away = shares == OUTSIDE_SHARE
    if away.any() and codes.any():
        rim = trimmed(within_ball(away, RIM), CODES_HALO)
        codes[rim & (codes == 2)] = 1
        codes[trimmed(away, CODES_HALO)] = 0
    return codes


LOUD = 3.0
"""Times the noise that half the depth of a pore must reach for single voxels to be believed."""


@njit(nogil=True, cache=True)
def _half_depth(sharp, soft, reach, limits, codes):  # type: ignore[no-untyped-def]
    seed, loud = np.float32(limits[0]), np.float32(limits[1])
    half, one = np.float32(0.5), np.float32(1.0)
    for z in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            for x in range(codes.shape[2]):
                here = soft[z + reach, y + reach, x + reach]
                if sharp[z, y, x] <= half * seed and here <= half * seed:
                    continue
                depth = here
                for dz in range(2 * reach + 1):
                    for dy in range(2 * reach + 1):
                        for dx in range(2 * reach + 1):
                            depth = max(depth, soft[z + dz, y + dy, x + dx])
                if depth <= seed:
                    continue
                level = half * min(depth, one)
                value = sharp[z, y, x] if level > loud else here
                if value > level:
                    codes[z, y, x] = 2 if here > seed else 1
