"""Suppression of anomaly scores near surfaces (Iuso et al. 2024, eqs. 2 and 3), block by block.

A network that compresses a part reproduces its surface blurred, and so scores the surface as
anomalous. There its prediction changes fast: D is the sum of the absolute derivatives of the
prediction along z, y and x, and G(D) is D smoothed by a Gaussian. The score A becomes
max(0, A - weight G(D)).

For a given G(D) the mean of |A - weight G(D)| is least where `weight` is the median of the ratios
A / G(D), each counted G(D) times. So all that a volume has to say about every weight at once is how
much A and how much G(D) stands in voxels of each ratio. Both are added up in integers, which no
order of blocks can change, in classes of ratios that are a 256th of an octave wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.grey.blur import blur, gaussian_weights

FloatArray = NDArray[np.float32]

TRUNCATE = 4.0
"""Standard deviations at which the Gaussian is cut off."""
FIXED = 1 << 24
"""Steps of the fixed-point sums in one unit of score; float16 scores are multiples of a step."""

OCTAVES = 40
PER_OCTAVE = 256
_SHIFT = 15
"""Bits of a float32 below the 8 of its mantissa that tell the 256th of an octave."""
_FIRST = (127 - OCTAVES // 2) * PER_OCTAVE
CLASSES = OCTAVES * PER_OCTAVE + 2
"""Classes of ratios: up to 2**-20, by 256ths of octaves to 2**20, and above."""


def compensation_halo(sigma: float) -> int:
    """Voxels that decide about one: those of the Gaussian, and one for the derivative."""
    return ceil(TRUNCATE * sigma) + 1


def as_unit(voxels: NDArray[Any]) -> FloatArray:
    """Stored voxels as float32; unsigned integers of 8 or 16 bits fill [0, 1]."""
    if voxels.dtype.kind == "u":
        return voxels.astype(np.float32) * np.float32(1 / np.iinfo(voxels.dtype).max)
    return voxels.astype(np.float32)


def slope(predicted: FloatArray) -> FloatArray:
    """Sum of the absolute central differences along z, y and x, in grey values per voxel.

    Parameters
    ----------
    predicted : ndarray of float32, shape (nz, ny, nx)
        A block with one voxel around it.

    Returns
    -------
    ndarray of float32, shape (nz - 2, ny - 2, nx - 2)
    """
    return _slope(np.ascontiguousarray(predicted))


@njit(nogil=True, cache=True)
def _slope(v):  # type: ignore[no-untyped-def]
    out = np.empty((v.shape[0] - 2, v.shape[1] - 2, v.shape[2] - 2), np.float32)
    half = np.float32(0.5)
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                dz = abs(v[z + 2, y + 1, x + 1] - v[z, y + 1, x + 1])
                dy = abs(v[z + 1, y + 2, x + 1] - v[z + 1, y, x + 1])
                dx = abs(v[z + 1, y + 1, x + 2] - v[z + 1, y + 1, x])
                out[z, y, x] = half * (dz + dy + dx)
    return out


def smooth_slope(slopes: FloatArray, sigma: float, shape: tuple[int, ...]) -> FloatArray:
    """The slope smoothed by a Gaussian of `sigma` voxels, on the middle `shape` of the block."""
    reach = ceil(TRUNCATE * sigma)
    middle = _middle(slopes, tuple(n + 2 * reach for n in shape))
    weights = gaussian_weights(sigma, truncate=TRUNCATE)
    return blur(np.ascontiguousarray(middle), weights)


def _middle(block: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    margins = [(n - m) // 2 for n, m in zip(block.shape, shape, strict=True)]
    return block[tuple(slice(g, g + m) for g, m in zip(margins, shape, strict=True))]


@kernel("compensation.compensate")
def compensate(
    scores: NDArray[Any], predicted: NDArray[Any], *, weight: float, sigma: float
) -> NDArray[Any]:
    """max(0, A - weight G(D)) (eq. 2) on the block without its halo.

    Parameters
    ----------
    scores, predicted
        Anomaly scores (uint8 or float16) and the network's prediction, both with a halo of
        `compensation_halo(sigma)`.
    weight, sigma
        Scale of the slope, and the standard deviation of its Gaussian [voxels].

    Returns
    -------
    ndarray
        Scores of the same type.
    """
    halo = compensation_halo(sigma)
    inner = scores[halo:-halo, halo:-halo, halo:-halo]
    blurred = smooth_slope(slope(as_unit(predicted)), sigma, inner.shape)
    left = np.maximum(as_unit(inner) - np.float32(weight) * blurred, np.float32(0))
    if scores.dtype.kind == "u":
        return np.rint(left * np.float32(255)).astype(np.uint8)
    return left.astype(scores.dtype)


def ratio_sums(
    scores: NDArray[Any],
    predicted: NDArray[Any],
    inside: NDArray[Any] | None = None,
    *,
    sigmas: list[float],
    halo: int,
) -> NDArray[np.int64]:
    """Sums of score and of smoothed slope over the voxels of each class of ratios.

    Parameters
    ----------
    scores, predicted
        As in `compensate`, with a halo of `halo` voxels, enough for the largest of `sigmas`.
    inside
        Mask of the same shape; voxels where it is 0 do not count. None counts all.
    sigmas
        Standard deviations [voxels].

    Returns
    -------
    ndarray of int64, shape (len(sigmas), 2, CLASSES)
        Sums of A and of G(D) in steps of 1 / `FIXED`.
    """
    middle = (slice(halo, -halo),) * 3
    shape = scores[middle].shape
    counted = (slice(None),) * 3 if inside is None else inside[middle] != 0
    score = as_unit(scores[middle][counted]).ravel()
    slopes = slope(as_unit(predicted))
    sums = np.zeros((len(sigmas), 2, CLASSES), np.int64)
    for sigma, into in zip(sigmas, sums, strict=True):
        blurred = smooth_slope(slopes, sigma, shape)[counted].ravel()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            bits = (score / blurred).view(np.uint32)
        _add_ratios(score, blurred, bits, into)
    return sums


@njit(nogil=True, cache=True)
def _add_ratios(score, blurred, bits, sums):  # type: ignore[no-untyped-def]
    last = sums.shape[1] - 1
    for i in range(score.size):
        a = np.int64(np.rint(np.float64(score[i]) * FIXED))
        b = np.int64(np.rint(np.float64(blurred[i]) * FIXED))
        if a == 0 and b == 0:
            continue
        k = np.int64(bits[i] >> _SHIFT) - _FIRST + 1
        if blurred[i] == 0:
            k = last
        k = min(max(k, np.int64(0)), last)
        sums[0, k] += a
        sums[1, k] += b


@dataclass(frozen=True)
class Fit:
    """The best weight for one Gaussian, and how well it explains the scores.

    Attributes
    ----------
    weight
        Scale of the smoothed slope; 0 where at least half of it stands where no score is.
    mean_l1
        Mean over all voxels that count of |A - weight G(D)| (eq. 3).
    """

    weight: float
    mean_l1: float


def fit_weight(sums: NDArray[np.int64], voxels: int, *, weight: float | None = None) -> Fit:
    """The weight of least mean |A - weight G(D)|, from the sums of `ratio_sums`.

    Within a class of ratios the slope is taken to spread evenly; classes are 0.3 % wide, so that
    the weight is off by less than that, and the mean by its square.

    Parameters
    ----------
    sums
        int64 (2, CLASSES) of one Gaussian.
    voxels
        That count, in the whole volume.
    weight
        Given, it is not sought.
    """
    score, slopes = sums.astype(np.float64) / FIXED
    low, high = _edges()
    if weight is None:
        weight = _weighted_median(slopes, low, high)
    below, above = high <= weight, low >= weight
    total = weight * slopes[below].sum() - score[below].sum()
    total += score[above].sum() - weight * slopes[above].sum()
    inside = ~(below | above)
    width = high[inside] - low[inside]
    share = slopes[inside] / width
    total += (share * ((weight - low[inside]) ** 2 + (high[inside] - weight) ** 2) / 2).sum()
    return Fit(weight, float(total / voxels))


def _weighted_median(slopes: NDArray[np.float64], low: Any, high: Any) -> float:
    total = np.cumsum(slopes)
    k = int(np.searchsorted(total, total[-1] / 2))
    if k == 0 or k == len(slopes) - 1:
        return float(low[k])
    before = float(total[k] - slopes[k])
    part = (float(total[-1]) / 2 - before) / float(slopes[k])
    return float(low[k] + part * (high[k] - low[k]))


def _edges() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of the classes of ratios; the last has no end."""
    keys = np.arange(_FIRST, _FIRST + CLASSES - 1, dtype=np.uint32) << _SHIFT
    edges = keys.view(np.float32).astype(np.float64)
    return np.concatenate([[0.0], edges]), np.concatenate([edges, [np.inf]])
