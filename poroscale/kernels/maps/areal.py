"""Areal roughness parameters of a height map (ISO 25178-2:2021).

Heights in um; a validity mask keeps cells out that are no surface (open pores, overhangs).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

PEAK_SHARE, VALLEY_SHARE = 0.10, 0.80
"""Material ratios p and q that part core from peaks and valleys in the volume parameters."""
CORE_SHARE = 0.40
"""Width of the secant that finds the core of the material ratio curve."""
FALL = 0.2
"""Height of the autocorrelation at which Sal and Str measure."""


def areal_parameters(
    heights: NDArray[np.floating],
    pitch: tuple[float, float],
    *,
    valid: Mask | None = None,
    periodic: bool = False,
) -> dict[str, float]:
    """Parameters of a levelled height map.

    Parameters
    ----------
    heights
        (rows, columns) [um]; the mean over the valid cells is taken off.
    pitch
        Distance of rows and of columns [um].
    valid
        (rows, columns) cells that are surface; all of them if not given.
    periodic
        True if the columns close up.

    Returns
    -------
    dict
        Sa, Sq, Sz, Sp, Sv [um], Ssk, Sku, Sal [um], Str, Sdq, Sdr [1], Sk, Spk, Svk [um], Smr1,
        Smr2 [%], Vmp, Vmc, Vvc, Vvv [um³/um²]. Where a map has no height, or its correlation does
        not fall to 0.2 within it, a parameter that divides by it is NaN.

    Raises
    ------
    ValueError
        If fewer than sixteen cells are valid.
    """
    valid = np.ones(heights.shape, bool) if valid is None else valid
    if valid.sum() < 16:
        raise ValueError(f"a height map must have 16 valid cells at least, got {valid.sum()}")
    z = heights.astype(np.float64) - heights[valid].astype(np.float64).mean()
    values = z[valid]
    found = amplitude_parameters(values)
    found |= spacing_parameters(np.where(valid, z, 0.0), valid, pitch, periodic=periodic)
    found |= slope_parameters(z, valid, pitch, periodic=periodic)
    return found | ratio_parameters(values)


def amplitude_parameters(values: Floats) -> dict[str, float]:
    """Sa, Sq, Sz, Sp, Sv, Ssk, Sku of heights with mean zero."""
    sq = math.sqrt(float(np.mean(values**2)))
    flat = sq <= 1e-12 * max(1.0, float(np.abs(values).max()))
    return {
        "Sa": float(np.mean(np.abs(values))),
        "Sq": sq,
        "Sz": float(values.max() - values.min()),
        "Sp": float(values.max()),
        "Sv": float(-values.min()),
        "Ssk": math.nan if flat else float(np.mean(values**3)) / sq**3,
        "Sku": math.nan if flat else float(np.mean(values**4)) / sq**4,
    }


def autocorrelation(z: Floats, valid: Mask, *, periodic: bool) -> Floats:
    """Autocorrelation at all lags up to half the map, lag zero in the middle.

    Each lag is divided by the number of pairs of valid cells that it has, so that neither the ends
    of the map nor its holes pull it down.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    rows, columns = z.shape
    padded = (
        next_fast_len(2 * rows, real=True),
        columns if periodic else next_fast_len(2 * columns, real=True),
    )

    def correlate(field: Floats) -> Floats:
        return np.asarray(irfft2(np.abs(rfft2(field, padded)) ** 2, padded))

    pairs = correlate(valid.astype(np.float64))
    total = correlate(np.where(valid, z, 0.0))
    raw = np.where(pairs > 0.5, total / np.maximum(pairs, 0.5), 0.0)
    lag = (rows // 2, columns // 2)
    wrapped = np.roll(raw, lag, axis=(0, 1))
    whole = wrapped[: 2 * lag[0] + 1, : 2 * lag[1] + 1]
    return np.asarray(whole / max(raw[0, 0], 1e-300))


def spacing_parameters(
    z: Floats, valid: Mask, pitch: tuple[float, float], *, periodic: bool
) -> dict[str, float]:
    """Sal and Str: the shortest and longest way on which the autocorrelation falls to 0.2.

    Str is NaN where a direction does not fall so far within the map: the longest way is not known.
    """
    correlation = autocorrelation(z, valid, periodic=periodic)
    ways = _falls(correlation, pitch)
    shortest, longest = float(ways.min()), float(ways.max())
    return {
        "Sal": shortest if math.isfinite(shortest) else math.nan,
        "Str": shortest / longest if math.isfinite(longest) else math.nan,
    }


def _falls(correlation: Floats, pitch: tuple[float, float]) -> Floats:
    """Way [um] to the first lag below 0.2 in 180 directions; inf where there is none."""
    from scipy.ndimage import map_coordinates

    middle = (correlation.shape[0] // 2, correlation.shape[1] // 2)
    step = 0.25 * min(pitch)
    ways = np.full(180, np.inf)
    for k in range(180):
        angle = math.pi * k / 180
        along = np.array([math.sin(angle) / pitch[0], math.cos(angle) / pitch[1]])
        room = min(
            m / a if a > 1e-12 else np.inf for m, a in zip(middle, np.abs(along), strict=True)
        )
        t = np.arange(0, room, step)
        points = np.array(middle)[:, None] + along[:, None] * t
        line = map_coordinates(correlation, points, order=1, mode="nearest")
        below = np.flatnonzero(np.asarray(line) < FALL)
        if len(below) and below[0] > 0:
            i = int(below[0])
            ways[k] = t[i] - step * (FALL - line[i]) / (line[i - 1] - line[i])
    return ways


def slope_parameters(
    z: Floats, valid: Mask, pitch: tuple[float, float], *, periodic: bool
) -> dict[str, float]:
    """Sdq and Sdr from slopes between neighbouring cells (the two triangles of each square)."""
    if periodic:
        z, valid = np.hstack([z, z[:, :1]]), np.hstack([valid, valid[:, :1]])
    square = valid[:-1, :-1] & valid[1:, :-1] & valid[:-1, 1:] & valid[1:, 1:]
    along_z = np.diff(z, axis=0) / pitch[0]
    along_s = np.diff(z, axis=1) / pitch[1]
    # Two triangles: one has the left and the lower edge, one the right and the upper.
    first = along_z[:, :-1] ** 2 + along_s[:-1] ** 2
    second = along_z[:, 1:] ** 2 + along_s[1:] ** 2
    if not square.any():
        return {"Sdq": math.nan, "Sdr": math.nan}
    squares = np.concatenate([first[square], second[square]])
    return {
        "Sdq": math.sqrt(float(squares.mean())),
        "Sdr": float(np.mean(np.sqrt(1 + squares)) - 1),
    }


def ratio_parameters(values: Floats) -> dict[str, float]:
    """Parameters of the material ratio curve: heights from the highest down over their share."""
    heights = np.sort(values)[::-1]
    share = (np.arange(len(heights)) + 0.5) / len(heights)

    def height_at(ratio: float) -> float:
        return float(np.interp(ratio, share, heights))

    top, bottom = height_at(PEAK_SHARE), height_at(VALLEY_SHARE)
    peaks = float(np.mean(np.maximum(values - top, 0)))
    to_bottom = float(np.mean(np.maximum(values - bottom, 0)))
    voids = float(np.mean(np.maximum(bottom - values, 0)))
    to_top = float(np.mean(np.maximum(top - values, 0)))
    return _core(heights, share) | {
        "Vmp": peaks,
        "Vmc": to_bottom - peaks,
        "Vvc": to_top - voids,
        "Vvv": voids,
    }


def _core(heights: Floats, share: Floats) -> dict[str, float]:
    """Sk, Spk, Svk, Smr1, Smr2 of the equivalent line (ISO 25178-2; construction of ISO 13565-2).

    The line is fitted by least squares to the 40 % of the curve that fall least, and drawn on to 0
    and 100 %. Where several windows fall by the same, as both ends of a sine do, the lowest one
    counts, so that rounding does not choose.
    """
    starts = np.linspace(0, 1 - CORE_SHARE, 601)
    falls = np.interp(starts, share, heights) - np.interp(starts + CORE_SHARE, share, heights)
    tiny = 1e-9 * (heights[0] - heights[-1])
    equal = falls <= falls.min() + tiny
    window = starts[np.flatnonzero(equal)[-1]] + np.linspace(0, CORE_SHARE, 401)
    slope, top = _line(window, np.interp(window, share, heights))
    bottom = top - slope
    first = float(np.mean(heights > top + tiny))  # a flat core is no peak by rounding
    second = float(np.mean(heights >= bottom - tiny))
    above = float(np.mean(np.maximum(heights - top, 0)))
    below = float(np.mean(np.maximum(bottom - heights, 0)))
    return {
        "Sk": slope,
        "Spk": 2 * above / first if first > 0 else 0.0,  # triangles of the same area
        "Svk": 2 * below / (1 - second) if second < 1 else 0.0,
        "Smr1": 100 * first,
        "Smr2": 100 * second,
    }


def _line(share: Floats, heights: Floats) -> tuple[float, float]:
    """Fall over the whole range of shares, and height at 0, of the least-squares line."""
    away = share - share.mean()
    fall = -float(away @ heights) / float(away @ away)
    return fall, float(heights.mean() + fall * share.mean())


def level(heights: NDArray[np.floating], *, valid: Mask, form: str) -> Floats:
    """Take the form off: "mean", or "plane" by least squares over the valid cells."""
    z = heights.astype(np.float64)
    if form == "mean":
        return np.asarray(z - z[valid].mean())
    where = np.argwhere(valid)
    fit, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(where)), where]), z[valid], rcond=None)
    rows, columns = np.arange(z.shape[0])[:, None], np.arange(z.shape[1])[None]
    return np.asarray(z - fit[0] - fit[1] * rows - fit[2] * columns)


def gaussian_filter(
    heights: Floats, cutoff: float, pitch: tuple[float, float], *, periodic: bool
) -> Floats:
    """The long waves of a map: the areal Gaussian filter of ISO 16610-61.

    Waves of the length `cutoff` [um] are halved. The S-filter keeps this, the L-filter takes it
    off.
    """
    from scipy.ndimage import gaussian_filter1d

    # exp(-π (x / (α λ))²) with α = sqrt(ln 2 / π) is a Gaussian of this standard deviation.
    sigma = cutoff * math.sqrt(math.log(2) / math.pi) / math.sqrt(2 * math.pi)
    along = gaussian_filter1d(heights, sigma / pitch[0], axis=0, mode="reflect")
    around = "wrap" if periodic else "reflect"
    return np.asarray(gaussian_filter1d(along, sigma / pitch[1], axis=1, mode=around))
