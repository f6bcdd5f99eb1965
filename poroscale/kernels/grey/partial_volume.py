"""Grey values of one block to shares of pore: local levels, partial volume, half-depth masks.

Grey values are *normalised* here: 0 is the level of air, 1 that of the solid, over the whole scan.
A scan of a part without pores would hold E = A + (S - A) * (h * part), where A is the level of air,
S the local level of the solid and h the point spread. A pore lowers it by the contrast of a void,
S - V, times the share of pore in the voxel, blurred. Blurring keeps sums, so that

    share = (E - grey) / (S - V)

adds up to the volume of a pore whatever its size: no threshold is involved.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.grey.blur import blur, blur_mask, gaussian_weights
from poroscale.kernels.within_ball import forget_near, within_ball

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
    for z in range(grey.shape[0]):
        for y in range(grey.shape[1]):
            for x in range(grey.shape[2]):
                values[z, y, x] = _normalised(grey[z, y, x], air, scale)


@njit(nogil=True, cache=True, inline="always")
def _normalised(grey, air, scale):  # type: ignore[no-untyped-def]
    value = (np.float32(grey) - air) * scale
    return min(max(value, np.float32(-4)), np.float32(4))


@kernel("partial_volume.air_side")
def air_side(
    grey: NDArray[Any],
    level: Float,
    seeds: NDArray[Any],
    within: NDArray[Any] | None = None,
    *,
    scale: tuple[float, float],
    air: float,
    soft: bool,
) -> NDArray[np.uint8]:
    """Voxels on the dark side of the local middle between air and solid, 1; those with a seed, 2.

    Dark voxels that are not `within` are left out. All blocks come with a halo of `SMOOTH_HALO`
    where `soft`, else with none.
    """
    cut = SMOOTH_HALO if soft else 0
    values = normalise(grey, *scale)
    if soft:
        values = smooth(values)
    fields = [np.ascontiguousarray(trimmed(each, cut)) for each in (level, seeds)]
    codes = np.empty(values.shape, np.uint8)
    _air_side(values, *fields, np.float32(air), codes)
    if within is not None:
        codes[trimmed(within, cut) == 0] = 0
    return codes


@njit(nogil=True, cache=True)
def _air_side(values, level, seeds, air, codes):  # type: ignore[no-untyped-def]
    half = np.float32(0.5)
    for z in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            for x in range(codes.shape[2]):
                dark = values[z, y, x] < half * (level[z, y, x] + air)
                codes[z, y, x] = dark * (1 + (seeds[z, y, x] != 0))


def smooth(block: Float) -> Float:
    """The block smoothed for detection, without its outer `SMOOTH_HALO` voxels."""
    return blur(block, DETECTION_WEIGHTS)


def trimmed(block: NDArray[Any], width: int) -> NDArray[Any]:
    """The block without `width` voxels on every side."""
    inner = slice(width, -width or None)
    return block[inner, inner, inner]


def spread_halo(sigma: float) -> int:
    """Voxels that a point spread of `sigma` voxels reaches."""
    return len(gaussian_weights(sigma)) // 2


def support_radius(sigma: float) -> float:
    """Distance from a pore's dark voxels within which its grey is added up [voxels]."""
    return 2.5 * sigma + 1.5


def share_halo(sigma: float) -> int:
    """Voxels around a block that decide about its shares."""
    return ceil(support_radius(sigma)) + 1 + SMOOTH_HALO + 1 + spread_halo(sigma)


@kernel("partial_volume.pore_shares")
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
    away, wide_away = np.ascontiguousarray(trimmed(away, wide)), away
    hidden = blur_mask(wide_away, gaussian_weights(sigma))
    shares = np.empty(hidden.shape, np.float32)
    _shares(
        np.ascontiguousarray(grey),
        np.ascontiguousarray(level),
        hidden,
        (scale[0], 1 / (scale[1] - scale[0])),
        (air, void[0], void[1], LEAST_CONTRAST),
        shares,
    )
    seeds = _seeds(shares, hidden, away, seed)
    if rim is not None:
        seeds &= ~trimmed(rim.astype(bool, copy=False), wide + SMOOTH_HALO + 1)
    if not seeds.any():
        return result
    _in_hundredths(shares, within_ball(seeds, support_radius(sigma)), result)
    return result


@njit(nogil=True, cache=True)
def _shares(grey, level, hidden, scale, levels, shares):  # type: ignore[no-untyped-def]
    """Shares of a block whose grey values and level come with a wider halo."""
    cut = (grey.shape[0] - shares.shape[0]) // 2
    dark, per_grey = np.float32(scale[0]), np.float32(scale[1])
    air, void0, void1, least = (
        np.float32(levels[0]),
        np.float32(levels[1]),
        np.float32(levels[2]),
        np.float32(levels[3]),
    )
    for z in range(shares.shape[0]):
        for y in range(shares.shape[1]):
            for x in range(shares.shape[2]):
                s = level[z + cut, y + cut, x + cut]
                expected = air + (s - air) * (np.float32(1) - hidden[z, y, x])
                contrast = max(s - (void0 + void1 * s), least)
                found = _normalised(grey[z + cut, y + cut, x + cut], dark, per_grey)
                shares[z, y, x] = (expected - found) / contrast


