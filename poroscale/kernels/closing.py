"""Morphological closing by a ball, exact inside a halo."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.distance import distance_to


def closing_halo(radius: float, voxel_size: tuple[float, float, float]) -> tuple[int, int, int]:
    """Voxels along (z, y, x) that decide about a voxel: twice the radius, and one."""
    z, y, x = (2 * ceil(radius / edge) + 1 for edge in voxel_size)
    return z, y, x


def close_ball(
    solid: NDArray[np.bool_], *, radius: float, voxel_size: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Closing of `solid` by the ball of `radius`: dilation, then erosion.

    A voxel is in the closing unless some ball of the radius holds it and no solid. Distances are
    between voxel centres; Euclidean distance transforms make the cost independent of the radius.

    Parameters
    ----------
    solid
        bool (nz, ny, nx) with a halo of `closing_halo`.
    radius
        Radius of the ball [um].
    voxel_size
        Edges along (z, y, x) [um].
    """
    if radius <= 0 or solid.all() or not solid.any():
        return solid
    dilated = distance_to(solid, voxel_size) <= radius
    if dilated.all():
        return dilated
    return distance_to(~dilated, voxel_size) > radius
