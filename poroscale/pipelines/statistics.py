"""Statistics and topology of a volume: numbers, curves and a page in a folder."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from poroscale.engine import JobPlan, Run, connect, plan_job
from poroscale.engine.jobs.work import held_folder
from poroscale.report.pages.statistics_page import write_statistics
from poroscale.report.pages.topology_page import write_topology
from poroscale.statistics.phases import check_held
from poroscale.statistics.summary import (
    StatisticsConfig,
    VolumeStatistics,
    plan_statistics,
    volume_statistics,
)
from poroscale.statistics.topology.betti import VolumeTopology, topology_pass, volume_topology
from poroscale.statistics.topology.config import TopologyConfig, filtration_of
from poroscale.verb import Section, verb
from poroscale.volume import Volume

COMPARISON = "comparison.json"
"""Numbers of `compare_microstructure`, whose folder has a `curves.parquet` too."""


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
    with ExitStack() as held:
        if out_dir is not None:  # before hours of work, whose results could not be written
            _refuse_folder(Path(out_dir), [volume, inside], others=("topology.json", COMPARISON))
            held.enter_context(held_folder(Path(out_dir)))
        with connect(run, job="stats") as shared:
            found = volume_statistics(volume, inside=inside, config=config, run=shared)
        if out_dir is not None:
            write_statistics(found, Path(out_dir), name=volume.path.name)
    return found


@verb("topology", Section.of("topology", TopologyConfig), volumes=("volume",), plan="plan_topology")
def topology(
    volume: Volume,
    out_dir: str | Path,
    *,
    config: TopologyConfig | None = None,
    run: Run | None = None,
) -> VolumeTopology:
    """Count components, handles and cavities of a volume, level by level.

    Parameters
    ----------
    volume
        Grey values, or phases of which `config.phase` names one; an image where it is one voxel
        thick.
    out_dir
        Folder for `topology.html`, `topology.json`, `curves.parquet` (columns statistic, phase,
        axis, lag_um, value; `lag_um` is the level: a grey value, or a distance [um]) and
        `pairs.parquet` (dimension, birth, death, count). What is there of them is replaced.
    config
        Filtration, levels and connectivity.
    run
        Memory, workers and cluster; changes no byte.

    Returns
    -------
    VolumeTopology
        Curves and pairs, exact for any size of the volume.

    Raises
    ------
    TypeError
        If a phase is asked for and the volume holds floats.
    ValueError
        If the phase is absent or missing, or a grey value is NaN or infinite.
    MemoryError
        If the budget cannot hold one block.
    """
    config, run, out = config or TopologyConfig(), run or Run(), Path(out_dir)
    filtration = filtration_of(config, volume)
    _refuse_folder(out, [volume], others=("statistics.json", COMPARISON))
    with connect(run, job="topology") as shared, held_folder(out) as folder:
        if filtration.phase is not None:
            check_held(volume, filtration.phase, run=shared)
        found = volume_topology(volume, filtration, levels=config.levels, run=shared)
        write_topology(found, filtration, folder, name=volume.path.name)
    return found


def plan_topology(
    volume: Volume, *, config: TopologyConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `topology`, with the same arguments."""
    filtration = filtration_of(config or TopologyConfig(), volume)
    declared = topology_pass(volume.shape, volume.dtype, filtration)
    return plan_job(volume.spec, {declared.title: declared}, run or Run())


def _refuse_folder(out: Path, inputs: Iterable[Volume | None], *, others: Iterable[str]) -> None:
    """Refuse a folder in an input, and one whose `curves.parquet` belongs to another verb.

    Raises
    ------
    ValueError
        Naming the folder.
    """
    for path in (volume.path for volume in inputs if volume is not None):
        if out.resolve().is_relative_to(path.resolve()):
            raise ValueError(f"output must not lie inside the input {path}, got {out}")
    for other in others:
        if (out / other).exists():
            raise ValueError(
                f"{out} holds {other} and the curves.parquet of it, which would be replaced; "
                "choose another folder"
            )
