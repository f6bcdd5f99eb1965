"""Sums on cells and histograms of a block, from which levels are found in one pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.grey.partial_volume import Float
from poroscale.kernels.grey.solid_level import CELL, COUNT_BITS, STEPS

LEVEL_BINS, GREY_BINS, FINE_BINS = 64, 640, 2048
"""Bins of the local level, 0 to 2; of grey values beside it, -2 to 3; of small differences."""
GREY_RANGE, FINE_RANGE, LEVEL_RANGE = (-2.0, 3.0), (-1.0, 1.0), (0.0, 2.0)
UNKNOWN, PART, NEAR_AIR, AIR = 3, 0, 1, 2
"""Places of a voxel: beyond the volume, in the part, near its surface or outside, well outside."""


class Looks(NamedTuple):
    """One block seen in several ways; all of the same shape.

    Attributes
    ----------
    sharp, soft, level
        Normalised grey values, the same smoothed, and the level of the solid as far as it is known.
    place
        uint8: `PART`, `NEAR_AIR`, `AIR`, or `UNKNOWN` beyond the volume.
    unsound
        uint8: 0 where a voxel is solid for sure.
    shallow
        uint8: 0 where a voxel lies in the core of a void.
    """

    sharp: Float
    soft: Float
    level: Float
    place: NDArray[np.uint8]
    unsound: NDArray[np.uint8]
    shallow: NDArray[np.uint8]


def count_levels_of(looks: Looks) -> tuple[NDArray[np.int32], dict[str, NDArray[np.int64]]]:
    """Packed cells of a block (see `solid_level.unpacked`), and its histograms.

    Returns
    -------
    cells
        int32, one for each cube of `CELL` voxels: the sum of its sound voxels in steps of
        1 / `STEPS`, times 128, and their number.
    counts
        int64: "part" and "rest", grey values in and out of the part; "air", those well outside;
        "sharp" and "soft", grey values of the sound solid less its level; "core", those of void
        cores by level of the solid, flat.
    """
    z, y, x = (n // CELL for n in looks.sharp.shape)
    cells = np.zeros((z, y, x), np.int32)
    sizes = {
        "part": GREY_BINS,
        "rest": GREY_BINS,
        "air": FINE_BINS,
        "sharp": FINE_BINS,
        "soft": FINE_BINS,
        "core": LEVEL_BINS * FINE_BINS,
    }
    counts = {name: np.zeros(size, np.int64) for name, size in sizes.items()}
    _count(*looks, cells, *counts.values())
    return cells, counts


@njit(nogil=True, cache=True, inline="always")
def _bin(value, low, width, bins):  # type: ignore[no-untyped-def]
    return min(max(int(np.floor((value - low) * width)), 0), bins - 1)


@njit(nogil=True, cache=True)
def _count(  # type: ignore[no-untyped-def]
    sharp, soft, level, place, unsound, shallow, cells, part, rest, air, loud, calm, core
):
    coarse, fine = np.float32(GREY_BINS / 5.0), np.float32(FINE_BINS / 2.0)
    levels, steps = np.float32(LEVEL_BINS / 2.0), np.float32(STEPS)
    none, one, two, half = np.float32(0), np.float32(-1), np.float32(-2), np.float32(0.5)
    for z in range(sharp.shape[0]):
        for y in range(sharp.shape[1]):
            for x in range(sharp.shape[2]):
                where = place[z, y, x]
                if where == UNKNOWN:
                    continue
                grey = sharp[z, y, x]
                if where != PART:
                    rest[_bin(grey, two, coarse, GREY_BINS)] += 1
                    if where == AIR:
                        air[_bin(grey, one, fine, FINE_BINS)] += 1
                    continue
                part[_bin(grey, two, coarse, GREY_BINS)] += 1
                solid = level[z, y, x]
                if unsound[z, y, x] == 0:
                    loud[_bin(grey - solid, one, fine, FINE_BINS)] += 1
                    calm[_bin(soft[z, y, x] - solid, one, fine, FINE_BINS)] += 1
                    total = int(np.floor(grey * steps + half))
                    cells[z // CELL, y // CELL, x // CELL] += (total << COUNT_BITS) + 1
                if shallow[z, y, x] == 0:
                    row = _bin(solid, none, levels, LEVEL_BINS)
                    core[row * FINE_BINS + _bin(grey, one, fine, FINE_BINS)] += 1
