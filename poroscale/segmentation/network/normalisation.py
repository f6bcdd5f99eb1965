"""Grey values of a scan to [0, 1], by its own robust percentiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Reduction, Run, reduce_blocks
from poroscale.identity import kernel
from poroscale.kernels.grey.levels import Levels, count_levels, otsu, percentile
from poroscale.segmentation.thresholds.fields import Everywhere
from poroscale.segmentation.thresholds.histogram import grey_histogram
from poroscale.volume import Volume

SHARES = (0.005, 0.995)
"""Of the voxels that are darker than 0, and than 1."""
FINE = 64
"""Least bins between the percentiles where bins are not levels."""
ZOOMS = 6
"""By a factor of 4 and more each, which reaches beyond `FAR`."""
FAR = 1e-4
"""Least share of the whole range that lies between the percentiles of a scan of floats: where an
outlier is further off, Otsu's threshold, which sees the whole range, finds nothing either."""


class GreyRange(NamedTuple):
    """Grey values that become 0 and 1."""

    low: float
    high: float

    def normalised(self, grey: NDArray[Any]) -> NDArray[np.float32]:
        """Grey values cut to the range and brought to [0, 1]; float32."""
        scale = np.float32(1 / (self.high - self.low))
        shifted = grey.astype(np.float32) - np.float32(self.low)
        return np.clip(shifted * scale, np.float32(0), np.float32(1))


class GreySummary(NamedTuple):
    """Range of a scan and Otsu's threshold of air and part, from its histogram."""

    range: GreyRange
    threshold: float


def grey_summary(
    scan: Volume, *, journal: Path | None = None, run: Run | None = None
) -> GreySummary:
    """Range and threshold of a scan, from its streamed histogram.

    Parameters
    ----------
    scan
        Grey values.
    journal
        Folder that remembers finished blocks.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If nearly all voxels have one grey value, or some are no finite numbers.
    """
    everywhere = Everywhere(scan.shape)
    found = grey_histogram(scan, everywhere, journal=journal, run=run)
    threshold = otsu(found.inside, found.levels, what=str(scan.path))
    counts, levels = _zoomed(scan, found.inside, found.levels, run)
    low, high = (percentile(counts, levels, share) for share in SHARES)
    if not low < high:
        raise ValueError(
            f"{scan.path} must have a range of grey values: {SHARES[0]:.1%} and {SHARES[1]:.1%} of "
            f"its voxels are both up to {low:g}"
        )
    span = found.levels.width * len(found.inside)
    if not found.levels.exact and high - low < FAR * span:
        raise ValueError(
            f"{scan.path} has outliers: its grey values span {span:g}, but 99 % of them lie "
            f"between {low:g} and {high:g}; cut the outliers off first"
        )
    return GreySummary(GreyRange(low, high), threshold)


def grey_range(scan: Volume, *, journal: Path | None = None, run: Run | None = None) -> GreyRange:
    """The range of a scan; see `grey_summary`."""
    return grey_summary(scan, journal=journal, run=run).range


def grey_extent(scan: Volume, *, run: Run | None = None) -> GreyRange:
    """The range of a scan, and as much again on its dark side, or what of that there is.

    Pores may be fewer than the voxels that `grey_range` leaves out: in a crop without air its low
    end lies among the noise of the solid, and all that is darker would be one value.

    Parameters
    ----------
    scan
        Grey values.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If all voxels have one grey value, or some are no finite numbers.
    """
    everywhere = Everywhere(scan.shape)
    found = grey_histogram(scan, everywhere, run=run)
    seen = found.levels.centres[np.flatnonzero(found.inside)]
    if seen.size < 2:
        raise ValueError(f"{scan.path} must have more than one grey value")
    darkest, brightest = float(seen[0]), float(seen[-1])
    counts, levels = _zoomed(scan, found.inside, found.levels, run)
    low, high = (percentile(counts, levels, share) for share in SHARES)
    if not low < high:
        return GreyRange(darkest, brightest)
    return GreyRange(max(darkest, low - (high - low)), high)


def _zoomed(
    scan: Volume, counts: NDArray[np.int64], levels: Levels, run: Run | None
) -> tuple[NDArray[np.int64], Levels]:
    """A histogram in which outliers do not leave the percentiles in a few bins."""
    for _ in range(ZOOMS):
        below = np.cumsum(counts) / counts.sum()
        first, last = (int(np.searchsorted(below, share)) for share in SHARES)
        if levels.exact or last - first >= FINE:
            break
        low = levels.first + levels.width * first
        width = levels.width * (last - first + 1) / len(counts)
        levels = Levels(low, width, len(counts))
        counts = reduce_blocks(
            _CUT, scan, parameters={"levels": levels}, bytes_per_voxel=16, run=run
        )["counts"]
    return counts, levels


@kernel("segment.count_cut")
def _count_cut(grey: NDArray[Any], *, levels: Levels) -> dict[str, NDArray[np.int64]]:
    """Counts; what lies outside the bins counts in the outermost ones."""
    last = levels.first + levels.width * levels.bins
    cut = np.clip(grey.astype(np.float64), levels.first, last)
    return {"counts": count_levels(cut, levels)}


_CUT = Reduction(
    _count_cut, lambda a, b: {"counts": a["counts"] + b["counts"]}, lambda total: total
)
