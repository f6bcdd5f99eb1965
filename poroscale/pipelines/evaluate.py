"""From scores and a truth to figures: count, match, draw, write.

Where the scan is given, its grey values are judged beside the scores (`segment.grey_scores`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.engine import JobPlan, Run, connect, plan_job
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import held_folder
from poroscale.manifest import digest_of
from poroscale.report.pages.evaluate_page import write_evaluation
from poroscale.report.sections.verdict_slices import VerdictRow, busiest_sections, verdict_rows
from poroscale.segmentation import EvaluateConfig, Evaluation, Truth, evaluate_scores
from poroscale.segmentation.evaluation.beside_truth import Scored
from poroscale.segmentation.evaluation.evaluate import passes as evaluate_passes
from poroscale.segmentation.evaluation.grey_scores import SIGMAS, grey_baselines
from poroscale.segmentation.evaluation.grey_scores import passes as grey_passes
from poroscale.verb import Section, verb
from poroscale.volume import Volume

WORK = "evaluation.work"


@dataclass(frozen=True)
class Beside:
    """Volumes beside scores and truth.

    Attributes
    ----------
    inside
        Not 0 where voxels count.
    scan
        Grey values, shown in the pictures.
    baselines
        Judge the scan's grey values, plain and smoothed, as scores of their own.
    """

    inside: Volume | None = None
    scan: Volume | None = None
    baselines: bool = True


@verb(
    "evaluate",
    Section.of("evaluate", EvaluateConfig, truth="truth_kind"),
    volumes=("scores", "truth", "inside", "scan"),
    plan="plan_evaluate",
)
def evaluate(
    scores: Sequence[Volume],
    truth: Volume,
    out_dir: str | Path | None = None,
    *,
    inside: Volume | None = None,
    scan: Volume | None = None,
    baselines: bool | None = None,
    config: EvaluateConfig | None = None,
    run: Run | None = None,
) -> list[Evaluation]:
    """Measure how well scores, or phases, tell known pores from solid.

    Parameters
    ----------
    scores
        Scores in [0, 1] (uint8, float16), or phases.
    truth
        Phases, a mask or labels of pores.
    out_dir
        Folder for `evaluation.html`, `evaluation.json` and `curves.parquet`; without one nothing
        is written. What is there of them is replaced.
    inside
        Phases or a mask; voxels count where it is not 0.
    scan
        Grey values, for the pictures and for the baselines.
    baselines
        Judge the scan's grey values, plain and smoothed, as scores; by default where there is a
        scan. Their evaluations come last.
    config
        Settings for the voxels that are counted and the pores that are matched.
    run
        Memory, workers and cluster; changes no figure.

    Raises
    ------
    TypeError, ValueError
        As `poroscale.segmentation.evaluate_scores`.
    """
    if baselines and scan is None:
        raise ValueError("`baselines` must come with the `scan` that they are made of, got none")
    beside = Beside(inside, scan, baselines is not False)
    config, run = config or EvaluateConfig(), run or Run()
    volumes, known = _named(scores), truth
    if beside.scan is not None and beside.scan.shape != known.shape:
        raise ValueError(f"scan must have the truth's shape {known.shape}, got {beside.scan.shape}")
    with connect(run, job="evaluate") as shared, _working(out_dir) as (folder, work):
        extra = _baselines(volumes, known, work, beside=beside, config=config, run=shared)
        every = volumes | extra
        found = [
            one.as_baseline() if one.name in extra else one
            for one in _evaluated(every, known, work, beside=beside, config=config, run=shared)
        ]
        if folder is not None:
            pictures = _pictures(every, found, known, beside=beside, run=shared)
            write_evaluation(found, folder, truth=_name(known), pictures=pictures)
        return found


def plan_evaluate(
    scores: Sequence[Volume],
    truth: Volume,
    *,
    inside: Volume | None = None,
    scan: Volume | None = None,
    baselines: bool | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `evaluate`, score by score, with the scan's grey values where they are judged.

    Raises
    ------
    MemoryError
        If the budget cannot hold a stage.
    """
    run, known = run or Run(), truth.spec
    where = None if inside is None else inside.spec
    jobs = {
        name: plan_job(volume.spec, evaluate_passes(volume.spec, known, where), run)
        for name, volume in _named(scores).items()
    }
    if scan is not None and baselines is not False:
        grey = scan.spec
        made = grey.but(dtype=np.dtype(np.float16))
        stages = {**grey_passes(grey), **evaluate_passes(made, known, where)}
        jobs[str(scan.path)] = plan_job(grey, stages, run)
    return JobPlan(jobs=jobs)


