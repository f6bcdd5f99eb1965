"""Counts of the interface of pore and solid in a block: neighbours along thirteen directions.

Every voxel looks at the thirteen of its 26 neighbours that come before it in (z, y, x) order, so
that each pair of neighbours is seen once, by its later voxel, and counts of disjoint blocks add up.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.bodies.surface_area import EARLIER, direction_weights

BEYOND, OUTSIDE, SOLID, PORE = 0, 1, 2, 3
"""Kinds of voxels for `count_interfaces`: not in the volume, outside the part, or in it."""

COUNTED = ("pairs", "solid_ends", "outside_ends")
"""Of the neighbours along a direction: both in the part; pore and solid; pore and outside."""


def count_interfaces(kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs of neighbours in a block, by direction.

    Parameters
    ----------
    kinds
        uint8 (z + 2, y + 2, x + 2): the block with one voxel around it.

    Returns
    -------
    int64 (3, 13)
        Rows `COUNTED`, columns `EARLIER`.
    """
    kinds = np.ascontiguousarray(kinds)
    _, ny, nx = kinds.shape
    counts = np.zeros((len(COUNTED), len(EARLIER)), np.int64)
    _count(kinds, np.array(EARLIER) @ np.array([ny * nx, nx, 1]), counts)
    return counts


def specific_surface(counts: NDArray[np.int64], *, voxel_size: tuple[float, float, float]) -> float:
    """Area of the interface of pore and solid per volume of the part [1/um]; NaN of no pairs.

    A line of random direction meets the interface half as often per length as there is area per
    volume (Ohser & Schladitz, 3D Images of Materials Structures, 2009). The lattice gives thirteen
    directions, weighted by their shares of the sphere. Faces at the edge of the volume are none.
    """
    steps = np.linalg.norm(np.array(EARLIER) * np.array(voxel_size), axis=1)
    pairs, ends = counts[0].astype(float), counts[1].astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_length = ends / (pairs * steps)
    weights = direction_weights(voxel_size)
    seen = np.isfinite(per_length)
    if not seen.any():
        return float("nan")
    return float(2 * (weights * per_length)[seen].sum() / weights[seen].sum())


@njit(nogil=True, cache=True)
def _count(kinds, offsets, counts):  # type: ignore[no-untyped-def]
    nz, ny, nx = kinds.shape
    flat = kinds.reshape(-1)
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            start = (z * ny + y) * nx
            for x in range(1, nx - 1):
                here = flat[start + x]
                if here == 0:
                    continue
                for i in range(offsets.size):
                    there = flat[start + x + offsets[i]]
                    low, high = min(here, there), max(here, there)
                    counts[0, i] += low >= 2
                    counts[1, i] += low == 2 and high == 3
                    counts[2, i] += low == 1 and high == 3
