"""Distances to a boundary inside a block and its halo, and what they tell of sharpness and size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REACH = 8
"""Voxels on either side of the boundary that a profile spans."""
BINS = 2 * REACH
PLATEAU = 4
"""Bins at either end whose mean is what the profile levels off to."""
ONE_SIGMA = (0.158655, 0.841345)
"""Share of a blurred step at one standard deviation on either side of it."""
DISTANCE_BYTES = 20.0
"""Temporary bytes per voxel: two masks, two distance transforms, bins."""


def distance_inside(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance of every voxel of the mask to the nearest that is not of it [voxels]; 0 there.

    Exact as far as the block shows; infinite where no voxel is outside of the mask.
    """
    import edt

    return np.asarray(edt.edt(mask, black_border=False, parallel=1))


def signed_distance(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance to the boundary of a mask, which runs between voxels: negative outside of it."""
    return np.where(inside, distance_inside(inside) - 0.5, 0.5 - distance_inside(~inside))


def ball_diameter(depth: float) -> float:
    """Diameter of the ball about a voxel whose distance to the next voxel outside is `depth`."""
    return max(0.0, 2 * depth - 1)


def edge_blur(count: NDArray[np.int64], total: NDArray[np.int64]) -> float | None:
    """Standard deviation of the Gaussian that a step was blurred by [voxels].

    Parameters
    ----------
    count, total : ndarray of int64, (BINS,)
        Voxels, and the sum of their grey values on any linear scale, by signed distance to the
        step: bin i holds the distances from i - REACH on.

    Returns
    -------
    float or None
        Half of the way between 16 and 84 % of the step; None where a bin is empty or there is no
        step. A sharp step comes out at about 0.3, because its voxels are as wide as the bins.
    """
    if not count.all():
        return None
    mean = total / count
    low, high = mean[:PLATEAU].mean(), mean[-PLATEAU:].mean()
    if not low < high:
        return None
    share = np.maximum.accumulate((mean - low) / (high - low))
    at = np.arange(BINS) + 0.5 - REACH
    first, last = np.interp(ONE_SIGMA, share, at)
    return float(last - first) / 2
