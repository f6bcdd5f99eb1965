"""Scores of a network to phases, as the thresholds of grey values give them.

1. The outside of the part comes from the scan's flood (`segment.otsu`), from other phases, or from
   a mask; without any of them everything is part.
2. The threshold is given, Otsu's or Yen's of the scores inside the part, or of the largest Dice
   coefficient on a part of the volume that is labelled.
3. Voxels inside the part of at least the threshold are candidates; with a hysteresis they grow into
   neighbours that score less. Outside voxels within the closing of the part are open pores.
4. Components that are too small become solid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, PositiveInt, field_validator

from poroscale.config import Config
from poroscale.engine import (
    Components,
    Halo,
    Run,
    connect,
    count_components,
    label_blocks,
    map_blocks,
    reduce_blocks,
)
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.engine.labels import RUN_BYTES
from poroscale.engine.plan import Need
from poroscale.kernels.closing import closing_halo
from poroscale.kernels.learning.score_levels import (
    holds_scores,
    level_of_score,
    level_values,
)
from poroscale.segment.evaluation.evaluate import rank_scores
from poroscale.segment.evaluation.truth import Truth
from poroscale.segment.scores.score_candidates import (
    SCORE_COUNTS,
    beyond,
    coarse_histogram,
    otsu_of_scores,
    score_candidates,
    yen_of_scores,
)
from poroscale.segment.thresholds.candidates import (
    OUTSIDE,
    KeepPores,
    settle,
    strong_and_weak,
)
from poroscale.segment.thresholds.config import OtsuConfig
from poroscale.segment.thresholds.fields import Nowhere, ReconstructionCircle
from poroscale.segment.thresholds.histogram import grey_histogram
from poroscale.segment.thresholds.otsu import find_outside
from poroscale.segment.thresholds.ranked import CLOSING_BYTES, FLAT_BYTES
from poroscale.volume import FieldSampler, Volume, VolumeSpec

COUNT_BYTES = 6.0
RULES = {"otsu": otsu_of_scores, "yen": yen_of_scores}
"""Thresholds that follow from the scores alone."""


class ScoresConfig(Config):
    """How scores become phases.

    Attributes
    ----------
    threshold
        Score from which on a voxel is pore; "otsu" and "yen" find it inside the part, "dice" on
        labels.
    hysteresis
        How far below the threshold a pore may grow from voxels above it.
    connectivity, min_voxels, min_extent, close_um
        As those of `OtsuConfig`.
    sensitivity
        Shifts of the threshold for which porosity and pore count are tabled.
    outside
        How the outside is found in a scan.
    """

    threshold: float | Literal["otsu", "yen", "dice"] = "otsu"
    hysteresis: float = Field(0.0, ge=0, lt=1)
    connectivity: Literal[6, 18, 26] = 6
    min_voxels: PositiveInt = 9
    min_extent: PositiveInt = 1
    close_um: float = Field(0.0, ge=0)
    sensitivity: tuple[float, ...] = Field((-0.05, -0.02, 0.02, 0.05), max_length=60)
    outside: OtsuConfig = OtsuConfig()

    @field_validator("threshold")
    @classmethod
    def _threshold_is_a_score(cls, value: float | str) -> float | str:
        if not isinstance(value, str) and not 0 < value <= 1:
            raise ValueError("threshold must be above 0 and at most 1, or otsu, yen or dice")
        return value


@dataclass(frozen=True)
class ScoreSources:
    """What tells part and truth apart from the scores.

    Attributes
    ----------
    scan
        Grey values in which the outside is flooded.
    part
        Phases or a mask of the part instead: 0 is outside.
    truth
        Pores that are known, for the threshold "dice".
    labelled
        Where `truth` holds, if not in the whole part; 0 is elsewhere.
    notes
        Sentences about the scores that the record of the phases carries on.
    windows
        How the scan was cut and inferred, for the same record.
    traits
        What the scan is like, for the same record.
    """

    scan: Volume | None = None
    part: Volume | None = None
    truth: Truth | None = None
    labelled: Volume | None = None
    notes: tuple[str, ...] = ()
    windows: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def volumes(self) -> dict[str, Volume]:
        """Those that are given."""
        truth = None if self.truth is None else self.truth.volume
        every = {
            "scan": self.scan,
            "part": self.part,
            "truth": truth,
            "labelled": self.labelled,
        }
        return {name: volume for name, volume in every.items() if volume is not None}


def segment_scores(
    scores: Volume,
    out: str | Path,
    *,
    sources: ScoreSources | None = None,
    config: ScoresConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Outside, solid and pore phases of the scores of a network.

    Parameters
    ----------
    scores
        Scores in [0, 1], uint8 (score = value / 255) or float16.
    out
        Folder of the phases: uint8, 0 outside, 1 solid, 2 pore.
    sources
        Scan or part for the outside, truth for the threshold.
    config
        Threshold and rules.
    run
        How to run.

    Returns
    -------
    Volume
        The phases; `attributes["segmentation"]` records thresholds, rules, porosity and how both
        respond to the threshold, under the names that `segment_otsu` uses.

    Raises
    ------
    TypeError
        If the volume does not hold scores.
    ValueError
        If shapes differ, all scores are the same, or a truth that is needed is not given.
    """
    config, run, out = config or ScoresConfig(), run or Run(), Path(out)
    sources = sources or ScoreSources()
    _check(scores, sources, config)
    made_by = {
        "verb": "segment",
        "method": "scores",
        "config": config.model_dump(mode="json"),
        "scores": input_identity(scores),
        **_identities(sources),
    }
    with connect(run) as run:
        done = finished_before(out, made_by, run, [scores, *sources.volumes.values()])
        if done is not None:
            return done
        with work_folder(out, made_by, run) as work:
            return ScoreSegmentation(scores, sources, config, work, run).write(out, made_by)