@contextmanager
def _working(out_dir: str | Path | None) -> Iterator[tuple[Path | None, Path]]:
    """The folder of the results, if there is one, and that of what lies between."""
    if out_dir is None:
        with tempfile.TemporaryDirectory(prefix="poroscale-") as scratch:
            yield None, Path(scratch)
        return
    with held_folder(Path(out_dir)) as folder:
        yield folder, folder / WORK
        shutil.rmtree(folder / WORK, ignore_errors=True)


def _baselines(
    volumes: Mapping[str, Volume],
    truth: Volume,
    work: Path,
    *,
    beside: Beside,
    config: EvaluateConfig,
    run: Run,
) -> dict[str, Volume]:
    """The scan's grey values as scores; what surrounds the part is left out where it counts."""
    if beside.scan is None or not beside.baselines:
        return {}
    taken = sorted(volumes.keys() & SIGMAS.keys())
    if taken:
        raise ValueError(
            f"scores must not be called {taken[0]!r} beside the scan's grey values; rename them, "
            "or leave the grey values out by `baselines` false"
        )
    kind = Truth.of(truth, config.truth, run=run).kind
    flood = beside.inside is None and (kind != "phases" or config.everywhere)
    folder = work / f"grey {digest_of([input_identity(beside.scan), flood])[:12]}"
    return grey_baselines(beside.scan, folder, flood=flood, run=run)


def _name(volume: Volume) -> str:
    return volume.path.resolve().name.removesuffix(".zarr")


def _named(volumes: Sequence[Volume]) -> dict[str, Volume]:
    """Volumes by their names; those that share one are told apart by their folders."""
    names = [_name(volume) for volume in volumes]
    if len(set(names)) < len(names):
        names = [f"{v.path.resolve().parent.name}/{_name(v)}" for v in volumes]
    if len(set(names)) < len(names):
        raise ValueError(f"scores must have different names, got {names}")
    return dict(zip(names, volumes, strict=True))


def _evaluated(
    volumes: Mapping[str, Volume],
    truth: Volume,
    work: Path,
    *,
    beside: Beside,
    config: EvaluateConfig,
    run: Run,
) -> list[Evaluation]:
    found = []
    for name, volume in volumes.items():
        inputs = [input_identity(each) for each in (volume, truth, beside.inside) if each]
        recipe: Any = [config.model_dump(mode="json"), inputs]
        one = evaluate_scores(
            volume,
            truth,
            inside=beside.inside,
            config=config,
            # Labels of another job that was begun there are no obstacle.
            work=work / digest_of(recipe)[:12],
            run=run,
        )
        found.append(one.called(name))
    return found


def _pictures(
    volumes: Mapping[str, Volume],
    found: Sequence[Evaluation],
    truth: Volume,
    *,
    beside: Beside,
    run: Run,
) -> dict[str, list[VerdictRow]]:
    """The same sections of all scores."""
    kind, everywhere = (found[0].settings[name] for name in ("truth", "everywhere"))
    rows = {}
    planes = None
    for one, (name, volume) in zip(found, volumes.items(), strict=True):
        scored = Scored(volume, Truth(truth, kind), beside.inside, everywhere)
        planes = planes or busiest_sections(scored, run=run)
        rows[name] = verdict_rows(scored, one.threshold, planes, scan=beside.scan)
    return rows
