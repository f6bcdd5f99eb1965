"""Biases on the scores of phases, which set the fractions of a generator of SliceGAN.

As published a voxel belongs to the phase with the largest share, and the fractions are what the
training has come to. Here a bias is added to the scores of each phase. It is fitted on the scores
of a reference sample, which belongs to the model: the volume that is made is never looked at, so
that its parts may be made in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.microstructure.shares import LEAST, Gradient, MaskedShare, Shares, with_fraction
from poroscale.volume import Index, Shape

Floats = NDArray[np.float32]
SWEEPS = 200
"""Rounds over the phases at most."""
FEWER = 32_768
"""Voxels of the sample from which each of them is fitted: the places of a sample are random."""
GRID = 33
"""Fractions between which the biases of a varying fraction are interpolated."""


def fitted_biases(
    sample: Floats,
    fractions: Sequence[float],
    start: Sequence[float] | None = None,
    *,
    least: float = 1e-6,
) -> tuple[float, ...]:
    """Biases by phase, the first zero, with which a sample has the wanted fractions.

    One phase after the other takes the quantile of the margin by which it loses that gives it its
    fraction, until none changes.

    Parameters
    ----------
    sample
        float32 (voxels, phases) scores.
    fractions
        By phase; positive.
    start
        Biases to begin with.
    least
        A smaller change of all biases ends the search.
    """
    scores = np.asarray(sample, np.float64)
    biases = np.zeros(scores.shape[1]) if start is None else np.array(start, np.float64)
    for _ in range(SWEEPS):
        before = biases.copy()
        for code in range(1, len(biases)):
            others = np.delete(scores + biases, code, axis=1).max(axis=1)
            biases[code] = np.quantile(others - scores[:, code], fractions[code])
        if np.abs(biases - before).max() < least:
            break
    return tuple(float(each) for each in biases)


@dataclass(frozen=True)
class PhaseBiases:
    """Biases of all phases: everywhere the same, or by a fraction that varies.

    Attributes
    ----------
    values
        By phase, where nothing varies.
    varying
        Sampler of the fraction that varies; None if none does.
    shares
        Ascending fractions of the table.
    table
        For each of them, the biases by phase.
    """

    values: tuple[float, ...]
    varying: Gradient | MaskedShare | None = None
    shares: tuple[float, ...] = ()
    table: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, sample: Floats, shares: Shares) -> PhaseBiases:
        """The biases that give wanted fractions on a reference sample."""
        values = fitted_biases(sample, shares.fractions)
        if shares.varying is None or shares.phase is None:
            return cls(values)
        ends = np.log(LEAST / (1 - LEAST))
        grid = 1 / (1 + np.exp(-np.linspace(ends, -ends, GRID)))
        table: list[tuple[float, ...]] = []
        for share in grid:
            wanted = with_fraction(shares.fractions, shares.phase, float(share))
            start = table[-1] if table else values
            table.append(fitted_biases(sample[:FEWER], wanted, start, least=1e-3))
        return cls(values, shares.varying, tuple(map(float, grid)), tuple(table))

    def of_box(self, origin: Index, shape: Shape) -> list[float | Floats]:
        """By phase a number, or an array that broadcasts to the box."""
        if self.varying is None:
            return list(self.values)
        here = np.asarray(self.varying(origin, shape), np.float64)
        columns = np.array(self.table).T
        return [np.interp(here, self.shares, each).astype(np.float32) for each in columns]

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What it is, as JSON."""
        varying = None if self.varying is None else dict(self.varying.recipe)
        return {
            "values": list(self.values),
            "varying": varying,
            "shares": list(self.shares),
            "table": [list(each) for each in self.table],
        }
