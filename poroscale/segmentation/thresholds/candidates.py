"""Kernels from grey values or scores to phases, and the rule by which components stay pores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.closing import close_ball
from poroscale.kernels.grey.levels import levels_of
from poroscale.kernels.learning.score_levels import score_levels
from poroscale.volume import PHASES, VoxelSize

if TYPE_CHECKING:
    import pandas as pd

OUTSIDE, SOLID, PORE = PHASES["outside"], PHASES["solid"], PHASES["pore"]
WEAK, OPEN = 3, 4
"""Candidates besides the phases: dark enough to grow a pore, and outside within the closing."""


@kernel("segment.KeepPores")
@dataclass(frozen=True)
class KeepPores:
    """Components that are pores: large enough, and with a voxel below the threshold itself."""

    min_voxels: int = 9
    min_extent: int = 1

    def __call__(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """bool (n,) from the integers of each component."""
        keep = (table["voxel_count"] >= self.min_voxels) & (table["marked"] > 0)
        for axis in "zyx":
            keep &= table[f"{axis}1"] - table[f"{axis}0"] >= self.min_extent
        return keep.to_numpy()


@kernel("segment.is_marked")
def is_marked(table: pd.DataFrame) -> NDArray[np.bool_]:
    """The components that hold a seed; bool (n,)."""
    return (table["marked"] > 0).to_numpy()


@kernel("segment.rank_voxels")
def rank_voxels(
    grey: NDArray[Any], circle: NDArray[Any], *, levels: list[float]
) -> NDArray[np.uint8]:
    """Number of the ascending `levels` that each voxel exceeds; 0 beyond the circle.

    `rank <= k` says `grey <= levels[k]`: what several thresholds need of a scan, in one byte.
    """
    known = levels_of(grey.dtype)
    if known is not None:
        table = np.searchsorted(levels, known.centres, side="left").astype(np.uint8)
        ranks = table[grey if known.first == 0 else grey.astype(np.int64) - int(known.first)]
    else:
        ranks = np.zeros(grey.shape, np.uint8)
        for level in levels:
            ranks += grey > level
    if not circle.all():
        ranks[~circle] = 0
    return ranks


@kernel("segment.dark_voxels")
def dark_voxels(
    grey: NDArray[Any], circle: NDArray[Any], seeds: NDArray[Any], *, level: float
) -> NDArray[np.uint8]:
    """Dark voxels, and all beyond the reconstruction circle; seeds among them are marked."""
    dark = grey <= level
    if not circle.all():
        dark |= ~circle
    foreground = dark.view(np.uint8)
    if seeds.any():
        foreground = foreground * (1 + seeds.astype(np.uint8))
    return foreground


@kernel("segment.candidate_phases")
def candidate_phases(
    ranks: NDArray[Any],
    outside: NDArray[Any],
    *,
    inner: int,
    weak: int,
    close_um: float,
    voxel_size: VoxelSize,
) -> NDArray[np.uint8]:
    """Phases before small pores are removed, with `WEAK` and `OPEN` voxels apart."""
    phases = np.full(ranks.shape, SOLID, np.uint8)
    if weak > inner:
        phases[ranks <= weak] = WEAK
    phases[ranks <= inner] = PORE
    phases[outside] = OUTSIDE
    if close_um:
        closed = close_ball(~outside, radius=close_um, voxel_size=voxel_size)
        phases[closed & outside] = OPEN
    return phases


RANK_STRONG, RANK_WEAK, RANK_NONE = 0, 1, 2
"""Ranks of a voxel's score: at least the threshold, within the hysteresis below it, less."""


@kernel("segment.score_candidates")
def score_candidates(
    scores: NDArray[Any],
    outside: NDArray[Any],
    *,
    level: int,
    weak: int,
    close_um: float,
    voxel_size: VoxelSize,
) -> NDArray[np.uint8]:
    """`candidate_phases` of scores: pore from `level` on, growing from `weak` on."""
    levels = score_levels(scores)
    ranks = np.full(scores.shape, RANK_NONE, np.uint8)
    ranks[levels >= weak] = RANK_WEAK
    ranks[levels >= level] = RANK_STRONG
    grown = RANK_WEAK if weak < level else RANK_STRONG
    return candidate_phases(
        ranks, outside, inner=RANK_STRONG, weak=grown, close_um=close_um, voxel_size=voxel_size
    )


_PORE_CODES = np.array([0, 0, 2, 1, 2], np.uint8)


@kernel("segment.beyond")
def beyond(part: NDArray[Any]) -> NDArray[np.bool_]:
    """True where phases, or a mask of the part, are 0."""
    return part == 0


@kernel("segment.strong_and_weak")
def strong_and_weak(candidates: NDArray[Any]) -> NDArray[np.uint8]:
    """Pore candidates as foreground; those below the threshold itself are marked."""
    return _PORE_CODES[candidates]


@kernel("segment.settle")
def settle(candidates: NDArray[Any], kept: NDArray[Any]) -> NDArray[np.uint8]:
    """Candidates that are no pores become solid."""
    phases = np.minimum(candidates, SOLID)
    phases[kept] = PORE
    return phases
