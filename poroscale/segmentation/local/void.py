"""The level of a void inside the solid, from the cores of resolved pores.

Beam hardening raises the level of a void in the middle of a part above that of the air outside, by
a third of the contrast in steel: along a long path a missing voxel of metal takes away less
attenuation. Only the cores of pores that the blur does not reach tell the level.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.grey.level_counts import FINE_BINS, FINE_RANGE, LEVEL_BINS, LEVEL_RANGE
from poroscale.segmentation.local.levels import centres

ENOUGH = 20
"""Voxels of cores without which nothing is said."""
SPREAD = 0.02
"""Standard deviation of the solid's level over the cores, below which its slope is taken for 0."""


class VoidLevel(NamedTuple):
    """Level of a void in a solid of level S: `base + slope * S`.

    Attributes
    ----------
    base, slope
        Normalised.
    error
        Standard error of the level.
    voxels
        Voxels of cores it rests on; 0 where it is that of the air.
    """

    base: float
    slope: float
    error: float
    voxels: int

    def at(self, level: float) -> float:
        """The void's level where the solid's is `level`."""
        return self.base + self.slope * level


def void_level(core: NDArray[np.int64], air: float, noise: float, *, outside: bool) -> VoidLevel:
    """The level by a weighted line through the medians of the cores at each level of the solid.

    Parameters
    ----------
    core
        Counts of core voxels by level of the solid and by grey value.
    air
        Level of the air outside, taken where there are too few cores.
    noise
        Standard deviation of a voxel.
    outside
        True if there is air around the part, whose level bounds that of a void.
    """
    counts = core.reshape(LEVEL_BINS, FINE_BINS)
    total = int(counts.sum())
    if total < ENOUGH:
        return VoidLevel(air, 0.0, UNKNOWN if outside else UNBOUNDED, 0)
    solid, grey = centres(LEVEL_RANGE, LEVEL_BINS), centres(FINE_RANGE, FINE_BINS)
    rows = counts.sum(axis=1)
    known = np.flatnonzero(rows)
    medians = np.array([grey[np.searchsorted(np.cumsum(counts[k]), rows[k] / 2)] for k in known])
    weight = rows[known].astype(float)
    mean = float(np.average(solid[known], weights=weight))
    middle = float(np.average(medians, weights=weight))
    away = solid[known] - mean
    spread = float(np.average(away**2, weights=weight))
    slope = float(np.average(away * (medians - middle), weights=weight)) / (spread + SPREAD**2)
    slope *= total / (total + FEW)
    left = medians - middle - slope * away
    scatter = float(np.sqrt(np.average(left**2, weights=weight)))
    error = float(np.hypot(scatter / np.sqrt(len(known)), 1.25 * noise / np.sqrt(total)))
    if outside:  # a void like the air outside is the rule; hardening is what raises it
        above = middle - air
        share = above**2 / (above**2 + LIKE_AIR**2)
        middle, slope = air + share * above, slope * share
    if not outside and middle > 0:  # the darkest samples say more than blurred cores
        return VoidLevel(0.0, 0.0, UNBOUNDED, total)
    if not outside:
        error = float(np.hypot(error, UNBOUNDED * min(1.0, MANY / total)))
    return VoidLevel(middle - slope * mean, slope, error, total)


UNKNOWN, UNBOUNDED = 0.015, 0.12
"""Error of the void's level where it is taken from the air; and where there is no air either, and
the darkest voxels stand for it."""
LIKE_AIR = 0.02
"""Distance of a void's level from that of the air at which half of it is believed: the cores of
small pores are blurred by about so much."""
MANY, FEW = 150, 200
"""Voxels of cores from which they tell the level without an air around the part; and at which half
of the slope that they show is believed."""
