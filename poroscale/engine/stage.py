"""One pass over the blocks of a volume: planned, journalled, run on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from poroscale.engine.cluster import cluster_of
from poroscale.engine.grid import BlockGrid, Box
from poroscale.engine.journal import Record
from poroscale.engine.output import Job, Output, free_space
from poroscale.engine.plan import Need, Plan, make_plan
from poroscale.engine.progress import progress
from poroscale.engine.run import Run
from poroscale.volume import Shape, VolumeSpec

BlockTask = Callable[[Output, int, Box], tuple[NDArray[Any] | None, Mapping[str, NDArray[Any]]]]


@dataclass(frozen=True)
class Stage:
    """One pass over the blocks of a volume: the task, the tiling, and what it needs."""

    task: BlockTask
    shape: Shape
    chunks: Shape
    need: Need
    title: str = ""


def run_job(
    task: BlockTask,
    out: Path,
    *,
    recipe: Mapping[str, Any],
    spec: VolumeSpec,
    need: Need,
    run: Run,
) -> None:
    """Make the volume `out` in one pass, unless it is there."""
    assert spec.chunks is not None
    with Job(out, spec, recipe, overwrite=run.overwrite) as job:
        if job.finished is None:
            stage = Stage(task, spec.shape, spec.chunks, need, title=out.name)
            job.finish(run_stage(stage, job, run))


def run_stage(stage: Stage, job: Job, run: Run) -> dict[int, Record]:
    """Run what is not in the journal yet; the records of all blocks, by number."""
    run = run.but(block=job.frozen_block or run.block)
    with cluster_of(run) as cluster:
        plan = make_plan(
            stage.shape,
            stage.chunks,
            stage.need,
            run=run,
            workers=cluster.workers,
            processes=cluster.processes,
        )
        _check_disk(plan, job.path)
        grid = job.freeze(plan.grid)
        records = job.journal.records()
        missing = [number for number in range(len(grid)) if number not in records]
        task = partial(_journalled, output=job.output, grid=grid, task=stage.task)
        with progress(
            stage.title, total=len(grid), done=len(records), show=run.progress
        ) as advance:

            def collect(record: Record) -> None:
                records[record.block] = record
                advance()

            cluster.run(task, missing, collect)
    return records


def _journalled(number: int, *, output: Output, grid: BlockGrid, task: BlockTask) -> Record:
    """One task: what the journal knows is not done again, also when dask asks twice."""
    record = output.journal.find(number)
    if record is None:
        box = grid[number]
        voxels, partial_result = task(output, number, box)
        record = output.publish(number, box, voxels, partial_result)
    return record


def _check_disk(plan: Plan, out: Path) -> None:
    free = free_space(out)
    if plan.disk > 20 * free:
        raise OSError(f"{out} can take {plan.disk / 1e9:.1f} GB and {free / 1e9:.1f} GB are free")
