"""Distances between sets of pictures by their scattering coefficients (eqs. 8 to 10)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def precision(samples: Floats) -> float:
    """P (or P̂): spread of log coefficients (n, k) among samples, eqs. 8 and 9.

    (E|SX|² - |E SX|²) / E|SX|², where the variance of n samples is divided by n - 1. The paper's
    first form, E|SX - SX'|² / 2 over pairs of different samples, is the same number. Divided by n
    it is too small by 1 / n, so that S of eq. 10, which has no such bias, exceeds P + P̂ even
    where both laws are equal. One sample has no spread: NaN.
    """
    if len(samples) < 2:
        return float("nan")
    power = float((samples**2).sum(axis=1).mean())
    return float(samples.var(axis=0, ddof=1).sum()) / power


def separation(first: Floats, second: Floats) -> float:
    """S: distance of the log coefficients of two sets (n, k) and (m, k), eq. 10.

    (E|SX|² + E|SX̂|² - 2 E SX · E SX̂) over the mean of the two powers. For equal laws it is P + P̂.
    """
    powers = float((first**2).sum(axis=1).mean()), float((second**2).sum(axis=1).mean())
    cross = float(first.mean(axis=0) @ second.mean(axis=0))
    return (sum(powers) - 2 * cross) / (0.5 * sum(powers))
