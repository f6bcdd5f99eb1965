"""Statistics of a volume of phases: numbers, curves and a page in a folder."""

from __future__ import annotations

from pathlib import Path

from poroscale.engine import JobPlan, Run, connect
from poroscale.engine.jobs.work import held_folder
from poroscale.report.pages.statistics_page import write_statistics
from poroscale.statistics.summary import (
    StatisticsConfig,
    VolumeStatistics,
    plan_statistics,
    volume_statistics,
)
from poroscale.verb import Section, verb
from poroscale.volume import Volume


def plan_stats(
    volume: Volume,
    *,
    inside: Volume | None = None,
    config: StatisticsConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `stats`, with the same arguments."""
    return plan_statistics(volume, inside=inside, config=config, run=run)


@verb(
    "stats",
    Section.of("statistics", StatisticsConfig),
    volumes=("volume", "inside"),
    plan="plan_stats",
)
def stats(
    volume: Volume,
    out_dir: str | Path | None = None,
    *,
    inside: Volume | None = None,
    config: StatisticsConfig | None = None,
    run: Run | None = None,
) -> VolumeStatistics:
    """Measure fractions, surfaces, curvatures, chords and correlations of phases.

    Parameters
    ----------
    volume
        Phases: integers or bool, 32 values at most. A 2D image is a volume of one slice. In phases
        that `segment` wrote, what is outside the part does not count.
    out_dir
        Folder for `statistics.json`, `curves.parquet` and `statistics.html`; without one nothing is
        written. What is there of them is replaced.
    inside
        Mask or phases; voxels count where it is not 0.
    config
        Statistics that are wanted.
    run
        Memory, workers and cluster.

    Raises
    ------
    TypeError, ValueError
        As `poroscale.statistics.volume_statistics`.
    MemoryError
        If the budget cannot hold one of the passes; nothing has been done then.
    """
    run = run or Run()
    with connect(run, job="stats") as shared:
        found = volume_statistics(volume, inside=inside, config=config, run=shared)
    if out_dir is not None:
        folder = Path(out_dir)
        with held_folder(folder):
            write_statistics(found, folder, name=volume.path.name)
    return found
