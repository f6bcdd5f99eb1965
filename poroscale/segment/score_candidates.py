"""What a block becomes on the way from scores to phases, and the histogram of the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Reduction
from poroscale.kernels.score_levels import count_scores, score_levels
from poroscale.segment.candidates import candidate_phases
from poroscale.volume import VoxelSize

STRONG, WEAK, NONE = 0, 1, 2
"""Ranks of a voxel's score: at least the threshold, within the hysteresis below it, less."""


@dataclass(frozen=True)
class Nowhere:
    """An outside without a voxel."""

    shape: tuple[int, int, int]
    dtype = np.dtype(bool)

    def __call__(
        self, origin: tuple[int, int, int], shape: tuple[int, int, int]
    ) -> NDArray[np.bool_]:
        """bool of `shape`, all false."""
        return np.zeros(shape, bool)


def beyond(part: NDArray[Any]) -> NDArray[np.bool_]:
    """True where phases, or a mask of the part, are 0."""
    return part == 0


def score_candidates(
    scores: NDArray[Any],
    outside: NDArray[Any],
    *,
    level: int,
    weak: int,
    close_um: float,
    voxel_size: VoxelSize,
) -> NDArray[np.uint8]:
    """Phases before small pores are removed: pore from `level` on, growing from `weak` on."""
    levels = score_levels(scores)
    ranks = np.full(scores.shape, NONE, np.uint8)
    ranks[levels >= weak] = WEAK
    ranks[levels >= level] = STRONG
    grown = WEAK if weak < level else STRONG
    return candidate_phases(
        ranks, outside, inner=STRONG, weak=grown, close_um=close_um, voxel_size=voxel_size
    )


def _count(scores: NDArray[Any], outside: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    beyond_part = outside.astype(bool)
    return {"counts": count_scores(scores, beyond_part, np.ones_like(beyond_part))}


SCORE_COUNTS = Reduction(
    _count, lambda a, b: {"counts": a["counts"] + b["counts"]}, lambda total: total["counts"]
)


def otsu_of_scores(counts: NDArray[np.int64], values: NDArray[np.float64], what: str) -> float:
    """Otsu's threshold of the scores: the lowest score of the upper class."""
    from skimage.filters import threshold_otsu

    seen = np.flatnonzero(counts)
    if seen.size < 2:
        raise ValueError(f"{what} must have more than one score inside the part: no threshold")
    last_below = threshold_otsu(hist=(counts[seen], values[seen]))
    return float(values[seen][values[seen] > last_below][0])


def coarse_histogram(counts: NDArray[np.int64], values: NDArray[np.float64]) -> dict[str, Any]:
    """The histograms of part and outside in 256 bins over all scores."""
    place = np.minimum((values * 255).astype(np.int64), 255)
    inside, outside = (np.bincount(place, weights=one, minlength=256) for one in counts)
    return {
        "levels": (np.arange(256) / 255).tolist(),
        "counts_inside": inside.astype(int).tolist(),
        "counts_outside": outside.astype(int).tolist(),
    }
