"""Pores of the truth that scores find, and pores that they invent, by size.

A truth pore is found when one pore of the scores covers at least a quarter of its voxels; a pore of
the scores is true when at least a quarter of its voxels lie in pores of the truth.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import (
    Labelled,
    LabelPass,
    Pass,
    Reduction,
    Run,
    label_pass,
    reduce_pass,
)
from poroscale.engine.passes import named
from poroscale.identity import kernel
from poroscale.kernels.bodies.matching import (
    Bodies,
    Matches,
    add_shared,
    match_by_overlap,
    shared_voxels,
)
from poroscale.kernels.learning.score_levels import level_of_score, score_levels
from poroscale.segmentation.evaluation.beside_truth import Scored, scores_of
from poroscale.segmentation.evaluation.truth import counted_voxels, truth_pores
from poroscale.segmentation.thresholds.candidates import KeepPores
from poroscale.statistics.samples.uncertainty import wilson
from poroscale.volume import VoxelSize

EDGES = (0.0, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, float("inf"))
"""Equivalent diameters between the classes of size [voxels]: each about one and a half times."""

COUNT_BYTES = 8.0
"""Temporary bytes per voxel: levels and masks."""
SHARED_BYTES = 24.0
"""Temporary bytes per voxel where every voxel is pore in both."""


@dataclass(frozen=True)
class FoundPores:
    """Pores matched at one threshold.

    Attributes
    ----------
    threshold
        Score from which on a voxel was pore.
    truth, measured
        Labels and voxels of the pores of the truth and of the scores.
    matches
        Matched pairs.
    voxel_size
        Edges of a voxel [um].
    """

    threshold: float
    truth: Bodies
    measured: Bodies
    matches: Matches
    voxel_size: VoxelSize

    @property
    def numbers(self) -> dict[str, Any]:
        """Counts, recall and precision, as JSON; a share of no pore is None."""
        found, true = self.matches.found, self.matches.true
        return {
            "threshold": self.threshold,
            "truth_count": len(found),
            "found_count": int(found.sum()),
            "measured_count": len(true),
            "true_count": int(true.sum()),
            "recall": float(found.mean()) if len(found) else None,
            "precision": float(true.mean()) if len(true) else None,
            "merged": self.matches.merged,
            "split": self.matches.split,
            "volume_ratio_median": self._volume_ratio(),
            "by_size": self.by_size(),
        }

    def _volume_ratio(self) -> float | None:
        """Median volume of the scores' pores over that of the truth's, of mutual pairs."""
        t, m = self.matches.pairs.T
        ratios = self.measured.voxels[m] / self.truth.voxels[t]
        return float(np.median(ratios)) if len(ratios) else None

    def by_size(self, edges: Sequence[float] = EDGES) -> list[dict[str, Any]]:
        """Recall and precision with their 95 % intervals (Wilson) by equivalent diameter.

        Parameters
        ----------
        edges
            Diameters between the classes [voxels]; a class holds its upper edge. Pores of the truth
            are sorted by their own size, those of the scores by theirs.
        """
        voxel_um = float(np.cbrt(prod(self.voxel_size)))
        truth = np.searchsorted(edges, equivalent_diameters(self.truth.voxels), side="left") - 1
        measured = (
            np.searchsorted(edges, equivalent_diameters(self.measured.voxels), side="left") - 1
        )
        rows = []
        for k, (low, high) in enumerate(pairwise(edges)):
            end = None if np.isinf(high) else high
            row: dict[str, Any] = {
                "low_voxels": low,
                "high_voxels": end,
                "low_um": low * voxel_um,
                "high_um": None if end is None else end * voxel_um,
            }
            row |= _share(self.matches.found[truth == k], "truth_count", "recall")
            row |= _share(self.matches.true[measured == k], "measured_count", "precision")
            rows.append(row)
        return rows


def equivalent_diameters(voxels: NDArray[Any]) -> NDArray[np.float64]:
    """Diameters of the spheres of as many voxels [voxels]."""
    return np.cbrt(6 * np.asarray(voxels, np.float64) / np.pi)


def _share(hits: NDArray[np.bool_], count: str, name: str) -> dict[str, Any]:
    low, high = wilson(int(hits.sum()), len(hits))
    return {
        count: len(hits),
        name: float(hits.mean()) if len(hits) else None,
        f"{name}_low": low if len(hits) else None,
        f"{name}_high": high if len(hits) else None,
    }


@dataclass(frozen=True)
class Wanted:
    """Settings for the pores of the scores that are looked for.

    Attributes
    ----------
    threshold
        Score from which on a voxel is pore; phases do not need it.
    connectivity
        Neighbours over which pore voxels hang together, in scores and truth.
    keep
        Smallest pores of the scores; the truth's count all.
    """

    threshold: float
    connectivity: int = 6
    keep: KeepPores = field(default_factory=lambda: KeepPores(1))


def match_pores(scored: Scored, wanted: Wanted, *, work: Path | None, run: Run) -> FoundPores:
    """Label the pores of the truth and of the scores, and match them.

    Parameters
    ----------
    scored
        Scores and truth.
    wanted
        Rules for the pores of the scores that count.
    work
        Folder of the labels; without one, a temporary folder.
    run
        Memory, workers and cluster.
    """
    if work is None:
        with tempfile.TemporaryDirectory(prefix="poroscale-") as folder:
            return match_pores(scored, wanted, work=Path(folder), run=run)
    measured = _measured(scored, wanted, work, run)
    if scored.truth.kind == "labels":
        volume, truth = scored.truth.volume, _counted_labels(scored, run)
    else:
        labelled = _truth(scored, wanted, work, run)
        volume, truth = labelled.volume, _bodies(labelled)
    shared = reduce_pass(MATCHES, (measured.volume, volume), run=run)
    found = _bodies(measured)
    matches = match_by_overlap(truth, found, shared)
    return FoundPores(wanted.threshold, truth, found, matches, scored.scores.voxel_size)


def _bodies(labelled: Labelled) -> Bodies:
    table = labelled.table()
    return Bodies(table["label"].to_numpy(), table["voxel_count"].to_numpy())


def _measured(scored: Scored, wanted: Wanted, work: Path, run: Run) -> Labelled:
    level = 1 if scored.is_hard else level_of_score(wanted.threshold, scored.scores.dtype)
    declared = replace(
        SHOWN,
        connectivity=wanted.connectivity,
        parameters={"level": level, **scored.parameters},
        keep=wanted.keep,
    )
    return label_pass(declared, scored.inputs, work / "measured.zarr", run=run)


def _truth(scored: Scored, wanted: Wanted, work: Path, run: Run) -> Labelled:
    parameters = {name: scored.parameters[name] for name in ("kind", "everywhere")}
    declared = replace(KNOWN, connectivity=wanted.connectivity, parameters=parameters)
    return label_pass(declared, scored.inputs[1:], work / "truth.zarr", run=run)


@kernel("segment.shown_pores")
def shown_pores(
    scores: NDArray[Any],
    truth: NDArray[Any],
    inside: NDArray[Any] | None = None,
    *,
    level: int,
    kind: str,
    hard: bool,
    everywhere: bool,
) -> NDArray[np.uint8]:
    """2 where a voxel counts and its score is of the level or above; all are marked."""
    pore = score_levels(scores_of(scores, hard=hard)) >= level
    pore &= counted_voxels(truth, inside, kind=kind, everywhere=everywhere)
    return 2 * pore.view(np.uint8)


@kernel("segment.known_pores")
def known_pores(
    truth: NDArray[Any], inside: NDArray[Any] | None = None, *, kind: str, everywhere: bool
) -> NDArray[np.uint8]:
    """1 where the truth is pore and counts."""
    pore = truth_pores(truth, kind)
    pore &= counted_voxels(truth, inside, kind=kind, everywhere=everywhere)
    return pore.view(np.uint8)


def _counted_labels(scored: Scored, run: Run) -> Bodies:
    """The truth's own labels, and how many voxels of each count."""
    sums: NDArray[np.int64] = reduce_pass(TRUE_LABELS, scored.inputs[1:], run=run)
    return Bodies(sums[:, 0], sums[:, 2])


