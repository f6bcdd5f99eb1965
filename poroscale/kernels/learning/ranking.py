"""Measures of how well scores rank pore voxels above solid ones, from the counts of each score.

Voxels of equal score are tied: a threshold takes all of them or none. Then the area under the
receiver operating characteristic is the probability that a pore voxel has the higher score, a tie
counting half (Hanley and McNeil 1982), and the average precision is the sum of precisions, each
weighted by the recall that its threshold adds, without interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Ranking:
    """Counts of the scores that occur.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        The scores, ascending.
    solid, pore : ndarray of int64, shape (n,)
        Voxels of either truth that have each score; both have some.
    """

    values: FloatArray
    solid: IntArray
    pore: IntArray

    @classmethod
    def of(cls, values: FloatArray, counts: IntArray, *, what: str = "truth") -> Ranking:
        """From counts (2, levels) of solid and of pore voxels; only scores that occur are kept.

        `what` names the truth in the error.

        Raises
        ------
        ValueError
            If there are no pore voxels, or none of solid.
        """
        for name, count in zip(("solid", "pore"), counts, strict=True):
            if not count.any():
                raise ValueError(f"{what} must hold pore and solid voxels, got no {name} voxel")
        seen = counts.any(axis=0)
        return cls(values[seen], counts[0, seen], counts[1, seen])

    @property
    def porosity(self) -> float:
        """Share of the pore voxels: the average precision of scores that tell nothing."""
        return int(self.pore.sum()) / int(self.pore.sum() + self.solid.sum())

    @property
    def true_positives(self) -> IntArray:
        """Pore voxels with at least each score, from the highest score on."""
        return np.cumsum(self.pore[::-1])

    @property
    def false_positives(self) -> IntArray:
        """Solid voxels with at least each score, from the highest score on."""
        return np.cumsum(self.solid[::-1])

    @property
    def roc_auc(self) -> float:
        """Area under the receiver operating characteristic; summed in integers."""
        below = 0
        twice = 0
        for solid, pore in zip(self.solid.tolist(), self.pore.tolist(), strict=True):
            twice += pore * (2 * below + solid)
            below += solid
        return twice / (2 * below * int(self.pore.sum()))

    @property
    def average_precision(self) -> float:
        """Sum over thresholds of (recall that it adds) x precision."""
        taken = self.true_positives + self.false_positives
        terms = self.pore[::-1] * (self.true_positives / taken)
        return fsum(terms.tolist()) / int(self.pore.sum())

    def curves(self) -> dict[str, FloatArray | IntArray]:
        """One entry per score that occurs, from the highest on: voxels of at least it are pores.

        Returns
        -------
        dict of ndarray, shape (n,)
            `threshold`, `true_positives`, `false_positives`, `recall`, `precision`,
            `false_positive_rate`, `dice`.
        """
        true, false = self.true_positives, self.false_positives
        pores = int(self.pore.sum())
        return {
            "threshold": self.values[::-1].copy(),
            "true_positives": true,
            "false_positives": false,
            "recall": true / pores,
            "precision": true / (true + false),
            "false_positive_rate": false / int(self.solid.sum()),
            "dice": 2 * true / (true + false + pores),
        }

    def at(self, threshold: float) -> dict[str, Any]:
        """Recall, precision, Dice and intersection over union of the scores of at least this."""
        taken = self.values >= threshold
        true, false = int(self.pore[taken].sum()), int(self.solid[taken].sum())
        pores = int(self.pore.sum())
        return {
            "threshold": threshold,
            "recall": true / pores,
            "precision": true / (true + false) if true + false else None,
            "false_positive_rate": false / int(self.solid.sum()),
            "dice": 2 * true / (true + false + pores),
            "intersection_over_union": true / (false + pores),
        }

    @property
    def best_threshold(self) -> float:
        """The score of largest Dice; the highest one of several."""
        return float(self.values[::-1][int(np.argmax(self.curves()["dice"]))])
