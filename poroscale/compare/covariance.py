"""The covariance of local roughness and pores, and its error (Appendix A, eq. A.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.pore_values import MEASURES, PAIRED, Pores
from poroscale.compare.voxels import Streamed
from poroscale.statistics.samples.distances import halves, ratio_of

_WORDS = {measure.name: measure.words for measure in MEASURES}
FEWEST = 10
"""Pores near the surface below which a covariance says nothing."""

Floats = NDArray[np.float64]


def covariance_error(found: Floats, true: Floats) -> float:
    """Mean squared difference of two covariance matrices (2, 2).

    Eq. A.1 of the porosity-generator paper prints the differences without the square, with which
    errors of opposite sign would cancel.
    """
    return float(np.mean((found - true) ** 2))


def covariance_rows(
    reference: Sequence[Pores],
    generated: Sequence[Pores],
    streams: Sequence[Streamed],
    *,
    splits: int,
    seed: int,
) -> list[dict[str, Any]]:
    """One row per measure: eq. A.1 for generated parts and between halves of the original.

    Parameters
    ----------
    streams
        Streams of the reference, for its windows.

    Returns
    -------
    list of dict
        `error` in the paper's units (um for δr), `scaled` with δr and the measure over their
        standard deviations in the original, `halves` the same between two halves, `correlation`
        of both sides. Empty where no surface was measured.
    """
    rows = []
    for name in PAIRED:
        true, window = _pairs(name, reference, streams)
        found, _ = _pairs(name, generated, None)
        if min(len(true), len(found)) < FEWEST:
            continue
        scale = true.std(axis=0)
        if not scale.all():
            continue
        within = [
            covariance_error(np.cov(a.T), np.cov(b.T))
            for a, b in _halves(true / scale, window, streams, splits=splits, seed=seed)
        ]
        scaled = covariance_error(np.cov((found / scale).T), np.cov((true / scale).T))
        self_error = float(np.mean(within)) if within else float("nan")
        rows.append(
            {
                "name": name,
                "words": _WORDS[name],
                "pores": [len(true), len(found)],
                "error": covariance_error(np.cov(found.T), np.cov(true.T)),
                "scaled": scaled,
                "halves": self_error,
                "ratio": ratio_of(scaled, self_error),
                "correlation": [_correlation(true), _correlation(found)],
            }
        )
    return rows


def _pairs(
    name: str, parts: Sequence[Pores], streams: Sequence[Streamed] | None
) -> tuple[Floats, NDArray[np.int64]]:
    """(n, 2) local roughness and measure of the pores near the surface, and their windows."""
    pairs, windows, start = [], [], 0
    for k, pores in enumerate(parts):
        columns: Mapping[str, Floats] = pores.columns
        value = columns.get(name, np.full(len(pores.window), np.nan))
        pair = np.stack([columns["roughness_um"], value], axis=1)
        kept = np.isfinite(pair).all(axis=1) & ~pores.cut
        pairs.append(pair[kept])
        windows.append(pores.window[kept] + start)
        start += streams[k].windows if streams else 0
    return np.concatenate(pairs), np.concatenate(windows)


def _halves(
    pairs: Floats,
    window: NDArray[np.int64],
    streams: Sequence[Streamed],
    *,
    splits: int,
    seed: int,
) -> list[tuple[Floats, Floats]]:
    windows = sum(streamed.windows for streamed in streams)
    dealt = (
        (pairs[np.isin(window, a)], pairs[np.isin(window, b)])
        for a, b in halves(windows, splits=splits, seed=seed)
    )
    return [(a, b) for a, b in dealt if min(len(a), len(b)) > 2]


def _correlation(pairs: Floats) -> float:
    if not pairs.std(axis=0).all():
        return float("nan")
    return float(np.asarray(np.corrcoef(pairs.T))[0, 1])
