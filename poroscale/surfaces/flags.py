"""Cells of an unrolled surface that are no roughness, and the heights that replace them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OVERHANG, OPEN_PORE, GAP = 1, 2, 4
LEAST_DEPTH = 5.0
"""Voxels below its surroundings that a notch has at least."""


def flag_cells(
    radius: NDArray[np.float32],
    flags: NDArray[np.uint8],
    notch: tuple[float, float],
    *,
    periodic: bool,
) -> NDArray[np.uint8]:
    """`OPEN_PORE` where the surface falls far below the median around it.

    Parameters
    ----------
    radius
        (rows, columns) [voxel], NaN in gaps.
    flags
        Flags that the cells have already.
    notch
        Length of the surroundings [voxel], and depth in standard deviations.
    periodic
        True if columns close up.
    """
    from scipy.ndimage import median_filter

    found = np.zeros_like(flags)
    good = flags == 0
    if not good.any():
        return found
    # A thinned median: every third cell tells the surroundings as well, at a tenth of the cost.
    step = 3
    window = max(3, round(notch[0] / step) | 1)
    filled = fill_flagged(radius, flags, periodic=periodic)
    half = window // 2
    thin = np.pad(filled[::step, ::step], ((half, half), (0, 0)), mode="edge")
    thin = np.pad(thin, ((0, 0), (half, half)), mode="wrap" if periodic else "edge")
    coarse = median_filter(thin, size=window)[half:-half, half:-half]
    around = np.repeat(np.repeat(coarse, step, axis=0), step, axis=1)[
        : len(radius), : radius.shape[1]
    ]
    below = around - filled
    spread = 1.4826 * float(np.median(np.abs(below[good] - np.median(below[good]))))
    found[below > max(LEAST_DEPTH, notch[1] * spread)] = OPEN_PORE
    found[~good] = 0
    return found


def fill_flagged(
    radius: NDArray[np.float32], flags: NDArray[np.uint8], *, periodic: bool
) -> NDArray[np.float32]:
    """The map with flagged cells replaced by smooth averages of the nearest others.

    Averages over 3 cells fill what is near; what is left takes those over 9, 27 and so on.
    """
    from scipy.ndimage import gaussian_filter

    out = radius.astype(np.float32)
    known = (flags == 0) & np.isfinite(radius)
    if known.all() or not known.any():
        return out
    mode = ("nearest", "wrap" if periodic else "nearest")
    open_cells = ~known
    sigma = 1.5
    while open_cells.any() and sigma < 4 * max(radius.shape):
        weight = gaussian_filter(known.astype(np.float64), sigma, mode=mode, truncate=3)
        total = gaussian_filter(
            np.where(known, radius, 0.0).astype(np.float64), sigma, mode=mode, truncate=3
        )
        enough = open_cells & (weight > 0.05)
        out[enough] = (total[enough] / weight[enough]).astype(np.float32)
        open_cells &= ~enough
        sigma *= 3
    out[open_cells] = float(radius[known].mean())
    return out
