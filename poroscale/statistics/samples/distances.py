"""Distances between two samples of one measure, with intervals.

Two halves of the original have fewer values than original and generated part have, and a distance
between finite samples grows as they shrink. So the ratio of the two is taken of samples of equal
size, drawn from equally many windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator

BOOTSTRAP, SPLITS, DRAWS = 400, 401, 402
"""Streams of randomness."""
FEWEST = 8
"""Values of a measure below which it is not compared."""
MOST = 5000
"""Values of a sample in a resample or split: more only cost time."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Values:
    """Values of one measure in one set of parts.

    Attributes
    ----------
    values
        (n,) finite.
    window
        (n,) window that each belongs to, from 0.
    windows
        Number of windows, also of those that hold no value.
    """

    values: Floats
    window: Integers
    windows: int


def wasserstein(a: Floats, b: Floats, *, period: float | None = None) -> float:
    """First Wasserstein distance of two samples, on a circle if `period` is given.

    On a circle it is the integral of |F - G - m|, m the median of F - G around it (Rabin,
    Delon and Gousseau 2011), which no choice of the origin changes.
    """
    if period is None:
        from scipy.stats import wasserstein_distance

        return float(wasserstein_distance(a, b))
    a, b = (np.sort(np.mod(values, period)) for values in (a, b))
    at = np.concatenate([[0.0], np.sort(np.concatenate([a, b])), [period]])
    width = np.diff(at)
    gap: Floats = np.searchsorted(a, at[:-1], "right") / len(a)
    gap -= np.searchsorted(b, at[:-1], "right") / len(b)
    order = np.argsort(gap)
    half = min(int(np.searchsorted(np.cumsum(width[order]), 0.5 * period)), len(gap) - 1)
    return float((np.abs(gap - float(gap[order[half]])) * width).sum())


def kolmogorov_smirnov(a: Floats, b: Floats) -> tuple[float, float]:
    """Largest difference of the two distributions, and its asymptotic p-value."""
    from scipy.stats import ks_2samp

    found = ks_2samp(a, b, method="asymp")
    return float(found.statistic), float(found.pvalue)


def bootstrap_interval(
    a: Floats, b: Floats, *, resamples: int, seed: int, period: float | None = None
) -> tuple[float, float]:
    """Basic 95 % bootstrap interval of the Wasserstein distance.

    Resampling adds to a distance what sampling added to it before; the basic interval takes off
    what the percentile interval would count twice. Of samples larger than `MOST`, that many are
    resampled and the deviations scaled by the root of the ratio.
    """
    whole = wasserstein(a, b, period=period)
    rng = tile_generator(seed, BOOTSTRAP)
    found = np.empty(resamples)
    sizes = [min(len(x), MOST) for x in (a, b)]
    for k in range(resamples):
        drawn = [rng.choice(x, n) for x, n in zip((a, b), sizes, strict=True)]
        found[k] = wasserstein(*drawn, period=period)
    scale = np.sqrt(min(sizes) / min(len(a), len(b)))
    low, high = np.quantile(found - whole, [0.025, 0.975]) * scale
    return max(0.0, whole - float(high)), max(0.0, whole - float(low))


def halves(windows: int, *, splits: int, seed: int) -> Iterator[tuple[Integers, Integers]]:
    """`splits` ways to deal windows into two halves of equal law.

    The first deals them in turn; the others deal each pair of neighbours by chance, so that what
    changes slowly along the part falls to both halves alike.
    """
    pairs = np.arange(2 * (windows // 2)).reshape(-1, 2)
    rng = tile_generator(seed, SPLITS)
    for k in range(splits):
        swap = rng.random(len(pairs)) < 0.5 if k else np.zeros(len(pairs), bool)
        dealt = np.where(swap[:, None], pairs[:, ::-1], pairs)
        yield dealt[:, 0], dealt[:, 1]


def split_distances(
    reference: Values, generated: Values, *, splits: int, seed: int, period: float | None = None
) -> tuple[Floats, Floats]:
    """Wasserstein distances, for each split, generated to original and between two halves.

    Each split compares the two halves of the original, and each half with as many windows of the
    generated parts, all reduced by chance to the size of the smallest. Splits with fewer than two
    values a side are left out.
    """
    rng = tile_generator(seed, DRAWS)
    across, within = [], []
    for first, second in halves(reference.windows, splits=splits, seed=seed):
        wanted = min(len(first), generated.windows)
        chosen = rng.choice(generated.windows, wanted, replace=False)
        parts = [
            reference.values[np.isin(reference.window, first)],
            reference.values[np.isin(reference.window, second)],
            generated.values[np.isin(generated.window, chosen)],
        ]
        size = min(MOST, *map(len, parts))
        if size < 2:
            continue
        a, b, g = (rng.choice(part, size, replace=False) for part in parts)
        within.append(wasserstein(a, b, period=period))
        across.append(0.5 * (wasserstein(a, g, period=period) + wasserstein(b, g, period=period)))
    return np.array(across), np.array(within)


def ratio_of(across: float, within: float) -> float:
    """`across` over `within`; 1 where both are zero, infinite where only the latter is."""
    if within > 0:
        return across / within
    return 1.0 if across <= 0 else float("inf")
