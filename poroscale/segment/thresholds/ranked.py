"""Pores at one inner threshold, and at others near it, from one reading of the scan.

What several thresholds need of a scan fits one byte a voxel: how many of them it exceeds. The
scan is read once more to store these ranks; floods and candidates of all thresholds read ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.engine import (
    Components,
    Halo,
    Labelled,
    Run,
    count_components,
    label_blocks,
    map_blocks,
)
from poroscale.kernels.closing import closing_halo
from poroscale.segment.thresholds.candidates import (
    OUTSIDE,
    KeepPores,
    candidate_phases,
    dark_voxels,
    is_marked,
    rank_voxels,
    strong_and_weak,
)
from poroscale.segment.thresholds.config import OtsuConfig
from poroscale.segment.thresholds.fields import FloodSeeds, ReconstructionCircle
from poroscale.segment.thresholds.histogram import grey_histogram
from poroscale.volume import FieldSampler, Volume

CLOSING_BYTES, FLAT_BYTES = 14.0, 4.0
"""Temporary bytes per voxel: two distance transforms; masks."""


@dataclass(frozen=True)
class Thresholds:
    """The two thresholds, and how they came about.

    Attributes
    ----------
    outer, inner
        Grey values; what does not exceed them is the dark side.
    rule
        How the inner one was found: "otsu", "iso50" or "manual".
    contrast
        Grey values between the outside and the peak of the solid.
    warnings
        What a reader of the result should know.
    """

    outer: float
    inner: float
    rule: str
    contrast: float
    warnings: tuple[str, ...]

    def shifted(self, shift: float) -> float:
        """The inner threshold moved by a fraction of the contrast."""
        return self.inner + shift * self.contrast


def flood_outside(
    inputs: Sequence[Volume | FieldSampler],
    out: Path,
    *,
    config: OtsuConfig,
    level: float,
    run: Run,
) -> Volume:
    """The dark components that hold a seed; bool, true outside.

    Parameters
    ----------
    inputs
        Grey values or ranks, the reconstruction circle, the seeds.
    out
        Folder of the mask.
    config
        Connectivity.
    level
        Values up to it are dark.
    run
        How to run.
    """
    dark = Components(
        dark_voxels,
        connectivity=config.connectivity,
        parameters={"level": level},
        keep=is_marked,
    )
    return label_blocks(dark, inputs, out, dtype=bool, run=run).volume


def rank_grey(
    grey: Volume,
    circle: ReconstructionCircle,
    found: Thresholds,
    *,
    config: OtsuConfig,
    work: Path,
    run: Run,
) -> Ranked:
    """Store the ranks of a scan among all the thresholds that will be asked."""
    inner = {found.shifted(shift) for shift in (0.0, *config.sensitivity)}
    levels = {found.outer, *inner, *(level + config.hysteresis for level in inner)}
    ascending = sorted(levels)
    ranks = map_blocks(
        rank_voxels,
        (grey, circle),
        work / "ranks.zarr",
        dtype=np.uint8,
        parameters={"levels": ascending},
        bytes_per_voxel=FLAT_BYTES,
        run=run,
    )
    return Ranked(ranks, tuple(ascending), found.outer, config, work, run)


@dataclass(frozen=True)
class Ranked:
    """A scan as ranks among ascending thresholds."""

    ranks: Volume
    levels: tuple[float, ...]
    outer: float
    config: OtsuConfig
    work: Path
    run: Run

    def pores_at(self, inner: float) -> tuple[Volume, Labelled]:
        """Candidates, and the mask of those that are pores, at one inner threshold."""
        candidates = self._candidates(inner)
        out = self.work / "pores.zarr"
        return candidates, label_blocks(self._pores, candidates, out, dtype=bool, run=self.run)

    def numbers_at(self, inner: float) -> dict[str, Any]:
        """Porosity and number of pores at one inner threshold."""
        candidates = self._candidates(inner)
        everywhere = ReconstructionCircle(candidates.shape, whole=True)
        journal = self.work / f"codes-{self._index(inner)}"
        codes = grey_histogram(candidates, everywhere, journal=journal, run=self.run).inside
        part_voxels = int(codes.sum() - codes[OUTSIDE])
        journal = self.work / f"count-{self._index(inner)}"
        pores = count_components(self._pores, candidates, journal=journal, run=self.run)
        return {
            "threshold": inner,
            "part_voxels": part_voxels,
            "porosity": int(pores["voxel_count"].sum()) / max(1, part_voxels),
            "pore_count": len(pores),
        }

    @property
    def _pores(self) -> Components:
        keep = KeepPores(self.config.min_voxels, self.config.min_extent)
        return Components(strong_and_weak, connectivity=self.config.connectivity, keep=keep)

    def _index(self, level: float) -> int:
        return self.levels.index(level)

    def _outside(self, inner: float) -> Volume:
        """Flooded up to the higher of the two thresholds."""
        level = self._index(max(inner, self.outer))
        everywhere = ReconstructionCircle(self.ranks.shape, whole=True)
        seeds = FloodSeeds.told(self.ranks.shape, self.config.outside)
        inputs = (self.ranks, everywhere, seeds)
        out = self.work / f"outside-{level}.zarr"
        return flood_outside(inputs, out, config=self.config, level=level, run=self.run)

    def _candidates(self, inner: float) -> Volume:
        """Phases before small pores are removed; made once, then found again."""
        radius, size = self.config.close_um, self.ranks.voxel_size
        return map_blocks(
            candidate_phases,
            (self.ranks, self._outside(inner)),
            self.work / f"candidates-{self._index(inner)}.zarr",
            dtype=np.uint8,
            halo=Halo(closing_halo(radius, size) if radius else (0, 0, 0)),
            parameters={
                "inner": self._index(inner),
                "weak": self._index(inner + self.config.hysteresis),
                "close_um": radius,
                "voxel_size": size,
            },
            bytes_per_voxel=CLOSING_BYTES if radius else FLAT_BYTES,
            run=self.run,
        )
