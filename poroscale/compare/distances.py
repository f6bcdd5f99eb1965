"""How far two distributions are apart, and how far two halves of the first are.

A distance between samples is never zero, and the smaller the samples the larger it is. So a half
of the original is compared with as many pores of the generated parts, and with its other half;
halves are made of whole windows along z, drawn at random, and distances are means over many draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator

Floats = NDArray[np.float64]
STREAM = 400
MOST = 20_000
"""Pores of either side that are looked at; more tell nothing new."""
LEAST = 8


@dataclass(frozen=True)
class Distance:
    """The distance of one measure between original and generated pores.

    Attributes
    ----------
    counts
        Pores of either side that have the measure.
    ks, p
        Kolmogorov-Smirnov statistic and p value over all pores.
    wasserstein
        Over all pores, in the measure's unit.
    interval
        Its 95 % bootstrap interval over windows.
    to_generated, to_itself
        Mean Wasserstein distance of half of the original to as many generated pores, and to its
        other half.
    """

    counts: tuple[int, int]
    ks: float
    p: float
    wasserstein: float
    interval: tuple[float, float]
    to_generated: float
    to_itself: float

    @property
    def ratio(self) -> float:
        """Distance to the generated over the distance to itself; 1 for equal laws."""
        return self.to_generated / self.to_itself if self.to_itself > 0 else float("inf")

    def as_json(self) -> dict[str, Any]:
        """All of it, with the ratio."""
        return {**asdict(self), "ratio": self.ratio if np.isfinite(self.ratio) else None}


def distance(
    original: Mapping[str, NDArray[Any]],
    generated: Mapping[str, NDArray[Any]],
    name: str,
    *,
    draws: int = 40,
    seed: int = 0,
) -> Distance | None:
    """The distance of the measure `name`; None where either side has fewer than eight values.

    Parameters
    ----------
    original, generated
        Tables as `join_pores` gives them.
    name
        The measure.
    draws
        Of halves, and of the bootstrap.
    seed
        Of these.
    """
    from scipy.stats import ks_2samp, wasserstein_distance

    first, first_window = _known(original, name)
    second, second_window = _known(generated, name)
    if min(len(first), len(second)) < LEAST:
        return None
    generator = tile_generator(seed, STREAM)
    test = ks_2samp(first, second)
    resampled = [
        wasserstein_distance(
            _resampled(first, first_window, generator), _resampled(second, second_window, generator)
        )
        for _ in range(draws)
    ]
    pairs = [_halves(first, first_window, second, generator) for _ in range(draws)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Distance(
        (len(first), len(second)),
        float(test.statistic),
        float(test.pvalue),
        float(wasserstein_distance(first, second)),
        (float(low), float(high)),
        float(np.mean([wasserstein_distance(half, made) for half, _, made in pairs])),
        float(np.mean([wasserstein_distance(half, other) for half, other, _ in pairs])),
    )


def _known(table: Mapping[str, NDArray[Any]], name: str) -> tuple[Floats, NDArray[np.int64]]:
    keep = np.flatnonzero(np.isfinite(table[name]))
    keep = keep[:: max(1, -(-len(keep) // MOST))]
    return table[name][keep], table["window"][keep]


def _resampled(values: Floats, window: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """Windows drawn with replacement."""
    order = np.argsort(window, kind="stable")
    numbers, start = np.unique(window[order], return_index=True)
    stop = np.append(start[1:], len(order))
    drawn = generator.integers(len(numbers), size=len(numbers))
    return np.concatenate([values[order[start[i] : stop[i]]] for i in drawn])


def _halves(
    values: Floats, window: NDArray[np.int64], other: Floats, generator: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Half of the windows, the other half, and as many of the other values."""
    numbers = np.unique(window)
    if len(numbers) < 4:  # too few windows to share out: pores one by one
        chosen = generator.permutation(len(values)) < len(values) // 2
    else:
        chosen = np.isin(window, generator.permutation(numbers)[: len(numbers) // 2])
    half, rest = values[chosen], values[~chosen]
    if not len(half) or not len(rest):
        half, rest = values[::2], values[1::2]
    count = min(len(rest), len(other))
    return half, rest, other[generator.permutation(len(other))[:count]]


def covariance_error(
    original: Mapping[str, NDArray[Any]], generated: Mapping[str, NDArray[Any]], name: str
) -> float | None:
    """Error of the covariance of a measure with the local roughness (eq. A.1).

    The mean over the 2 x 2 matrix of the squared differences (the print leaves the square out),
    both quantities in standard deviations of the original. None without pores near the surface.
    """

    def pairs(table: Mapping[str, NDArray[Any]]) -> Floats:
        both = np.stack([table["local_roughness_um"], table[name]])
        return np.asarray(both[:, np.isfinite(both).all(axis=0)])

    first, second = pairs(original), pairs(generated)
    if min(first.shape[1], second.shape[1]) < LEAST:
        return None
    spread = first.std(axis=1, keepdims=True)
    if not (spread > 0).all():
        return None
    difference = np.cov(second / spread) - np.cov(first / spread)
    return float((difference**2).mean())
