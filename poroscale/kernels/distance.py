"""Distances within a block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def distance_to(
    mask: NDArray[np.bool_], voxel_size: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> NDArray[np.float32]:
    """Distance of every voxel to the nearest one of `mask`; infinite without any.

    Parameters
    ----------
    mask
        bool (nz, ny, nx).
    voxel_size
        Edges of a voxel along (z, y, x), in the unit of the distances. By default voxels are
        counted.

    Returns
    -------
    ndarray
        float32 (nz, ny, nx), between the centres of voxels.
    """
    import edt

    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(edt.edt(~mask, anisotropy=voxel_size, black_border=False, parallel=1))
