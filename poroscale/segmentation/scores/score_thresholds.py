"""Thresholds that follow from the histogram of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Reduction
from poroscale.identity import kernel
from poroscale.kernels.learning.score_levels import count_scores

BINS = 256


@kernel("segment.score_candidates.count")
def _count(scores: NDArray[Any], outside: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    beyond_part = outside.astype(bool)
    return {"counts": count_scores(scores, beyond_part, np.ones_like(beyond_part))}


SCORE_COUNTS = Reduction(
    _count, lambda a, b: {"counts": a["counts"] + b["counts"]}, lambda total: total["counts"]
)


def otsu_of_scores(counts: NDArray[np.int64], values: NDArray[np.float64], what: str) -> float:
    """Otsu's threshold of the scores: the lowest score of the upper class."""
    from skimage.filters import threshold_otsu

    counts, values = _seen(counts, values, what)
    return float(values[values > threshold_otsu(hist=(counts, values))][0])


def yen_of_scores(counts: NDArray[np.int64], values: NDArray[np.float64], what: str) -> float:
    """Yen's threshold (1995) of the scores, in 256 bins: the lowest score of the upper class.

    It correlates the two classes where Otsu's rule takes them for two peaks. Pores are too few to
    make one: among the anomaly scores of a noisy scan Otsu's threshold lies in the noise.
    """
    from skimage.filters import threshold_yen

    counts, values = _seen(counts, values, what)
    place = ((values - values[0]) / (values[-1] - values[0]) * BINS).astype(np.int64)
    place = np.minimum(place, BINS - 1)
    binned = np.bincount(place, weights=counts, minlength=BINS)
    return float(values[place > threshold_yen(hist=(binned, np.arange(BINS)))][0])


def _seen(
    counts: NDArray[np.int64], values: NDArray[np.float64], what: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Counts and values of the scores that there are, at least two."""
    seen = np.flatnonzero(counts)
    if seen.size < 2:
        raise ValueError(f"{what} must have more than one score inside the part: no threshold")
    return counts[seen], values[seen]


def coarse_histogram(counts: NDArray[np.int64], values: NDArray[np.float64]) -> dict[str, Any]:
    """The histograms of part and outside in 256 bins over all scores."""
    place = np.minimum((values * 255).astype(np.int64), 255)
    inside, outside = (np.bincount(place, weights=one, minlength=256) for one in counts)
    return {
        "levels": (np.arange(256) / 255).tolist(),
        "counts_inside": inside.astype(int).tolist(),
        "counts_outside": outside.astype(int).tolist(),
    }
