"""Bivariate densities of pores, and the levels of their contours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CELLS = 96
LEVELS = tuple(np.linspace(0.05, 0.95, 7))
"""Of the contours, as shares of the largest density (Fig. 7: 5 to 95 %)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Density:
    """A density on a grid, scaled to a maximum of one.

    Attributes
    ----------
    x, y
        (CELLS,) centres of the cells.
    value
        (CELLS along y, CELLS along x).
    """

    x: Floats
    y: Floats
    value: Floats


def density(points: Floats, limits: tuple[tuple[float, float], tuple[float, float]]) -> Density:
    """Kernel density of points (n, 2) within `limits` of x and y.

    Counts of a grid are smoothed by a Gaussian of Scott's width along either axis, which takes as
    long for a million points as for a hundred; mass is mirrored at the limits, not lost there.
    """
    from scipy.ndimage import gaussian_filter

    edges = [np.linspace(low, high, CELLS + 1) for low, high in limits]
    counts = np.histogram2d(points[:, 0], points[:, 1], bins=edges)[0]
    inside = max(2, int(counts.sum()))
    widths = [
        max(0.7, inside ** (-1 / 6) * float(points[:, k].std()) / (edges[k][1] - edges[k][0]))
        for k in (0, 1)
    ]
    smooth = gaussian_filter(counts, widths, mode="reflect")
    smooth = smooth / max(float(smooth.max()), 1e-300)
    x, y = (0.5 * (edge[1:] + edge[:-1]) for edge in edges)
    return Density(x, y, smooth.T)


def overlap(first: Density, second: Density) -> float:
    """Common mass of two densities on one grid: 1 for equal ones, 0 for disjoint ones."""
    a, b = (d.value / d.value.sum() for d in (first, second))
    return float(np.minimum(a, b).sum())
