"""S2, the probability that two points of the part a distance apart both lie in pores.

Numerator and denominator are sums over pairs of voxels that both lie in the part, so that its
outline has no share in the result. A block counts the pairs that begin in it; the sums of all
blocks are the sums of the volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.phases.pair_counts import PART, PairFrame, pair_counts
from poroscale.statistics.correlation import sums_by_distance
from poroscale.statistics.phases import PhaseMap
from poroscale.volume import PHASES, Index, Shape, Volume

CORE = 64
"""Edge of a block [voxels]."""
MOST_BLOCKS = 48
"""Blocks of a volume that are counted, spread evenly."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Pairs by lag, for each block.

    Attributes
    ----------
    pore, part
        (blocks, lags) pairs of which both voxels are pore, or part, at lags 0, 1, 2 ... voxels.
    """

    pore: Floats
    part: Floats

    def probability(self, chosen: NDArray[np.int64] | slice = slice(None)) -> Floats:
        """(lags,) S2 of the chosen blocks; NaN at lags that no pair has."""
        pore, part = self.pore[chosen].sum(axis=0), self.part[chosen].sum(axis=0)
        return np.divide(pore, part, out=np.full(len(part), np.nan), where=part > 0.5)


def count_pairs(phases: Volume, lag: int, *, most: int = MOST_BLOCKS) -> Pairs:
    """Pairs up to `lag` voxels in blocks of a volume, with cubic voxels.

    Parameters
    ----------
    lag
        Largest lag [voxels].
    most
        Blocks to count at most; the blocks are in the order of z.
    """
    corners = _corners(phases.shape)
    if len(corners) > most:
        corners = [corners[k] for k in np.linspace(0, len(corners) - 1, most).round().astype(int)]
    found = [_pairs_of_block(phases, corner, lag) for corner in corners]
    return Pairs(np.stack([p for p, _ in found]), np.stack([n for _, n in found]))


def _corners(shape: Shape) -> list[Index]:
    z, y, x = (range(0, n, CORE) for n in shape)
    return [(i, j, k) for i in z for j in y for k in x]


def _pairs_of_block(phases: Volume, corner: Index, lag: int) -> tuple[Floats, Floats]:
    low = tuple(max(0, c - lag) for c in corner)
    high = tuple(min(n, c + CORE + lag) for c, n in zip(corner, phases.shape, strict=True))
    shape = tuple(b - a for a, b in zip(low, high, strict=True))
    box = phases.read((low[0], low[1], low[2]), (shape[0], shape[1], shape[2]))
    z, y, x = (min(CORE, n - c) for n, c in zip(phases.shape, corner, strict=True))
    before = (corner[0] - low[0], corner[1] - low[1], corner[2] - low[2])
    after = (shape[0] - z - before[0], shape[1] - y - before[1], shape[2] - x - before[2])
    frame = PairFrame((z, y, x), before, after, (lag, lag, lag))
    codes = PhaseMap((PHASES["pore"],), PHASES["outside"], rest=True).codes(box)
    pore, part = pair_counts(codes, [(0, 0), (PART, PART)], frame)
    voxel = (1.0, 1.0, 1.0)
    return sums_by_distance(pore, voxel, lag), sums_by_distance(part, voxel, lag)