def needs(spec: VolumeSpec, config: ScoresConfig) -> dict[str, Need]:
    """What each stage takes in memory and on disk, for scores of `spec` in a known part."""
    size, radius = spec.dtype.itemsize, config.close_um
    closing = closing_halo(radius, spec.voxel_size) if radius else (0, 0, 0)
    temporary = CLOSING_BYTES if radius else FLAT_BYTES
    masks = 1.0 + len(config.sensitivity)
    return {
        "part": Need(1, 1, temporary=1.0),
        "thresholds": Need(size + 1, temporary=COUNT_BYTES),
        "candidates": Need(size + 1, 1, closing, temporary=temporary, stored=2 * masks),
        "pores kept": Need(1, 1, temporary=RUN_BYTES),
        "phases": Need(2, 1, temporary=FLAT_BYTES, stored=8 / 7),
    }


def _check(scores: Volume, sources: ScoreSources, config: ScoresConfig) -> None:
    if not holds_scores(scores.dtype):
        raise TypeError(f"{scores.path} must hold scores, uint8 or float16, got {scores.dtype}")
    for name, volume in sources.volumes.items():
        if volume.shape != scores.shape:
            raise ValueError(
                f"the {name} must have the scores' shape {scores.shape}, got {volume.shape}"
            )
    if config.threshold == "dice" and sources.truth is None:
        raise ValueError("threshold dice must have labels to be found on, got none")
    if sources.scan is not None and sources.part is not None:
        raise ValueError("the outside must come from a scan or from a part, got both")


def _identities(sources: ScoreSources) -> dict[str, Any]:
    named = {name: input_identity(volume) for name, volume in sources.volumes.items()}
    return named | ({"truth_kind": sources.truth.kind} if sources.truth else {})


