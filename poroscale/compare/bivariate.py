"""Pairs of measures: their points, the limits of a common grid, and how far densities overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.density import density, overlap
from poroscale.compare.pore_values import MEASURES, Measure, Pores
from poroscale.compare.voxels import Streamed
from poroscale.kernels.noise import tile_generator
from poroscale.statistics.samples.distances import DRAWS, FEWEST, halves

PAIRS = (
    ("equivalent_diameter_um", "anisotropy"),
    ("equivalent_diameter_um", "long_axis_angle_deg"),
    ("anisotropy", "long_axis_angle_deg"),
    ("long_axis_angle_deg", "long_axis_azimuth_deg"),
    ("theta_rad", "r_star"),
    ("equivalent_diameter_um", "neighbour_distance_um"),
)
Floats = NDArray[np.float64]
Limits = tuple[tuple[float, float], tuple[float, float]]


def pairs_of(names: Sequence[str]) -> Iterator[tuple[Measure, Measure]]:
    """The pairs whose measures are both among `names`."""
    by_name = {measure.name: measure for measure in MEASURES if measure.name in names}
    return ((by_name[a], by_name[b]) for a, b in PAIRS if a in by_name and b in by_name)


def points_of(
    parts: Sequence[Pores], streams: Sequence[Streamed], pair: tuple[Measure, Measure]
) -> tuple[Floats, NDArray[np.int64]]:
    """(n, 2) points of whole pores, logarithms where a measure is shown so, and their windows."""
    points, windows, start = [], [], 0
    for pores, streamed in zip(parts, streams, strict=True):
        both = [_scaled(pores.columns[measure.name], measure) for measure in pair]
        found = np.stack(both, axis=1)
        kept = np.isfinite(found).all(axis=1) & ~pores.cut
        points.append(found[kept])
        windows.append(pores.window[kept] + start)
        start += streamed.windows
    return np.concatenate(points), np.concatenate(windows)


def limits_of(points: Floats) -> Limits:
    """From the 0.5th to the 99.5th percentile along either axis."""
    found = []
    for low, high in np.quantile(points, [0.005, 0.995], axis=0).T:
        found.append((float(low), float(high)) if high > low else (low - 0.5, low + 0.5))
    return found[0], found[1]


def overlap_row(
    pair: tuple[Measure, Measure],
    reference: tuple[Floats, NDArray[np.int64]],
    generated: Floats,
    *,
    windows: int,
    splits: int,
    seed: int,
) -> dict[str, Any] | None:
    """Common mass of two densities: generated and half of the original, and two halves.

    All samples are as large as the smallest of the three; None where that is below `FEWEST`.
    """
    points, window = reference
    limits = limits_of(np.concatenate([points, generated]))
    rng = tile_generator(seed, DRAWS, (1, 0, 0))
    across, within = [], []
    for first, second in halves(windows, splits=splits, seed=seed):
        parts = [points[np.isin(window, first)], points[np.isin(window, second)], generated]
        size = min(map(len, parts))
        if size < FEWEST:
            continue
        drawn = (rng.choice(part, size, replace=False, axis=0) for part in parts)
        a, b, g = (density(part, limits) for part in drawn)
        within.append(overlap(a, b))
        across.append(0.5 * (overlap(a, g) + overlap(b, g)))
    if not within:
        return None
    names = {"x": pair[0].name, "y": pair[1].name, "words": [m.words for m in pair]}
    return names | {"overlap": float(np.mean(across)), "halves": float(np.mean(within))}


def _scaled(values: Floats, measure: Measure) -> Floats:
    if not measure.log:
        return values
    return np.log10(values, out=np.full(len(values), np.nan), where=values > 0)
