"""Appendix B: the influence of the number of bins across the part on the places of the pores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.statistics.samples.distances import wasserstein

BINS = (5, 10, 20, 30, 50, 100)
Table = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ablation:
    """Pores of the original and of parts generated with other numbers of bins.

    Attributes
    ----------
    original
        (n, 2) positions (y, x) [um].
    generated
        Positions of the generated pores for each number of bins.
    rows
        JSON: per number of bins the Wasserstein distances of x, of y and of the distance from the
        middle [um], and the share of pores beyond the outermost pore of the original.
    """

    original: Floats
    generated: dict[int, Floats]
    rows: list[dict[str, Any]]


def ablate_bins(
    table: Table, generate: Callable[[int], Table], *, bins: Sequence[int] = BINS
) -> Ablation:
    """Generate pores with each number of bins and compare where they lie.

    Parameters
    ----------
    table
        Pores of the original: `centroid_y_um` and `centroid_x_um`.
    generate
        Function from N_b to a table with the same columns.
    bins
        Numbers of bins N_b.

    Raises
    ------
    ValueError
        If a table has no pores.
    """
    original = _positions(table, "the original")
    middle = original.mean(axis=0)
    reach = _distance(original, middle)
    generated, rows = {}, []
    for count in bins:
        found = _positions(generate(count), f"N_b = {count}")
        far = _distance(found, middle)
        generated[count] = found
        rows.append(
            {
                "bins": count,
                "y_um": wasserstein(original[:, 0], found[:, 0]),
                "x_um": wasserstein(original[:, 1], found[:, 1]),
                "radius_um": wasserstein(reach, far),
                "beyond": float((far > reach.max()).mean()),
            }
        )
    return Ablation(original, generated, rows)


def _positions(table: Table, what: str) -> Floats:
    found = np.stack([np.asarray(table[f"centroid_{a}_um"], np.float64) for a in "yx"], axis=1)
    if not len(found):
        raise ValueError(f"a table of the ablation must have pores, got none for {what}")
    return found


def _distance(points: Floats, middle: Floats) -> Floats:
    return np.hypot(*(points - middle).T)
