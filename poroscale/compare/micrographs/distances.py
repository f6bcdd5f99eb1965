"""Distances between two sets of chips in the space of a feature, with halves and intervals.

A distance of finite samples is never zero. So that of generated to real chips stands beside that of
two halves of the real chips, with equal numbers. Halves and resamples draw specimens as wholes,
because the chips of one are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.samples import Floats, MicrographSample
from poroscale.kernels.noise import tile_generator
from poroscale.statistics.samples.distances import halves, ratio_of

DIRECTIONS, RESAMPLES, DRAWN = 750, 751, 752
"""Streams of the directions, of the bootstrap, and of the chips that make sizes equal."""
QUANTILES = 128
"""Quantiles at which projections are compared."""
MOST_KERNEL = 500
"""Rows of either side of a kernel distance: it grows with their product."""
FEATURES = {
    "persistence": "persistence images (H1)",
    "areas": "area above ten grey levels",
    "patches": "patches of 7 x 7 pixels",
}
Distance = Callable[[Floats, Floats], float]


@dataclass(frozen=True)
class MicrographDistance:
    """A distance of generated to real chips of a setting.

    Attributes
    ----------
    name, feature
        Of the distance, and of what it compares.
    value, low, high
        Mean over the splits of generated chips to either half, and its 95 % bootstrap interval.
    halves
        Mean over the splits of one half to the other.
    ratio
        The first over the second.
    """

    name: str
    feature: str
    value: float
    low: float
    high: float
    halves: float
    ratio: float


def sliced_distance(a: Floats, b: Floats, directions: Floats) -> float:
    """Sliced-Wasserstein distance of samples (n, d) and (m, d): mean over directions (k, d).

    That of each direction is the mean difference of 128 quantiles of the projections.
    """
    one, other = (_quantiles(each @ directions.T) for each in (a, b))
    return float(np.abs(one - other).mean())


def _quantiles(values: Floats) -> Floats:
    """(128, k) of each column: sorting takes a third of the time of `numpy.quantile`."""
    ranks = (np.arange(QUANTILES) + 0.5) / QUANTILES * len(values)
    return np.asarray(np.sort(values, axis=0)[ranks.astype(np.int64)])


def kernel_distance(a: Floats, b: Floats) -> float:
    """Root of the squared maximum mean discrepancy of two samples.

    The kernel is the polynomial of Binkowski et al. (2018), (x·y / d + 1)³, of features that are
    scaled by the root of the mean variance of the first sample. Theirs is the unbiased estimate,
    which may be zero for two halves. The plain one is positive, and its bias is the same wherever
    both sides have as many rows.
    """
    scale = max(float(np.sqrt(a.var(axis=0).mean())), 1e-12)
    middle = a.mean(axis=0)
    first, second = ((_thinned(each) - middle) / scale for each in (a, b))
    width = a.shape[1]
    aa, bb, ab = (
        (x @ y.T / width + 1) ** 3 for x, y in ((first, first), (second, second), (first, second))
    )
    return float(np.sqrt(max(0.0, aa.mean() + bb.mean() - 2 * ab.mean())))


def _thinned(rows: Floats) -> Floats:
    """At most `MOST_KERNEL` rows, spread evenly."""
    return rows[np.linspace(0, len(rows) - 1, min(MOST_KERNEL, len(rows))).astype(np.int64)]


def average_distance(a: Floats, b: Floats) -> float:
    """Euclidean distance of the averages of two samples, over the length of the first average."""
    one, other = a.mean(axis=0), b.mean(axis=0)
    return float(np.linalg.norm(one - other) / max(float(np.linalg.norm(one)), 1e-12))


def distance_of(name: str, width: int, config: CompareSemConfig) -> Distance:
    """The distance of a name: "sliced_wasserstein", "kernel" or "average"."""
    if name == "sliced_wasserstein":
        rng = tile_generator(config.seed, DIRECTIONS)
        drawn = rng.standard_normal((config.directions, width))
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        return lambda a, b: sliced_distance(a, b, drawn)
    return {"kernel": kernel_distance, "average": average_distance}[name]


def compared_distance(
    name: str,
    feature: str,
    real: MicrographSample,
    generated: MicrographSample,
    config: CompareSemConfig,
) -> MicrographDistance:
    """A distance with halves and interval; for the parameters see `MicrographDistance`."""
    distance = distance_of(name, getattr(real, feature).shape[-1], config)
    rng = tile_generator(config.seed, DRAWN)
    across, within = [], []
    count = int(real.units.max()) + 1
    for first, second in halves(count, splits=config.splits, seed=config.seed):
        parts = [np.flatnonzero(np.isin(real.units, each)) for each in (first, second)]
        size = min(*map(len, parts), len(generated))
        a, b = (real.feature(feature, rng.permutation(each)[:size]) for each in parts)
        g = generated.feature(feature, rng.permutation(len(generated))[:size])
        within.append(distance(a, b))
        across.append(0.5 * (distance(a, g) + distance(b, g)))
    value, base = float(np.mean(across)), float(np.mean(within))
    low, high = _interval(distance, feature, (real, generated), config)
    return MicrographDistance(
        name,
        feature,
        value,
        max(0.0, value + low),
        value + high,
        base,
        ratio_of(value, base),
    )


def _interval(
    distance: Distance,
    feature: str,
    sides: tuple[MicrographSample, MicrographSample],
    config: CompareSemConfig,
) -> tuple[float, float]:
    """What a 95 % interval has below and above: basic bootstrap of the units of both sides."""
    rng = tile_generator(config.seed, RESAMPLES)
    whole = distance(*(each.feature(feature, np.arange(len(each))) for each in sides))
    found = np.empty(config.resamples)
    for k in range(config.resamples):
        drawn = [each.feature(feature, resampled_units(each.units, rng)) for each in sides]
        found[k] = distance(drawn[0], drawn[1]) - whole
    # Resampling adds to a distance what sampling has added before.
    centred = found - np.median(found)
    low, high = np.quantile(centred, [0.025, 0.975])
    return -float(high), -float(low)


def resampled_units(units: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of the chips of as many units, drawn with replacement, as there are."""
    order = np.argsort(units, kind="stable")
    starts = np.searchsorted(units[order], np.arange(int(units.max()) + 2))
    chosen = rng.integers(0, len(starts) - 1, len(starts) - 1)
    return np.concatenate([order[starts[k] : starts[k + 1]] for k in chosen])


