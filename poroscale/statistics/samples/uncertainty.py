"""Uncertainty of a figure: a share of pores, a mean over folds, the difference of two models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import sqrt
from typing import Any

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class Mean:
    """Mean of several folds.

    Attributes
    ----------
    count
        Folds.
    mean, deviation
        Mean and standard deviation of the folds; the latter None for one fold.
    low, high
        Interval of the mean by Student's t, 95 %; None for one fold.
    """

    count: int
    mean: float
    deviation: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference:
    """Two models by Welch's t-test, which does not take their spreads for equal.

    Attributes
    ----------
    difference, low, high
        Mean of the first less that of the second, and its 95 % interval.
    t, degrees
        Welch's statistic, and the degrees of freedom by Welch and Satterthwaite.
    p
        Two-sided. None for t and p where neither model varies.
    """

    difference: float
    low: float
    high: float
    t: float | None
    degrees: float | None
    p: float | None


def mean_of_folds(values: Sequence[float], *, level: float = LEVEL) -> Mean:
    """Mean over folds with its interval.

    Raises
    ------
    ValueError
        If there is no fold, or one whose value is no number.
    """
    from scipy.stats import t

    folds = _folds(values, least=1)
    mean, count = float(folds.mean()), len(folds)
    if count == 1:
        return Mean(1, mean, None, None, None)
    deviation = float(folds.std(ddof=1))
    half = float(t.ppf((1 + level) / 2, count - 1)) * deviation / sqrt(count)
    return Mean(count, mean, deviation, mean - half, mean + half)


def welch(first: Sequence[float], second: Sequence[float], *, level: float = LEVEL) -> Difference:
    """Welch's t-test of two models over their folds (Welch 1947).

    Raises
    ------
    ValueError
        If a model has fewer than two folds.
    """
    from scipy.stats import t

    a, b = _folds(first, least=2), _folds(second, least=2)
    difference = float(a.mean() - b.mean())
    spread = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
    error = sqrt(spread.sum())
    if error == 0:
        return Difference(difference, difference, difference, None, None, None)
    degrees = float(spread.sum() ** 2 / (spread**2 / [len(a) - 1, len(b) - 1]).sum())
    half = float(t.ppf((1 + level) / 2, degrees)) * error
    statistic = difference / error
    p = 2 * float(t.sf(abs(statistic), degrees))
    return Difference(difference, difference - half, difference + half, statistic, degrees, p)


def _folds(values: Sequence[float], *, least: int) -> Any:
    folds = np.asarray(values, np.float64)
    if len(folds) < least or not np.isfinite(folds).all():
        raise ValueError(f"folds must be at least {least} finite numbers, got {list(values)}")
    return folds


def fold_table(folds: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, Any]:
    """Models over their folds: means with intervals, and every pair by Welch's test.

    Parameters
    ----------
    folds
        Values of the folds by model and by measure: `{"UNet": {"average_precision": [...]}}`.

    Returns
    -------
    dict
        JSON: `means`, one row per model and measure; `pairs`, one row per measure and pair of
        models with at least two folds each. `p_holm` holds p for all pairs of a measure at once
        (Holm 1979).

    Raises
    ------
    ValueError
        If the models do not have the same measures.
    """
    measures = {tuple(sorted(values)) for values in folds.values()}
    if len(measures) != 1:
        raise ValueError(f"models must have the same measures, got {sorted(measures)}")
    means = [
        {"model": model, "measure": measure, **asdict(mean_of_folds(values))}
        for model, one in folds.items()
        for measure, values in one.items()
    ]
    pairs = [row for measure in measures.pop() for row in _pairs(folds, measure)]
    return {"means": means, "pairs": pairs}


def _pairs(folds: Mapping[str, Mapping[str, Sequence[float]]], measure: str) -> list[Any]:
    rows: list[dict[str, Any]] = [
        {"measure": measure, "first": a, "second": b}
        | asdict(welch(folds[a][measure], folds[b][measure]))
        for a, b in combinations(folds, 2)
        if min(len(folds[a][measure]), len(folds[b][measure])) > 1
    ]
    known = sorted((row for row in rows if row["p"] is not None), key=lambda row: row["p"])
    largest = 0.0
    for k, row in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - k) * row["p"]))
        row["p_holm"] = largest
    return [{"p_holm": None, **row} for row in rows]


def wilson(hits: int, count: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Interval of a share of `count` (Wilson 1927); 0 to 1 of none."""
    from scipy.special import ndtri

    if count == 0:
        return 0.0, 1.0
    z = float(ndtri((1 + level) / 2))
    share = hits / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)