@dataclass
class ScoreSegmentation:
    """The steps of one segmentation; every step's output lies in the work folder.

    For those who make the scores in the same job; others call `segment_scores`.
    """

    scores: Volume
    sources: ScoreSources
    config: ScoresConfig
    work: Path
    run: Run

    def write(self, out: Path, made_by: Mapping[str, Any]) -> Volume:
        """All steps."""
        run = self.run.but(overwrite=False)
        self.step = run
        self.outside, outer = self._outside()
        threshold, histogram = self._threshold()
        candidates, kept = self._pores(threshold)
        shifts = sorted({0.0, *self.config.sensitivity})
        levels = {shift: self._shifted(threshold, shift) for shift in shifts}
        rows = [{"shift": shift, **self._numbers(level)} for shift, level in levels.items()]
        record = self._record(threshold, rows) | {
            "outer_threshold": outer,
            "histogram": histogram,
        }
        attributes = {"kind": "phases", "made_by": dict(made_by), "segmentation": record}
        return map_blocks(
            settle,
            (candidates, kept),
            out,
            dtype=np.uint8,
            attributes=attributes,
            pyramid="max",
            bytes_per_voxel=FLAT_BYTES,
            run=self.run,
        )

    def _outside(self) -> tuple[Volume | FieldSampler, float | None]:
        if self.sources.scan is not None:
            return find_outside(
                self.sources.scan, self.work, config=self.config.outside, run=self.step
            )
        if self.sources.part is None:
            return Nowhere(self.scores.shape), None
        where = map_blocks(
            beyond,
            self.sources.part,
            self.work / "outside.zarr",
            dtype=bool,
            bytes_per_voxel=1,
            run=self.step,
        )
        return where, None

    def _threshold(self) -> tuple[float, dict[str, Any]]:
        counts = reduce_blocks(
            SCORE_COUNTS,
            (self.scores, self.outside),
            journal=self.work / "score histogram",
            bytes_per_voxel=COUNT_BYTES,
            run=self.step,
        )
        path, values = self.scores.path, level_values(self.scores.dtype)
        if counts[:, -1].any():
            raise ValueError(f"{path} must hold scores from 0 to 1, got NaN or others")
        inside = counts[0, :-1]
        if not inside.any():
            raise ValueError(f"{path}: the outside leaves no part to find pores in")
        histogram = coarse_histogram(counts[:, :-1], values)
        if self.config.threshold in RULES:
            return RULES[self.config.threshold](inside, values, str(path)), histogram
        if self.config.threshold == "dice":
            assert self.sources.truth is not None
            labelled = self.sources.labelled
            ranking = rank_scores(self.scores, self.sources.truth, inside=labelled, run=self.step)
            return ranking.best_threshold, histogram
        return float(self.config.threshold), histogram

    def _shifted(self, threshold: float, shift: float) -> float:
        return min(1.0, max(float(level_values(self.scores.dtype)[1]), threshold + shift))

    def _pores(self, threshold: float) -> tuple[Volume, Volume]:
        """Candidates, and the mask of those that are pores."""
        candidates = self._candidates(threshold)
        kept = label_blocks(
            self._components, candidates, self.work / "pores.zarr", dtype=bool, run=self.step
        )
        return candidates, kept.volume

    def _numbers(self, threshold: float) -> dict[str, Any]:
        """Porosity and number of pores at one threshold."""
        candidates = self._candidates(threshold)
        key = " ".join(map(str, self._levels(threshold)))
        everywhere = ReconstructionCircle(candidates.shape, whole=True)
        journal = self.work / f"codes {key}"
        codes = grey_histogram(candidates, everywhere, journal=journal, run=self.step).inside
        part = int(codes.sum() - codes[OUTSIDE])
        journal = self.work / f"count {key}"
        pores = count_components(self._components, candidates, journal=journal, run=self.step)
        return {
            "threshold": threshold,
            "part_voxels": part,
            "porosity": int(pores["voxel_count"].sum()) / max(1, part),
            "pore_count": len(pores),
        }

    @property
    def _components(self) -> Components:
        keep = KeepPores(self.config.min_voxels, self.config.min_extent)
        return Components(strong_and_weak, connectivity=self.config.connectivity, keep=keep)

    def _levels(self, threshold: float) -> tuple[int, int]:
        """From which a voxel is pore, and to which a pore grows."""
        weak = max(0.0, threshold - self.config.hysteresis)
        level, weakest = (level_of_score(each, self.scores.dtype) for each in (threshold, weak))
        return level, max(1, weakest)

    def _candidates(self, threshold: float) -> Volume:
        """Phases before small pores are removed; made once, then found again."""
        radius, size = self.config.close_um, self.scores.voxel_size
        level, weak = self._levels(threshold)
        return map_blocks(
            score_candidates,
            (self.scores, self.outside),
            self.work / f"candidates {level} {weak}.zarr",
            dtype=np.uint8,
            halo=Halo(closing_halo(radius, size) if radius else (0, 0, 0)),
            parameters={
                "level": level,
                "weak": weak,
                "close_um": radius,
                "voxel_size": size,
            },
            bytes_per_voxel=CLOSING_BYTES if radius else FLAT_BYTES,
            run=self.step,
        )

    def _record(self, threshold: float, table: list[dict[str, Any]]) -> dict[str, Any]:
        """What a reader of the phases needs to know of how they came about."""
        now = next(row for row in table if row["shift"] == 0)
        rule = self.config.threshold if isinstance(self.config.threshold, str) else "manual"
        return {
            "method": "scores",
            "score_threshold": threshold,
            "score_rule": rule,
            "scores_digest": self.scores.digest,
            **self.config.model_dump(
                mode="json",
                include={"hysteresis", "min_voxels", "min_extent", "connectivity", "close_um"},
            ),
            "warnings": [
                *self.sources.notes,
                *self.scores.attributes.get("postprocessing", {}).get("warnings", []),
            ],
            "part_voxels": now["part_voxels"],
            "porosity": now["porosity"],
            "pore_count": now["pore_count"],
            "sensitivity": table if len(table) > 1 else [],
            **({"windows": dict(self.sources.windows)} if self.sources.windows else {}),
            **({"scan_traits": dict(self.sources.traits)} if self.sources.traits else {}),
        }
