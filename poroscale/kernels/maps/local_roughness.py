"""Local roughness: the standard deviation of the height in a patch around each point of a map.

It is the δr of Appendix A of the porosity-generator paper, there over 150 um x 150 um.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PATCH_UM = 150.0
NEAR_UM = 40.0
"""Depth up to which pores are tied to the roughness (Appendix A)."""


def patch_voxels(voxel_um: float) -> int:
    """Voxels of the patch's edge, odd."""
    return 2 * round(0.5 * PATCH_UM / voxel_um) + 1


def local_roughness(
    heights: NDArray[np.floating], patch: int, *, periodic: bool
) -> NDArray[np.float32]:
    """Standard deviation of the heights within `patch` x `patch` pixels of each pixel.

    Parameters
    ----------
    heights
        (rows, columns) map, in any unit.
    patch
        Odd number of pixels; held to the columns of the map.
    periodic
        True if columns close up. Rows are mirrored at their ends, and columns that do not close.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        In the unit of the heights.
    """
    from scipy.ndimage import uniform_filter1d

    values = heights.astype(np.float64)
    values = values - values.mean()
    size = (min(patch, 2 * heights.shape[0] - 1), min(patch, heights.shape[1]))

    def smooth(field: NDArray[np.float64]) -> NDArray[np.float64]:
        along = uniform_filter1d(field, size[0], axis=0, mode="reflect")
        wrap = "wrap" if periodic else "reflect"
        return np.asarray(uniform_filter1d(along, size[1], axis=1, mode=wrap))

    variance = smooth(values**2) - smooth(values) ** 2
    return np.sqrt(np.maximum(variance, 0.0)).astype(np.float32)
