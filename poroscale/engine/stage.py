"""One pass over the blocks of a volume: planned, journalled, run on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.byte_words import bytes_in_words
from poroscale.engine.grid import BlockGrid, Box
from poroscale.engine.jobs.job import Job, free_space
from poroscale.engine.jobs.journal import Record
from poroscale.engine.jobs.output import Output
from poroscale.engine.passes import Pass
from poroscale.engine.plan import (
    Need,
    Plan,
    TooLittleMemoryError,
    growth_bytes,
    make_plan,
    release_kept_memory,
    release_memory,
)
from poroscale.engine.run import Run
from poroscale.engine.workers.cluster import cluster_of
from poroscale.engine.workers.names import full_title, words_of
from poroscale.engine.workers.progress import progress
from poroscale.engine.workers.retries import Work
from poroscale.engine.workers.running import Cluster
from poroscale.kernels.pyramid import coarsen
from poroscale.volume import Shape, VolumeSpec

BlockTask = Callable[..., tuple[NDArray[Any] | None, Mapping[str, NDArray[Any]]]]


@dataclass(frozen=True)
class Stage:
    """One pass over the blocks of a volume: the task, the tiling, and what it needs.

    Attributes
    ----------
    task
        `task(output, number, box) -> (voxels or None, partial result)`. `output` is None in
        `gather`, which writes nothing.
    shape, chunks
        Of the volume that is passed over [voxels].
    need
        Memory that the pass takes, from which the block is chosen.
    title
        Title of the pass, as "phases". With the name of the job before it, it
        stands in progress lines, and names the tasks.
    level
        Level of the pyramid that is written; 0 is the volume itself.
    settled
        Whether an earlier pass has chosen the block with the need of this one, too. The plan then
        keeps to that block, and does not refuse it.
    told_grid
        Whether the task is also given `grid`, because it reads what other blocks have logged.
    work
        Time that a block takes, in any unit, where blocks differ. The longest go first, so that
        none is left running when all workers but one are done. Their order changes no byte.
    """

    task: BlockTask
    shape: Shape
    chunks: Shape
    need: Need
    title: str = ""
    level: int = 0
    settled: bool = False
    told_grid: bool = False
    work: Callable[[Box], float] | None = None

    @property
    def first(self) -> int:
        """Number that the journal adds to block numbers, so that levels do not share them."""
        return self.level << _LEVEL_BITS


_LEVEL_BITS = 40


def run_job(
    task: BlockTask,
    out: Path,
    *,
    recipe: Mapping[str, Any],
    spec: VolumeSpec,
    declared: Pass,
    run: Run,
) -> None:
    """Make the volume `out` and the levels of its pyramid, each from the one below it."""
    title = declared.title or words_of(out, "volume")
    with Job(out, spec, recipe, overwrite=run.overwrite) as job:
        if job.finished is None:
            stage = Stage(task, spec.shape, spec.chunk_shape, declared.need, title=title)
            records = run_stage(stage, job, run)
            job.finish(records | build_levels(job, spec, run))


def build_levels(job: Job, spec: VolumeSpec, run: Run) -> dict[int, Record]:
    """Records of all coarser levels of the volume that `job` has just written."""
    records: dict[int, Record] = {}
    for level in range(1, spec.levels):
        coarse = spec.at_level(level)
        how = spec.pyramid or "mean"
        task = partial(_coarsen_block, fine=spec.at_level(level - 1), how=how)
        need = Need(write=coarse.dtype.itemsize, temporary=9 * coarse.dtype.itemsize + 8)
        title = f"{words_of(job.path, 'volume')} level {level}"
        stage = Stage(task, coarse.shape, coarse.chunk_shape, need, title=title, level=level)
        records |= run_stage(stage, job, run)
    return records


def _coarsen_block(
    output: Output, _number: int, box: Box, *, fine: VolumeSpec, how: str
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    twice = Box(_doubled(box.origin), _doubled(box.shape)).clipped(fine.shape)
    voxels = output.read_unfinished(twice, fine, level=output.level - 1)
    return coarsen(voxels, how=how), {}


def _doubled(index: Shape) -> Shape:
    return 2 * index[0], 2 * index[1], 2 * index[2]


def run_stage(stage: Stage, job: Job, run: Run) -> dict[int, Record]:
    """Run what is not in the journal yet; the records of all blocks, by their journal number."""
    run = run.but(block=stage.chunks if stage.level else job.frozen_block or run.block)
    with cluster_of(run) as cluster:
        plan = _plan_of(stage, run, cluster)
        _check_disk(plan, job.path)
        grid = plan.grid if stage.level else job.freeze(plan.grid)
        if stage.told_grid:
            stage = replace(stage, task=partial(stage.task, grid=grid))
        wanted = range(stage.first, stage.first + len(grid))
        known = job.intact_records()
        records = {number: known[number] for number in wanted if number in known}
        task = partial(_journalled, output=job.output_at(stage.level), grid=grid, stage=stage)
        title = full_title(run.job, stage.title)
        with progress(title, total=len(grid), done=len(records), show=run.progress) as advance:

            def collect(record: Record) -> None:
                records[record.block] = record
                advance()

            left = [number for number in wanted if number not in records]
            work = Work(task, title, str(job.path), stage.first, plan.workers)
            cluster.run(work, _dearest_first(left, stage, grid), collect)
    release_memory()
    return records


def _dearest_first(numbers: list[int], stage: Stage, grid: BlockGrid) -> list[int]:
    work = stage.work
    if work is None:
        return numbers
    return sorted(numbers, key=lambda number: -work(grid[number - stage.first]))


def gather(stage: Stage, run: Run, take: Callable[[int, Any], None]) -> None:
    """Run a stage that writes nothing; `take(number, gift)` gets every block's partial result."""
    with cluster_of(run) as cluster:
        plan = _plan_of(stage, run, cluster)
        task = partial(_gathered, grid=plan.grid, stage=stage)
        blocks = range(len(plan.grid))
        title = full_title(run.job, stage.title)
        with progress(title, total=len(blocks), done=0, show=run.progress) as advance:

            def collect(found: tuple[int, Any]) -> None:
                take(*found)
                advance()

            cluster.run(Work(task, title, at_a_time=plan.workers), blocks, collect)
    release_memory()


