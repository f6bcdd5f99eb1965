"""Scores of a network to phases, as the thresholds of grey values give them.

1. The outside of the part comes from the scan's flood (`thresholds/otsu.py`), from other phases, or
   from a mask; without any of them everything is part.
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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from poroscale.engine import Pass, Run, connect, map_pass, reduce_pass
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.engine.passes import named
from poroscale.kernels.learning.score_levels import holds_scores, level_of_score, level_values
from poroscale.segmentation.evaluation.evaluate import rank_scores
from poroscale.segmentation.evaluation.truth import Truth
from poroscale.segmentation.scores.config import ScoresConfig
from poroscale.segmentation.scores.score_thresholds import (
    SCORE_COUNTS,
    coarse_histogram,
    otsu_of_scores,
    yen_of_scores,
)
from poroscale.segmentation.thresholds.candidates import beyond, score_candidates
from poroscale.segmentation.thresholds.cuts import Cut, Search, shifts_of, write_phases
from poroscale.segmentation.thresholds.cuts import passes as cut_passes
from poroscale.segmentation.thresholds.fields import Nowhere
from poroscale.segmentation.thresholds.otsu import find_outside
from poroscale.volume import FieldSampler, Volume, VolumeSpec

COUNT_BYTES = 6.0
RULES = {"otsu": otsu_of_scores, "yen": yen_of_scores}
"""Thresholds that follow from the scores alone."""


@dataclass(frozen=True)
class ScoreSources:
    """Volumes beside the scores: the part, and the truth.

    Attributes
    ----------
    scan
        Grey values in which the outside is flooded.
    part
        Phases or a mask of the part instead: 0 is outside.
    truth
        Pores that are known, for the threshold "dice".
    labelled
        Region where `truth` holds, if not the whole part; 0 is elsewhere.
    notes
        Sentences about the scores, for the warnings of the phases.
    record
        Further entries of the record of the phases: what made the scores.
    """

    scan: Volume | None = None
    part: Volume | None = None
    truth: Truth | None = None
    labelled: Volume | None = None
    notes: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

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
    config, run
        Threshold and rules, and how to run.

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
        **_identities(scores, sources),
    }
    with connect(run, job="segment") as run:
        done = finished_before(out, made_by, run, [scores, *sources.volumes.values()])
        if done is not None:
            return done
        with work_folder(out, made_by, run) as work:
            job = ScoreJob(scores, sources, config, work, run.but(overwrite=False))
            return write_score_phases(job, out, made_by=made_by, run=run)


def passes(spec: VolumeSpec, config: ScoresConfig) -> dict[str, Pass]:
    """Passes over scores of `spec` in a known part."""
    cuts = cut_passes(config, score_candidates, spec.dtype, spec.voxel_size)
    return named(beyond_pass(np.uint8), counts_pass(spec.dtype)) | cuts


def beyond_pass(part: DTypeLike) -> Pass:
    """The pass from the part to what is outside."""
    return Pass("part", beyond, reads=(part,), writes=bool, temporary=1.0)


def counts_pass(scores: DTypeLike) -> Pass:
    """The pass over scores and the outside that counts every score."""
    return Pass("thresholds", SCORE_COUNTS, reads=(scores, bool), temporary=COUNT_BYTES)


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


def _identities(scores: Volume, sources: ScoreSources) -> dict[str, Any]:
    volumes = {"scores": scores, **sources.volumes}
    named = {name: input_identity(volume) for name, volume in volumes.items()}
    return named | ({"truth_kind": sources.truth.kind} if sources.truth else {})


@dataclass(frozen=True)
class ScoreJob:
    """One segmentation of scores.

    Attributes
    ----------
    scores
        Scores in [0, 1].
    sources
        Volumes beside them: the part, and the truth.
    config
        Threshold and rules.
    work, run
        Folder of the steps' outputs, and how to run the steps.
    """

    scores: Volume
    sources: ScoreSources
    config: ScoresConfig
    work: Path
    run: Run


class Outside(NamedTuple):
    """The outside of the part, true there, and the grey value up to which a scan was flooded."""

    mask: Volume | FieldSampler
    threshold: float | None


class ScoreThreshold(NamedTuple):
    """The threshold, and the histograms of part and outside in which it lies."""

    score: float
    histogram: Mapping[str, Any]


def write_score_phases(job: ScoreJob, out: Path, *, made_by: Mapping[str, Any], run: Run) -> Volume:
    """All steps, for those who make the scores in the same job; others call `segment_scores`.

    Parameters
    ----------
    job
        Scores, and how they become phases.
    out
        Folder of the phases.
    made_by
        Recipe of the phases.
    run
        Settings for writing them.
    """
    outside = _outside(job)
    found = _threshold(job, outside.mask)
    cuts = {shift: _cut(job, found.score, shift, outside.mask) for shift in shifts_of(job.config)}
    search = Search(job.scores, score_candidates, job.config, job.work, job.run)
    record = _record(job, outside, found)
    return write_phases(search, cuts, out, made_by=made_by, record=record, run=run)


def _outside(job: ScoreJob) -> Outside:
    """As the scan's flood, or the part, says; nothing is outside without them."""
    scan, part = job.sources.scan, job.sources.part
    if scan is not None:
        return Outside(*find_outside(scan, job.work, config=job.config.outside, run=job.run))
    if part is None:
        return Outside(Nowhere(job.scores.shape), None)
    out = job.work / "outside.zarr"
    mask = map_pass(beyond_pass(part.dtype), part, out, run=job.run)
    return Outside(mask, None)


