"""Error of the porosity, propagated from noise, levels and point spread."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np

from poroscale.kernels.grey.partial_volume import DETECTION_WEIGHTS
from poroscale.segmentation.local.shares import Model, ShareCounts

COVERAGE, DEVIATIONS = 0.90, 1.645
"""Nominal coverage of the interval, and its half width in standard errors of a normal law."""
LEVEL_ERROR = 0.0012
"""Standard error of the local level of the solid, in units of the contrast, beside its noise: what
bends on less than the smoothing of the cells, measured on scans of known truth."""
METHOD_ERROR = 0.007
"""Relative standard error of the whole method on scans of known truth, where noise and levels
explain nothing: the tails of the support, the finite voxel."""


ENVELOPE_ERROR = 0.06
"""Relative standard error where pores are open to the air: whether a dark voxel at the envelope is
pore is a matter of the ball that rolls over it."""
SURFACE_ERROR = 0.2
"""Relative standard error, times the square of the share of the part that lies too near its surface
for pores to be found: of that share pores are missing, and of the rest as many are cut."""


@dataclass(frozen=True)
class Interval:
    """Porosity with its error, part by part; all are standard errors of the porosity.

    Attributes
    ----------
    low, high
        Bounds that hold the porosity in 90 of 100 scans.
    noise, level, void, method, surface, outside, doubts
        From the noise of voxels, the level of the solid, that of a void, the method, pores near the
        surface of thin walls, the envelope of an open porous body, and what the warnings name.
    """

    low: float
    high: float
    noise: float
    level: float
    void: float
    method: float
    surface: float
    outside: float
    doubts: float


def porosity_interval(
    counts: ShareCounts,
    model: Model,
    *,
    thin: float = 0.0,
    enveloped: bool = False,
    doubt: float = 0.0,
) -> Interval:
    """The interval of the porosity by partial volume.

    Parameters
    ----------
    counts
        Sums of the shares.
    model
        Levels, noise and point spread.
    thin
        Share of the part that lies too near its surface for pores to be found.
    enveloped
        True if the part is an open porous body that ends at its envelope.
    doubt
        Relative standard error of what the model does not hold: a second material, grey values
        that were cut off, noise in which pores are lost.
    """
    part = max(1, counts.part_voxels)
    contrast = max(0.05, 1.0 - model.void.at(1.0))
    near = float(counts.near.sum())
    volume = max(0.0, counts.pore_volume)
    # Smoothing lowers white noise by a known factor; what it lowers less is correlated.
    white = float(np.sum(DETECTION_WEIGHTS.astype(np.float64) ** 2)) ** 1.5
    correlated = max(1.0, model.soft_noise / max(1e-9, model.noise * white))
    noise = model.noise * correlated * sqrt(near) / contrast / part
    level = LEVEL_ERROR * near / contrast / part
    void = volume * model.void.error / contrast / part
    method = METHOD_ERROR * volume / part
    surface = SURFACE_ERROR * thin**2 * volume / part
    outside = ENVELOPE_ERROR * volume / part if enveloped else 0.0
    doubts = doubt * volume / part
    half = DEVIATIONS * hypot(noise, level, void, method, surface, outside, doubts)
    low, high = max(0.0, counts.porosity - half), min(1.0, counts.porosity + half)
    return Interval(low, high, noise, level, void, method, surface, outside, doubts)