def largest_resamples(units: Sequence[NDArray[np.int64]], config: CompareSemConfig) -> list[int]:
    """Most chips of each side in the samples of an interval; not fewer than the side has.

    A unit that has more chips than the others may be drawn several times.
    """
    rng = tile_generator(config.seed, RESAMPLES)
    drawn = [[len(resampled_units(each, rng)) for each in units] for _ in range(config.resamples)]
    return [
        max(len(own), *found) for own, found in zip(units, zip(*drawn, strict=True), strict=True)
    ]


def bootstrap_mean(
    values: Floats, units: NDArray[np.int64], config: CompareSemConfig
) -> tuple[float, float, float]:
    """Mean of a value of each chip, and its 95 % percentile interval over units."""
    rng = tile_generator(config.seed, RESAMPLES)
    means = [values[resampled_units(units, rng)].mean() for _ in range(config.resamples)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def mean_apart(features: Floats, units: NDArray[np.int64], seed: int, pairs: int = 2000) -> float:
    """Diversity: mean Euclidean distance of pairs of chips of different units; NaN of one unit."""
    rng = tile_generator(seed, DRAWN)
    a, b = rng.integers(0, len(features), (2, pairs))
    apart = units[a] != units[b]
    if not apart.any():
        return float("nan")
    return float(np.linalg.norm(features[a[apart]] - features[b[apart]], axis=1).mean())