@njit(nogil=True, cache=True)
def _in_hundredths(shares, near, result):  # type: ignore[no-untyped-def]
    """Store the shares near a pore; what is outside stays."""
    steps, most = np.float32(SHARE_STEPS), np.float32(127)
    wide = (shares.shape[0] - result.shape[0]) // 2
    cut = (near.shape[0] - result.shape[0]) // 2
    for z in range(result.shape[0]):
        for y in range(result.shape[1]):
            for x in range(result.shape[2]):
                if near[z + cut, y + cut, x + cut] and result[z, y, x] == 0:
                    share = np.rint(steps * shares[z + wide, y + wide, x + wide])
                    result[z, y, x] = np.int8(min(max(share, -most), most))


EDGE_DOUBT = 0.3
"""Share of the step of the expected grey, per voxel, that is not believed to be a pore."""


def _seeds(shares: Float, hidden: Float, away: Mask, seed: float) -> Mask:
    """Voxels that are surely pore, one voxel smaller than the smoothed shares on every side."""
    found = smooth(shares)
    dark = np.empty(found.shape, np.bool_)
    limits = (np.float32(seed), np.float32(EDGE_DOUBT))
    if not _darker(found, hidden, limits, dark):
        return trimmed(dark, 1)
    if away.any():
        forget_near(dark, trimmed(away, SMOOTH_HALO), RIM)
    seeds: Mask = np.empty_like(trimmed(dark, 1))
    _in_company(dark, seeds)
    return seeds


RIM = 2.0
"""Distance from the outside [voxels] up to which nothing begins a pore: there a dent of the surface
looks the same."""
LEAST_NEIGHBOURS = 3
"""Of a voxel that begins a pore, among the 26 around it: noise alone seldom has them."""


@njit(nogil=True, cache=True)
def _darker(found, hidden, limits, dark):  # type: ignore[no-untyped-def]
    """Mark in `dark` the shares above the least one and the doubt at edges; True if any."""
    seed, doubt = limits
    cut = (hidden.shape[0] - dark.shape[0]) // 2
    count = 0
    for z in range(dark.shape[0]):
        for y in range(dark.shape[1]):
            for x in range(dark.shape[2]):
                share = found[z, y, x]
                chosen = share > seed
                if chosen:
                    chosen = share > seed + doubt * _steepness(hidden, z + cut, y + cut, x + cut)
                dark[z, y, x] = chosen
                count += chosen
    return count > 0


@njit(nogil=True, cache=True, inline="always")
def _steepness(hidden, z, y, x):  # type: ignore[no-untyped-def]
    """Length of the gradient by central differences."""
    half = np.float32(0.5)
    a = half * (hidden[z + 1, y, x] - hidden[z - 1, y, x])
    b = half * (hidden[z, y + 1, x] - hidden[z, y - 1, x])
    c = half * (hidden[z, y, x + 1] - hidden[z, y, x - 1])
    return np.sqrt(a * a + b * b + c * c)


@njit(nogil=True, cache=True)
def _in_company(dark, seeds):  # type: ignore[no-untyped-def]
    """Dark voxels with enough dark neighbours, one voxel smaller on every side."""
    for z in range(seeds.shape[0]):
        for y in range(seeds.shape[1]):
            for x in range(seeds.shape[2]):
                count = 0
                if dark[z + 1, y + 1, x + 1]:
                    for dz in range(3):
                        for dy in range(3):
                            for dx in range(3):
                                count += dark[z + dz, y + dy, x + dx]
                seeds[z, y, x] = count > LEAST_NEIGHBOURS


CODES_HALO = SMOOTH_HALO + PEAK_REACH
"""Voxels around a block that decide about its pore voxels."""


@kernel("partial_volume.pore_codes")
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
    known = np.empty(shares.shape, np.float32)
    _known(shares, known)
    soft = smooth(known)
    codes = np.zeros(core.shape, np.uint8)
    limits = (seed, LOUD * noise)
    _half_depth(known, soft, PEAK_REACH, limits, codes)
    away = shares == OUTSIDE_SHARE
    if away.any() and codes.any():
        sure = np.zeros(shares.shape, np.bool_)
        trimmed(sure, CODES_HALO)[...] = codes == 2
        forget_near(sure, away, RIM)
        codes = np.minimum(codes, 1 + trimmed(sure, CODES_HALO).view(np.uint8))
        codes[trimmed(away, CODES_HALO)] = 0
    return codes


@njit(nogil=True, cache=True)
def _known(shares, known):  # type: ignore[no-untyped-def]
    """Shares as fractions; 0 outside."""
    steps, outside = np.float32(SHARE_STEPS), np.int8(OUTSIDE_SHARE)
    for z in range(shares.shape[0]):
        for y in range(shares.shape[1]):
            for x in range(shares.shape[2]):
                share = shares[z, y, x]
                known[z, y, x] = np.float32(0 if share == outside else share) / steps


LOUD = 3.0
"""Times the noise that half the depth of a pore must reach for single voxels to be believed."""


@njit(nogil=True, cache=True)
def _half_depth(sharp, soft, reach, limits, codes):  # type: ignore[no-untyped-def]
    seed, loud = np.float32(limits[0]), np.float32(limits[1])
    half, one = np.float32(0.5), np.float32(1.0)
    cut = (sharp.shape[0] - codes.shape[0]) // 2
    for z in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            for x in range(codes.shape[2]):
                here = soft[z + reach, y + reach, x + reach]
                value = sharp[z + cut, y + cut, x + cut]
                if value <= half * seed and here <= half * seed:
                    continue
                depth = here
                for dz in range(2 * reach + 1):
                    for dy in range(2 * reach + 1):
                        for dx in range(2 * reach + 1):
                            depth = max(depth, soft[z + dz, y + dy, x + dx])
                if depth <= seed:
                    continue
                level = half * min(depth, one)
                if (value if level > loud else here) > level:
                    codes[z, y, x] = 2 if here > seed else 1