@kernel("segment.share_block")
def _share_block(measured: NDArray[Any], truth: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    return {"shared": shared_voxels(truth, measured)}


@kernel("segment.count_labels")
def _count_labels(
    truth: NDArray[Any], inside: NDArray[Any] | None = None
) -> dict[str, NDArray[np.int64]]:
    counted = np.ones(truth.shape, np.uint8) if inside is None else inside != 0
    return {"shared": shared_voxels(truth, counted)}


def _join(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return {"shared": add_shared([a["shared"], b["shared"]])}


SHOWN = LabelPass("labels", shown_pores, writes=np.uint32, pyramid="max", temporary=COUNT_BYTES)
"""The pores that the scores show."""
KNOWN = LabelPass("true pores", known_pores, writes=np.uint32, pyramid="max", temporary=COUNT_BYTES)
"""The pores of the truth."""
TRUE_LABELS = Pass(
    "true labels",
    Reduction(_count_labels, _join, lambda total: total["shared"]),
    temporary=SHARED_BYTES,
)
"""The voxels that count of each label of the truth."""
MATCHES = Pass(
    "matches",
    Reduction(_share_block, _join, lambda total: total["shared"]),
    temporary=SHARED_BYTES,
)
"""The voxels that pores of either side share."""


def passes(reads: Sequence[DTypeLike]) -> dict[str, Pass]:
    """Passes over scores, truth and, where there is one, the mask of what counts.

    Parameters
    ----------
    reads
        Dtypes of these volumes.
    """
    wide = max(np.dtype(reads[1]), np.dtype(np.uint32), key=lambda dtype: dtype.itemsize)
    return named(
        SHOWN.but(reads=tuple(reads)),
        KNOWN.but(reads=tuple(reads[1:])),
        TRUE_LABELS.but(reads=tuple(reads[1:])),
        MATCHES.but(reads=(np.uint32, wide)),
    )
