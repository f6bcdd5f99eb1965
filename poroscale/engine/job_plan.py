"""The plan of a whole job: memory and disk of every stage, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from poroscale.engine.grid import BlockGrid
from poroscale.engine.passes import Passes, needs_of
from poroscale.engine.plan import SMALL, Plan, baseline_bytes, growth_bytes, in_mib
from poroscale.engine.run import Run
from poroscale.engine.stage import plan_stages
from poroscale.volume import VolumeSpec


@dataclass(frozen=True)
class JobPlan:
    """Plan of what a job will take; `str` states it in words.

    Attributes
    ----------
    stages
        The plan of each pass over blocks, by its title, in the order in which they run.
    notes
        Other facts known before the start, by name: "time".
    jobs
        The plans of the jobs that this one is made of, by the name of their input.
    """

    stages: Mapping[str, Plan] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, JobPlan] = field(default_factory=dict)

    @property
    def peak(self) -> int:
        """Peak memory [bytes]; jobs run one after the other."""
        stages = (plan.projected for plan in self.stages.values())
        return max([*stages, *(job.peak for job in self.jobs.values())], default=0)

    @property
    def disk(self) -> int:
        """Bytes that the outputs, and what lies beside them meanwhile, can take at most."""
        stages = sum(plan.disk for plan in self.stages.values())
        return stages + sum(job.disk for job in self.jobs.values())

    def __str__(self) -> str:
        lines = [f"{title:<16} {plan}" for title, plan in self.stages.items()]
        if self.stages:
            total = f"peak {in_mib(self.peak)} of memory, at most {in_mib(self.disk)} on disk"
            lines.append(f"{'all':<16} {total}")
        lines += [f"{word:<16} {text}" for word, text in self.notes.items()]
        lines += [f"{name}\n{job}" for name, job in self.jobs.items()]
        return "\n".join(lines)


def plan_job(
    spec: VolumeSpec,
    passes: Passes,
    run: Run,
    *,
    libraries: tuple[str, ...] = (),
    notes: Mapping[str, str] | None = None,
) -> JobPlan:
    """The plan of the passes over the blocks of a volume.

    Parameters
    ----------
    spec
        The volume.
    passes
        Needs of the passes over it, by title.
    run
        Budget, block and workers.
    libraries
        Of `engine.plan.LIBRARIES`, what is imported between the passes.
    notes
        As in `JobPlan`.

    Raises
    ------
    MemoryError
        If the budget cannot hold a pass; it names the one that needs most.
    """
    stages = plan_stages(spec, needs_of(passes), run, libraries=libraries)
    return JobPlan(stages, dict(notes or {}))


def driver_plan(
    grid: BlockGrid, task: int, run: Run, *, disk: int = 0, libraries: tuple[str, ...] = ()
) -> Plan:
    """The plan of work that the driving process does by itself, box by box.

    Parameters
    ----------
    grid
        The boxes.
    task
        Bytes that one of them takes.
    run
        The budget.
    disk
        Bytes of the output.
    libraries
        Of `engine.plan.LIBRARIES`, what the work imports.
    """
    before = baseline_bytes(libraries) + SMALL
    return Plan(grid, 1, task, before, growth_bytes(libraries), run.memory_bytes, disk)


def planned(run: Run, plan: Callable[..., JobPlan]) -> Run:
    """`run` for the steps of a job that `plan(run=run)` says fits; MemoryError as that.

    A job that is a step of a larger one was planned with it, and is not planned again.
    """
    if not run.planned:
        plan(run=run)
    return run.but(planned=True)