def _threshold(job: ScoreJob, outside: Volume | FieldSampler) -> ScoreThreshold:
    """The threshold as the settings say, from the histogram of the scores."""
    scores, rule = job.scores, job.config.threshold
    journal = job.work / "score histogram"
    declared = counts_pass(scores.dtype)
    counts = reduce_pass(declared, (scores, outside), journal=journal, run=job.run)
    path, values = scores.path, level_values(scores.dtype)
    if counts[:, -1].any():
        raise ValueError(f"{path} must hold scores from 0 to 1, got NaN or others")
    inside = counts[0, :-1]
    if not inside.any():
        raise ValueError(f"{path}: the outside leaves no part to find pores in")
    histogram = coarse_histogram(counts[:, :-1], values)
    if rule in RULES:
        return ScoreThreshold(RULES[rule](inside, values, str(path)), histogram)
    if rule == "dice":
        truth, labelled = job.sources.truth, job.sources.labelled
        assert truth is not None
        ranking = rank_scores(scores, truth, inside=labelled, run=job.run)
        return ScoreThreshold(ranking.best_threshold, histogram)
    return ScoreThreshold(float(rule), histogram)


def _cut(job: ScoreJob, threshold: float, shift: float, outside: Volume | FieldSampler) -> Cut:
    """The threshold moved by `shift`, as the level from which on a voxel of the scores is pore."""
    dtype = job.scores.dtype
    least = float(level_values(dtype)[1])
    moved = min(1.0, max(least, threshold + shift))
    level = level_of_score(moved, dtype)
    weak = max(1, level_of_score(max(0.0, moved - job.config.hysteresis), dtype))
    return Cut(moved, outside, {"level": level, "weak": weak}, f"{level} {weak}")


def _record(job: ScoreJob, outside: Outside, found: ScoreThreshold) -> dict[str, Any]:
    """Record of scores and threshold, for a reader of the phases."""
    rule = job.config.threshold if isinstance(job.config.threshold, str) else "manual"
    postprocessing = job.scores.attributes.get("postprocessing", {})
    return {
        "method": "scores",
        "outer_threshold": outside.threshold,
        "score_threshold": found.score,
        "score_rule": rule,
        "scores_digest": job.scores.digest,
        "histogram": dict(found.histogram),
        "warnings": [*job.sources.notes, *postprocessing.get("warnings", [])],
        **job.sources.record,
    }