def _gathered(number: int, *, grid: BlockGrid, stage: Stage) -> tuple[int, dict[str, NDArray[Any]]]:
    """One task; arrays are copied, for a view would pin its whole block."""
    _, found = stage.task(None, number, grid[number])
    kept = {name: np.array(array) for name, array in found.items()}
    del found
    release_kept_memory()
    return number, kept


def plan_stages(
    spec: VolumeSpec, stages: Mapping[str, Need], run: Run, *, libraries: tuple[str, ...] = ()
) -> dict[str, Plan]:
    """The plan of every stage of a job, before its first one starts.

    Parameters
    ----------
    spec
        The volume over whose blocks the stages pass.
    stages
        Need of each, by its name.
    libraries
        Of `LIBRARIES`, what is imported between the stages.

    Raises
    ------
    MemoryError
        If the budget cannot hold a stage. It names the one that needs most, so that a job that is
        given what it asks for is not refused again for another stage.
    """
    known = {*libraries, *(name for need in stages.values() for name in need.libraries)}
    plans: dict[str, Plan] = {}
    refused: dict[str, Plan] = {}
    growth = growth_bytes(known)
    with cluster_of(run) as cluster:
        staff = cluster.staff(run)
    for title, need in stages.items():
        whole = replace(need, libraries=tuple(sorted(known)), driver=need.driver + growth)
        try:
            plans[title] = make_plan(
                spec.shape, spec.chunk_shape, whole, staff=staff, block=run.block
            )
        except TooLittleMemoryError as error:
            refused[title] = error.plan
    if refused:
        worst = max(refused, key=lambda title: refused[title].short)
        raise TooLittleMemoryError(refused[worst], worst)
    return plans


def _plan_of(stage: Stage, run: Run, cluster: Cluster) -> Plan:
    return make_plan(
        stage.shape,
        stage.chunks,
        stage.need,
        staff=cluster.staff(run),
        block=run.block,
        settled=stage.settled,
    )


def _journalled(number: int, *, output: Output, grid: BlockGrid, stage: Stage) -> Record:
    """One task: what the journal knows is not done again, also when dask asks twice."""
    record = output.journal.find(number)
    if record is None or not output.has(record):
        box = grid[number - stage.first]
        record = output.publish(number, box, *stage.task(output, number - stage.first, box))
        release_kept_memory()
    return record


def _check_disk(plan: Plan, out: Path) -> None:
    free = free_space(out)
    if plan.disk > 20 * free:
        raise OSError(
            f"{out} can take {bytes_in_words(plan.disk)} and {bytes_in_words(free)} are free"
        )
