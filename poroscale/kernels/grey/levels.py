"""Grey values of one block: levels, thresholds, and smoothing with exact halos."""

from __future__ import annotations

from math import ceil, log, sqrt
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.identity import kernel

FLOAT_BINS = 256
WIDE_BINS = 65536


class Levels(NamedTuple):
    """Bins in which grey values are counted: `bins` of `width` from `first` on.

    Integers of up to 16 bits have one bin per level. Wider integers and floats share the range
    that occurs between them.
    """

    first: float
    width: float
    bins: int

    @property
    def centres(self) -> NDArray[np.float64]:
        """Grey value at the middle of each bin."""
        middle = 0.0 if self.exact else 0.5
        return self.first + self.width * (np.arange(self.bins, dtype=np.float64) + middle)

    @property
    def exact(self) -> bool:
        """True if each bin is one level."""
        return self.width == 1.0 and float(self.first).is_integer()


def levels_of(dtype: np.dtype[Any]) -> Levels | None:
    """All levels of an integer type of up to 16 bits; None where the range must be found first."""
    if dtype.kind == "b":
        return Levels(0, 1.0, 2)
    if dtype.kind in "ui" and dtype.itemsize <= 2:
        info = np.iinfo(dtype)
        return Levels(info.min, 1.0, int(info.max) - int(info.min) + 1)
    return None


def levels_between(low: float, high: float, dtype: np.dtype[Any]) -> Levels:
    """Bins over a range that was found: every level of an integer where they are few enough."""
    if dtype.kind in "ui" and high - low < WIDE_BINS:
        return Levels(low, 1.0, int(high - low) + 1)
    bins = WIDE_BINS if dtype.kind in "ui" else FLOAT_BINS
    return Levels(low, (high - low) / bins, bins)


def count_levels(values: NDArray[Any], levels: Levels) -> NDArray[np.int64]:
    """Counts of `values` in each bin; int64 (bins,).

    Parameters
    ----------
    values
        Grey values, any shape; none lies outside the bins.
    levels
        The bins; the last one is closed on both sides, as numpy's.
    """
    counts = np.zeros(levels.bins, np.int64)
    flat = values.ravel()
    if levels.exact:
        _count_exact(flat, int(levels.first), counts)
    else:
        _count_binned(flat, levels.first, levels.width, counts)
    return counts


@njit(nogil=True, cache=True)
def _count_exact(flat, first, counts):  # type: ignore[no-untyped-def]
    for value in flat:
        counts[np.int64(value) - first] += 1


@njit(nogil=True, cache=True)
def _count_binned(flat, first, width, counts):  # type: ignore[no-untyped-def]
    for value in flat:
        counts[min(np.int64((np.float64(value) - first) / width), counts.size - 1)] += 1


def percentile(counts: NDArray[np.int64], levels: Levels, share: float) -> float:
    """The grey value up to which a share of the voxels lies.

    Levels are exact; within the bins of wide types the voxels are taken as spread evenly.

    Parameters
    ----------
    counts, levels
        The histogram.
    share
        Share of the values, in [0, 1].
    """
    below = np.cumsum(counts)
    wanted = share * below[-1]
    at = min(int(np.searchsorted(below, max(wanted, 1e-9))), len(counts) - 1)
    if levels.exact:
        return float(levels.centres[at])
    inside = (wanted - (below[at] - counts[at])) / max(1, counts[at])
    return float(levels.first + levels.width * (at + inside))


def otsu(counts: NDArray[np.int64], levels: Levels, *, what: str) -> float:
    """Otsu's threshold: values up to it are the lower class.

    Parameters
    ----------
    counts, levels
        The histogram.
    what
        Name of the scan, for the error.

    Raises
    ------
    ValueError
        If there is one grey value only: no threshold exists.
    """
    from skimage.filters import threshold_otsu

    seen = np.flatnonzero(counts)
    if seen.size < 2:
        raise ValueError(f"{what} must have more than one grey value: no threshold exists")
    part = slice(seen[0], seen[-1] + 1)
    return float(threshold_otsu(hist=(counts[part], levels.centres[part])))


def mean_below(counts: NDArray[np.int64], levels: Levels, threshold: float) -> float:
    """Mean grey value of the voxels up to `threshold`; NaN if there are none."""
    return _mean(counts, levels, levels.centres <= threshold)


def _mean(counts: NDArray[np.int64], levels: Levels, chosen: NDArray[np.bool_]) -> float:
    total = counts[chosen].sum()
    return float((counts[chosen] * levels.centres[chosen]).sum() / total) if total else float("nan")


class Peak(NamedTuple):
    """The highest peak of a histogram: its grey value, and the standard deviation of its noise.

    The deviation comes from the half width at half maximum on the bright side, so that neither
    darker voxels (pores, partial volume) nor brighter inclusions widen it.
    """

    mode: float
    deviation: float


def brightest_peak(counts: NDArray[np.int64], levels: Levels) -> Peak:
    """The peak of the solid inside a part, of the smoothed histogram."""
    smooth = _smoothed(counts)
    top = int(np.argmax(smooth))
    low = np.flatnonzero(smooth[top:] < smooth[top] / 2)
    width = (int(low[0]) if low.size else len(smooth) - top) * levels.width
    return Peak(float(levels.centres[top]), width / sqrt(2 * log(2)))


def noise_share(counts: NDArray[np.int64], levels: Levels, peak: Peak, threshold: float) -> float:
    """Share of the voxels up to `threshold` that noise of the solid alone would put there.

    The solid is taken as a normal peak that holds all voxels above its mode twice.
    """
    from scipy.special import ndtr

    dark = counts[levels.centres <= threshold].sum()
    solid = 2 * counts[levels.centres > peak.mode].sum()
    expected = solid * ndtr((threshold - peak.mode) / peak.deviation)
    return float(expected / max(1, dark))


def _smoothed(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    from scipy.ndimage import uniform_filter1d

    seen = np.flatnonzero(counts)
    width = max(1, (int(seen[-1]) - int(seen[0])) // 128)
    return np.asarray(uniform_filter1d(counts.astype(np.float64), width, mode="constant"))


def gaussian_halo(sigma: float) -> int:
    """Voxels that `smooth_gaussian` looks at on either side: 4 sigma."""
    return ceil(4 * sigma)


@kernel("grey.smooth_gaussian")
def smooth_gaussian(block: NDArray[Any], *, sigma: tuple[float, float, float]) -> NDArray[Any]:
    """Gaussian smoothing, cut off at 4 sigma; integers are rounded.

    Parameters
    ----------
    block
        Grey values with a halo of `gaussian_halo` of each sigma.
    sigma
        Standard deviation along (z, y, x) [voxels].
    """
    from scipy.ndimage import gaussian_filter

    radius = tuple(gaussian_halo(each) for each in sigma)
    smooth = gaussian_filter(block.astype(np.float32), sigma, mode="nearest", radius=radius)
    return _as_grey(smooth, block.dtype)


@kernel("grey.smooth_median")
def smooth_median(block: NDArray[Any], *, radius: int) -> NDArray[Any]:
    """Median over the cube of 2 `radius` + 1 voxels; the halo is `radius`."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(block, size=2 * radius + 1, mode="nearest"))


def _as_grey(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        return values.astype(dtype)
    info = np.iinfo(dtype)
    return np.clip(np.rint(values), info.min, info.max).astype(dtype)
