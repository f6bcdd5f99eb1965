"""Two normal values below one level: the probability from their correlation, and back.

Where a field Y of normal values is cut at a level t, a phase is where Y < t. Its fraction is
Phi(t), and its S2 at a distance where Y has the correlation rho is Phi2(t, t; rho) (Quiblier 1984;
Lantuejoul, Geostatistical Simulation, 2002, ch. 15).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, owens_t

Floats = NDArray[np.float64]
STEPS = 60
"""Halvings of the interval of a correlation: 2 / 2**60 is below the last digit."""


def level_of(fraction: float) -> float:
    """The level t below which a `fraction` of normal values lies, Phi^-1."""
    return float(ndtri(fraction))


def both_below(level: ArrayLike, correlation: ArrayLike) -> Floats:
    """Probability that two normal values of a correlation both lie below a level.

    By Owen's T function, Phi2(t, t; rho) = Phi(t) - 2 T(t, sqrt((1 - rho) / (1 + rho))) (Owen
    1956).
    """
    rho = np.clip(np.asarray(correlation, np.float64), -1.0, 1.0)
    t = np.asarray(level, np.float64)
    with np.errstate(divide="ignore"):
        slope = np.sqrt((1 - rho) / (1 + rho))
    return np.asarray(np.clip(ndtr(t) - 2 * owens_t(t, slope), 0.0, 1.0))


def correlation_of(probability: ArrayLike, level: float) -> Floats:
    """The correlation at which two normal values both lie below a level with a probability.

    Probabilities that no correlation gives are answered by the nearest, -1 or 1. `both_below`
    grows with the correlation, so that halving finds it.
    """
    wanted = np.asarray(probability, np.float64)
    low, high = np.full(wanted.shape, -1.0), np.ones(wanted.shape)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        above = both_below(level, middle) > wanted
        high, low = np.where(above, middle, high), np.where(above, low, middle)
    return 0.5 * (low + high)


def slope_of(level: float, correlation: ArrayLike) -> Floats:
    """Derivative of `both_below` by the correlation: the density of two normal values at (t, t)."""
    rho = np.clip(np.asarray(correlation, np.float64), -0.999999, 0.999999)
    return np.asarray(np.exp(-(level**2) / (1 + rho)) / (2 * np.pi * np.sqrt(1 - rho**2)))
