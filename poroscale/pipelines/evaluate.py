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

from poroscale.engine import Run, connect
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import held_folder
from poroscale.manifest import digest_of
from poroscale.report.pages.evaluate_page import write_evaluation
from poroscale.report.sections.verdict_slices import VerdictRow, busiest_sections, verdict_rows
from poroscale.segment import EvaluateConfig, Evaluation, Truth, evaluate_scores
from poroscale.segment.evaluation.beside_truth import Scored
from poroscale.segment.evaluation.grey_scores import SIGMAS, grey_baselines
from poroscale.volume import Volume

WORK = "evaluation.work"
Source = Volume | str | Path


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

    @classmethod
    def of(
        cls, inside: Source | None, scan: Source | None, *, baselines: bool | None = None
    ) -> Beside:
        """From paths or volumes; there are baselines where there is a scan, unless told otherwise.

        Raises
        ------
        ValueError
            If baselines are asked for without a scan.
        """
        if baselines and scan is None:
            raise ValueError("baselines must come with the scan that they are made of, got none")
        where, grey = (None if each is None else _opened(each) for each in (inside, scan))
        return cls(where, grey, baselines is not False)


def evaluate(
    scores: Sequence[Source],
    truth: Source,
    out_dir: str | Path | None = None,
    *,
    beside: Beside | None = None,
    config: EvaluateConfig | None = None,
    run: Run | None = None,
) -> list[Evaluation]:
    """How well scores tell pores from solid, one or several scores against the same truth.

    Parameters
    ----------
    scores
        Scores in [0, 1] (uint8, float16), or phases.
    truth
        Phases, a mask or labels of pores.
    out_dir
        Folder for `evaluation.html`, `evaluation.json` and `curves.parquet`; without one nothing
        is written. What is there of them is replaced.
    beside
        Where voxels count, and the scan. With the scan come the evaluations of its grey values,
        last.
    config
        What is counted, and which pores are matched.
    run
        How to run; changes no figure.

    Raises
    ------
    TypeError, ValueError
        As `poroscale.segment.evaluate_scores`.
    """
    beside, config, run = beside or Beside(), config or EvaluateConfig(), run or Run()
    volumes, known = _named([_opened(each) for each in scores]), _opened(truth)
    if beside.scan is not None and beside.scan.shape != known.shape:
        raise ValueError(f"scan must have the truth's shape {known.shape}, got {beside.scan.shape}")
    with connect(run) as shared, _working(out_dir) as (folder, work):
        baselines = _baselines(volumes, known, work, beside=beside, config=config, run=shared)
        every = volumes | baselines
        found = [
            one.as_baseline() if one.name in baselines else one
            for one in _evaluated(every, known, work, beside=beside, config=config, run=shared)
        ]
        if folder is not None:
            pictures = _pictures(every, found, known, beside=beside, run=shared)
            write_evaluation(found, folder, truth=_name(known), pictures=pictures)
        return found


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
            "or leave the grey values out by --no-baselines"
        )
    kind = Truth.of(truth, config.truth, run=run).kind
    flood = beside.inside is None and (kind != "phases" or config.everywhere)
    folder = work / f"grey {digest_of([input_identity(beside.scan), flood])[:12]}"
    return grey_baselines(beside.scan, folder, flood=flood, run=run)


def _opened(volume: Source) -> Volume:
    return volume if isinstance(volume, Volume) else Volume.open(volume)


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
