"""What samples of a scan tell, and the numbers that are drawn from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.grey.level_counts import FINE_BINS, FINE_RANGE
from poroscale.kernels.grey.survey import EdgeSums, Levels2
from poroscale.segmentation.local.fields import LevelField
from poroscale.segmentation.local.levels import centres
from poroscale.segmentation.local.outside.place import Place
from poroscale.volume import Volume

NOISE_SEED = 1.0
"""False voxels by noise that a scan may have in all."""


class FirstLook(NamedTuple):
    """What samples and a coarse copy tell of a scan.

    Attributes
    ----------
    found
        Levels and noise [grey values].
    level, held
        Rough level of the solid, from a volume that all workers can read, and from memory.
    place
        What is outside.
    """

    found: Levels2
    level: LevelField
    held: LevelField
    place: Place

    @property
    def scale(self) -> tuple[float, float]:
        """Grey values of air and solid that are normalised to 0 and 1."""
        return self.found.dark, self.found.bright

    @property
    def noise(self) -> float:
        """Standard deviation of a voxel in units of the contrast."""
        return self.found.noise / (self.found.bright - self.found.dark)


def added(a: EdgeSums, b: EdgeSums) -> EdgeSums:
    """The sums of two samples."""
    return EdgeSums(
        a.mixing + b.mixing,
        a.slope + b.slope,
        a.band + b.band,
        a.calm_mixing + b.calm_mixing,
        a.calm_slope + b.calm_slope,
        a.calm + b.calm,
    )


def deviation(counts: NDArray[np.int64]) -> float:
    """Standard deviation from the quartiles of a histogram of small differences; 0 of none."""
    total = np.cumsum(counts)
    if not total[-1]:
        return 0.0
    values = centres(FINE_RANGE, FINE_BINS)
    low, high = (values[np.searchsorted(total, q * total[-1])] for q in (0.25, 0.75))
    return float(high - low) / 1.349


def median(counts: NDArray[np.int64], otherwise: float) -> float:
    """Median of a histogram; `otherwise` of one of few values."""
    total = np.cumsum(counts)
    if total[-1] < 100:
        return otherwise
    return float(centres(FINE_RANGE, FINE_BINS)[np.searchsorted(total, total[-1] / 2)])


def surely(scan: Volume) -> float:
    """Deviations of noise beyond which a scan has `NOISE_SEED` voxels."""
    from scipy.special import ndtri

    return float(-ndtri(NOISE_SEED / np.prod(scan.shape, dtype=np.float64)))
