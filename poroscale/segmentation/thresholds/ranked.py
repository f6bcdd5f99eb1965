"""Grey values as ranks among all the thresholds that are asked, from one reading of the scan.

What several thresholds need of a scan fits one byte a voxel: how many of them it exceeds. The
scan is read once more to store these ranks; floods and candidates of all thresholds read ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from poroscale.engine import LabelPass, Pass, Run, label_pass, map_pass
from poroscale.segmentation.thresholds.candidates import (
    candidate_phases,
    dark_voxels,
    is_marked,
    rank_voxels,
)
from poroscale.segmentation.thresholds.config import OtsuConfig
from poroscale.segmentation.thresholds.cuts import FLAT_BYTES, Cut, Search, shifts_of
from poroscale.segmentation.thresholds.fields import Everywhere, FloodSeeds
from poroscale.volume import FieldSampler, Volume


@dataclass(frozen=True)
class Thresholds:
    """The two thresholds, and how they came about.

    Attributes
    ----------
    outer, inner
        Grey values; what does not exceed them is the dark side.
    rule
        Rule that found the inner one: "otsu", "iso50" or "manual".
    contrast
        Grey values between the outside and the peak of the solid.
    warnings
        Warnings for a reader of the result.
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
        Memory, workers and cluster.
    """
    declared = replace(dark_flood_pass(inputs[0].dtype, config), parameters={"level": level})
    return label_pass(declared, inputs, out, run=run).volume


def dark_flood_pass(ranked: DTypeLike, config: OtsuConfig) -> LabelPass:
    """The pass over grey values or ranks, the reconstruction circle and the seeds."""
    return LabelPass(
        "outside",
        dark_voxels,
        reads=(ranked, bool, bool),
        writes=bool,
        connectivity=config.connectivity,
        keep=is_marked,
    )


def ranks_pass(grey: DTypeLike) -> Pass:
    """The pass over grey values and the reconstruction circle."""
    return Pass("ranks", rank_voxels, reads=(grey, bool), writes=np.uint8, temporary=FLAT_BYTES)


def rank_grey(
    grey: Volume,
    circle: FieldSampler,
    found: Thresholds,
    *,
    config: OtsuConfig,
    work: Path,
    run: Run,
) -> Ranked:
    """Store the ranks of a scan among all the thresholds that will be asked."""
    inner = {found.shifted(shift) for shift in shifts_of(config)}
    levels = {found.outer, *inner, *(level + config.hysteresis for level in inner)}
    ascending = sorted(levels)
    declared = ranks_pass(grey.dtype).but(parameters={"levels": ascending})
    ranks = map_pass(declared, (grey, circle), work / "ranks.zarr", run=run)
    return Ranked(Search(ranks, candidate_phases, config, work, run), tuple(ascending), config)


@dataclass(frozen=True)
class Ranked:
    """A scan as ranks among ascending thresholds.

    Attributes
    ----------
    search
        Steps that find pores in the ranks.
    levels
        The thresholds [grey values].
    config
        Hysteresis, and where the outside is flooded from.
    """

    search: Search
    levels: tuple[float, ...]
    config: OtsuConfig

    def cuts(self, found: Thresholds) -> dict[float, Cut]:
        """The inner threshold by its shift, each with the outside flooded for it."""
        return {
            shift: self._cut(found.shifted(shift), found.outer) for shift in shifts_of(self.config)
        }

    def _cut(self, inner: float, outer: float) -> Cut:
        level = self.levels.index(inner)
        weak = self.levels.index(inner + self.config.hysteresis)
        return Cut(inner, self._outside(inner, outer), {"inner": level, "weak": weak}, f"{level}")

    def _outside(self, inner: float, outer: float) -> Volume:
        """Flooded up to the higher of the two thresholds."""
        level, ranks = self.levels.index(max(inner, outer)), self.search.ranked
        seeds = FloodSeeds.told(ranks.shape, self.config.outside)
        inputs = (ranks, Everywhere(ranks.shape), seeds)
        out, run = self.search.work / f"outside-{level}.zarr", self.search.run
        return flood_outside(inputs, out, config=self.config, level=level, run=run)
