"""Ring artefacts of one slice: what the grey value has in common at one distance from the axis."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

PER_VOXEL = 2
"""Bins of the radius per voxel."""
SMOOTH = 8.0
"""Sigma [voxels] of what varies too slowly along the radius to be a ring: hardening and scatter."""
SOUND = 0.45
"""Residual, in units of the contrast, beyond which a voxel is no sound solid."""


@lru_cache(maxsize=4)
def ring_bins(shape: tuple[int, int], centre: tuple[float, float]) -> NDArray[np.intp]:
    """Bin of the radius of every voxel of a slice, flat."""
    y, x = (np.arange(n) - c for n, c in zip(shape, centre, strict=True))
    radius = np.hypot(y[:, None], x[None, :])
    return np.floor(PER_VOXEL * radius).astype(np.intp).ravel()


def ring_profile(
    residual: NDArray[np.float32],
    sound: NDArray[np.bool_],
    bins: NDArray[np.intp],
    *,
    length: int,
    noise: float,
) -> tuple[NDArray[np.float64], float]:
    """Rings of a slice by bin of the radius, and how well both halves of the slice agree on them.

    Parameters
    ----------
    residual
        (ny, nx) normalised grey values less the local level.
    sound
        Voxels that count; what lies near a pore or an inclusion is left out in addition.
    bins, length
        Bin of each voxel, and their number.
    noise
        Standard deviation of a voxel.

    Returns
    -------
    profile
        (length,) mean residual, less what varies slowly, shrunk towards 0 where few voxels tell
        it (Wiener's filter).
    agreement
        Correlation of the profiles of the two halves of the slice: rings go all around, pores
        and grains do not.
    """
    chosen = sound & ~_strange(residual)
    halves = np.zeros(residual.shape, bool)
    halves[: residual.shape[0] // 2] = True
    whole, counts = _rapid(residual, chosen, bins, length)
    (a, many), (b, more) = (
        _rapid(residual, chosen & half, bins, length) for half in (halves, ~halves)
    )
    both = np.minimum(many, more)
    if not both.any():
        return np.zeros(length), 0.0
    shared = float(np.average(a * b, weights=both))
    power = float(np.average(a * a, weights=both) * np.average(b * b, weights=both))
    known = counts >= FEW
    true = max(0.0, shared)
    whole[known] *= true / (true + noise**2 / counts[known] + 1e-12)
    return whole, shared / max(np.sqrt(power), 1e-12)


def _strange(residual: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Pores and inclusions, with what their blur reaches."""
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(np.abs(residual) > SOUND, iterations=3))


def _rapid(
    residual: NDArray[np.float32],
    chosen: NDArray[np.bool_],
    bins: NDArray[np.intp],
    length: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over each bin less what varies slowly, 0 in bins of few voxels; and their voxels."""
    flat = chosen.ravel()
    counts = np.bincount(bins[flat], minlength=length).astype(np.float64)
    sums = np.bincount(bins[flat], residual.ravel()[flat], minlength=length)
    mean = sums / np.maximum(counts, 1)
    rapid = mean - _slow(mean, counts)
    few = counts < FEW
    rapid[few], counts[few] = 0, 0
    return rapid, counts


FEW = 12
"""Voxels of a bin without which nothing is said of it."""


def _slow(mean: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    from scipy.ndimage import gaussian_filter1d

    sigma = SMOOTH * PER_VOXEL
    known = gaussian_filter1d(counts, sigma, mode="nearest")
    return np.asarray(gaussian_filter1d(mean * counts, sigma, mode="nearest")) / np.maximum(
        known, 1e-9
    )
