"""Scores against known pores, voxel by voxel and pore by pore, streamed over blocks.

1. Count how often each stored score occurs among pore and among solid voxels. All measures and
   curves follow from these integers, so that they are exact for the scores as they are stored.
2. At one threshold, label the pores that the scores show and those of the truth, and match them by
   the voxels they share (`kernels.pore_matching`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from poroscale.config import Config
from poroscale.engine import Pass, Reduction, Run, connect, reduce_pass
from poroscale.engine.passes import named
from poroscale.identity import kernel
from poroscale.kernels.learning.ranking import Ranking
from poroscale.kernels.learning.score_levels import count_scores
from poroscale.segmentation.evaluation.beside_truth import Scored, scores_of
from poroscale.segmentation.evaluation.found_pores import (
    COUNT_BYTES,
    FoundPores,
    Wanted,
    match_pores,
)
from poroscale.segmentation.evaluation.found_pores import passes as pore_passes
from poroscale.segmentation.evaluation.truth import Truth, counted_voxels, truth_pores
from poroscale.segmentation.thresholds.candidates import KeepPores
from poroscale.volume import Volume, VolumeSpec

HISTOGRAM_BINS = 128


class EvaluateConfig(Config):
    """Settings for the voxels that are counted and the pores that are matched.

    Attributes
    ----------
    truth
        Kind of the truth; "auto" takes what the volume states.
    everywhere
        Count the voxels outside the part too, which truths of phases leave out.
    threshold
        Score from which on a voxel is pore, for the matching of pores; None takes the one of
        largest Dice coefficient.
    pores
        Match pores at all.
    connectivity
        Neighbours over which pore voxels hang together.
    min_voxels
        Smallest pore of the scores that counts [voxels]; the pores of the truth count all.
    min_extent
        Smallest extent along every axis of a pore of the scores that counts [voxels].
    """

    truth: Literal["auto", "phases", "mask", "labels"] = "auto"
    everywhere: bool = False
    threshold: float | None = Field(None, gt=0, le=1)
    pores: bool = True
    connectivity: Literal[6, 18, 26] = 6
    min_voxels: PositiveInt = 9
    min_extent: PositiveInt = 1


@dataclass(frozen=True)
class Evaluation:
    """Results.

    Attributes
    ----------
    name
        Of the scores.
    ranking
        Counts of every score, from which measures and curves follow.
    pores
        Pores matched at one threshold, if asked for.
    settings
        Counts, as JSON.
    """

    name: str
    ranking: Ranking
    pores: FoundPores | None
    settings: Mapping[str, Any]

    def called(self, name: str) -> Evaluation:
        """The same under another name."""
        return replace(self, name=name)

    def as_baseline(self) -> Evaluation:
        """The same as one that the others have to beat."""
        return replace(self, settings={**self.settings, "baseline": True})

    @property
    def is_baseline(self) -> bool:
        """True if the others have to beat it."""
        return bool(self.settings["baseline"])

    @property
    def is_hard(self) -> bool:
        """True if it is of phases or a mask, which have one threshold."""
        return len(self.ranking.values) <= 2

    @property
    def threshold(self) -> float:
        """The threshold at which pores were matched, or would have been."""
        chosen = self.settings["threshold"]
        return self.ranking.best_threshold if chosen is None else float(chosen)

    @property
    def numbers(self) -> dict[str, Any]:
        """Everything but the curves, as JSON."""
        ranking = self.ranking
        best = ranking.best_threshold
        return {
            "name": self.name,
            "settings": dict(self.settings),
            "voxels": {
                "counted": int(ranking.pore.sum() + ranking.solid.sum()),
                "pore": int(ranking.pore.sum()),
                "porosity": ranking.porosity,
            },
            "roc_auc": ranking.roc_auc,
            "average_precision": ranking.average_precision,
            "best": ranking.at(best),
            "at_threshold": ranking.at(self.threshold),
            "pores": None if self.pores is None else self.pores.numbers,
            "histogram": self.histogram(),
        }

    def histogram(self, bins: int = HISTOGRAM_BINS) -> dict[str, list[Any]]:
        """Voxels of either truth in classes of equal width over the scores from 0 to 1."""
        edges = np.linspace(0, 1, bins + 1)
        place = np.minimum((self.ranking.values * bins).astype(np.int64), bins - 1)
        counts = [
            np.bincount(place, weights=one, minlength=bins).astype(np.int64).tolist()
            for one in (self.ranking.solid, self.ranking.pore)
        ]
        return {"edges": edges.tolist(), "solid": counts[0], "pore": counts[1]}


def evaluate_scores(
    scores: Volume,
    truth: Volume,
    *,
    inside: Volume | None = None,
    config: EvaluateConfig | None = None,
    work: Path | None = None,
    run: Run | None = None,
) -> Evaluation:
    """Evaluation of how well scores separate pore voxels, and pores, from solid.

    Parameters
    ----------
    scores
        Scores in [0, 1] (uint8 or float16), or phases.
    truth
        Phases, a mask of pores, or labels of pores.
    inside
        Not 0 where voxels count, such as the part or what is labelled.
    config
        Settings for counting and matching.
    work
        Folder for labels, which are left there; without one, a temporary folder.
    run
        Memory, workers and cluster; changes no figure.

    Raises
    ------
    TypeError
        If a volume holds something else.
    ValueError
        If shapes differ, scores are no numbers in [0, 1], or the truth has no pore or no solid
        voxel among those that count.
    """
    config = config or EvaluateConfig()
    with connect(run or Run(), job="evaluate") as shared:
        known = Truth.of(truth, config.truth, run=shared)
        scored = Scored(scores, known, inside, config.everywhere)
        ranking = rank(scored, run=shared)
        settings = config.model_dump(mode="json") | {
            "truth": known.kind,
            "inside": inside is not None,
            "hard": scored.is_hard,
            "baseline": False,
        }
        pores = None
        if config.pores:
            wanted = _wanted(config, ranking.best_threshold)
            pores = match_pores(scored, wanted, work=work, run=shared)
        return Evaluation(scores.path.name.removesuffix(".zarr"), ranking, pores, settings)


def _wanted(config: EvaluateConfig, best: float) -> Wanted:
    """The pores that are matched: at the threshold of the settings, or the best one."""
    keep = KeepPores(config.min_voxels, config.min_extent)
    return Wanted(config.threshold or best, config.connectivity, keep)


def rank_scores(
    scores: Volume, truth: Truth, *, inside: Volume | None = None, run: Run | None = None
) -> Ranking:
    """The counts of every score apart for pore and solid voxels; see `evaluate_scores`."""
    return rank(Scored(scores, truth, inside), run=run or Run())


def rank(scored: Scored, *, run: Run) -> Ranking:
    """Count; errors name what is wrong with scores or truth."""
    declared = COUNTS.but(parameters=scored.parameters)
    counts = reduce_pass(declared, scored.inputs, run=run)
    if counts[:, -1].any():
        raise ValueError(f"{scored.scores.path} must hold scores from 0 to 1, got NaN or others")
    truth = scored.truth
    what = f"{truth.volume.path}, read as {truth.kind}, where voxels count,"
    return Ranking.of(scored.values, counts[:, :-1], what=what)


def passes(
    scores: VolumeSpec, truth: VolumeSpec, inside: VolumeSpec | None = None
) -> dict[str, Pass]:
    """Passes over scores beside a truth, and the mask of what counts."""
    reads = [each.dtype for each in (scores, truth, inside) if each is not None]
    return named(COUNTS.but(reads=tuple(reads))) | pore_passes(reads)


@kernel("segment.count")
def _count(
    scores: NDArray[Any],
    truth: NDArray[Any],
    inside: NDArray[Any] | None = None,
    *,
    kind: str,
    hard: bool,
    everywhere: bool,
) -> dict[str, NDArray[np.int64]]:
    counted = counted_voxels(truth, inside, kind=kind, everywhere=everywhere)
    given = scores_of(scores, hard=hard)
    return {"counts": count_scores(given, truth_pores(truth, kind), counted)}


COUNTS = Pass(
    "counts",
    Reduction(
        _count, lambda a, b: {"counts": a["counts"] + b["counts"]}, lambda total: total["counts"]
    ),
    temporary=COUNT_BYTES,
)
"""The voxels of each score, of either truth."""
