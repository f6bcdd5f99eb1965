"""All statistics of a volume of phases: numbers for each phase, and curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any, Literal, get_args

import numpy as np
from pydantic import field_validator

from poroscale.config import Config
from poroscale.engine import JobPlan, Run, plan_job
from poroscale.statistics import measures
from poroscale.statistics.cluster_function import plan_clusters
from poroscale.statistics.counting import PhaseCounts, count_phases, counting_pass
from poroscale.statistics.curves import Curves
from poroscale.statistics.measures import Numbers, Subject
from poroscale.statistics.pair_counting import PairWork, in_slabs, reach_of
from poroscale.statistics.phases import MOST, PhaseMap, is_phases, phase_map, sampled_map
from poroscale.statistics.thickness import plan_thickness
from poroscale.volume import PHASES, Volume

Statistic = Literal[
    "surface",
    "minkowski",
    "triple_line",
    "chords",
    "lineal_path",
    "s2",
    "connectivity",
    "c2",
    "thickness",
]


class StatisticsConfig(Config):
    """Statistics that are wanted.

    Attributes
    ----------
    phase
        Value of the only phase that is measured; None measures every phase.
    which
        Names of the statistics, with commas between them: surface, minkowski, triple_line, chords,
        lineal_path, s2, connectivity, c2, thickness; None takes all. The fraction is always given.
    lags
        Largest lag of S2 and C2 along each axis [voxels]; None takes 64, or a quarter of the
        longest edge where that is less.
    largest_um
        Largest diameter of the local thickness [um]: thicker places count as this thick. None
        takes 128 voxel edges.
    """

    phase: int | None = None
    which: tuple[Statistic, ...] | None = None
    lags: int | None = None
    largest_um: float | None = None

    @field_validator("which", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """Names of one string, as the command line takes them."""
        return [name.strip() for name in given.split(",")] if isinstance(given, str) else given

    @field_validator("which")
    @classmethod
    def _once(cls, given: tuple[Statistic, ...] | None) -> tuple[Statistic, ...] | None:
        """Each name once, where it comes first."""
        return None if given is None else tuple(dict.fromkeys(given))

    @property
    def wanted(self) -> tuple[Statistic, ...]:
        """Names of the statistics that are measured."""
        return EVERY if self.which is None else self.which


@dataclass(frozen=True)
class VolumeStatistics:
    """Statistics of a volume.

    Attributes
    ----------
    numbers
        JSON: `phases`, by phase value, a number for each name of `docs/statistics.md`; `part`,
        numbers of all phases together; `settings`. None stands for a number that is not defined.
    curves
        Curves over lag or length.
    """

    numbers: Numbers
    curves: Curves

    def phase(self, value: int) -> Numbers:
        """Numbers of one phase.

        Raises
        ------
        ValueError
            If it was not measured.
        """
        phases: dict[str, Numbers] = self.numbers["phases"]
        if (name := str(int(value))) not in phases:
            raise ValueError(f"`value` must be one of {', '.join(phases)}, got {value}")
        return phases[name]


def volume_statistics(
    volume: Volume,
    *,
    config: StatisticsConfig | None = None,
    inside: Volume | None = None,
    run: Run | None = None,
) -> VolumeStatistics:
    """Measure the statistics of a volume of phases.

    Parameters
    ----------
    volume
        Phases: integers or bool, 32 values at most. A 2D image is a volume of one slice. In phases
        that `segment` wrote, what is outside the part does not count.
    config
        Statistics that are wanted.
    inside
        Mask or phases of the same shape; voxels where it is 0 do not count.
    run
        Memory, workers and cluster.

    Raises
    ------
    TypeError
        If the volume holds floats.
    ValueError
        If it holds too many values, not the phase that is asked for, or no voxel of the part, if
        the mask has another shape, voxel size or place, or if lags are longer than the volume.
    MemoryError
        If the budget cannot hold one of the passes; nothing has been done then.
    """
    config, run = config or StatisticsConfig(), run or Run()
    _check(volume, inside)
    shown = _shown_phases(volume, config)
    _plan(volume, shown, config, inside, run)  # refuses what cannot be done
    shown = shown or phase_map(volume, run=run)
    counts = count_phases(volume, phases=shown, inside=inside, run=run)
    if not counts.part_voxels:
        raise ValueError(f"{volume.path} must have voxels that count, got none inside")
    codes = _measured(volume, counts, config.phase)
    subject = Subject(volume, counts, inside, run, codes, config.lags, config.largest_um)
    for code in codes:
        voxels = int(counts.voxels[code])
        subject.phases[code] = {"voxels": voxels, "fraction": voxels / counts.part_voxels}
    for name, measure in _MEASURES.items():
        if name in config.wanted:
            measure(subject)
    return VolumeStatistics(_numbers(subject, config), subject.curves)


def plan_statistics(
    volume: Volume,
    *,
    config: StatisticsConfig | None = None,
    inside: Volume | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `volume_statistics`, with the same arguments; samples of the volume are read."""
    config, run = config or StatisticsConfig(), run or Run()
    _check(volume, inside)
    return _plan(volume, _shown_phases(volume, config), config, inside, run)


def plan_known_statistics(
    volume: Volume,
    phases: PhaseMap,
    *,
    config: StatisticsConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `volume_statistics` where the phases are known: the volume need not exist yet."""
    return _plan(volume, phases, config or StatisticsConfig(), None, run or Run())


def _plan(
    volume: Volume,
    shown: PhaseMap | None,
    config: StatisticsConfig,
    inside: Volume | None,
    run: Run,
) -> JobPlan:
    """The plan of a volume whose samples show some phases."""
    phases = MOST if shown is None else shown.count
    masked = inside is not None or (shown is not None and shown.outside is not None)
    reads = [volume.dtype] if inside is None else [volume.dtype, inside.dtype]
    counting = counting_pass(volume.shape, reads=reads, phases=phases, masked=masked)
    stages = dict(plan_job(volume.spec, {counting.title: counting}, run).stages)
    if "s2" in config.wanted:
        counted = phases if config.phase is None and phases != 2 else 1
        work = PairWork.of(counted, reach_of(volume.shape, config.lags), masked=masked)
        declared, slabs = in_slabs(volume, reads, work, run)
        stages |= plan_job(volume.spec, {declared.title: declared}, slabs).stages
    if {"connectivity", "c2"} & set(config.wanted):
        lags = max(reach_of(volume.shape, config.lags)) if "c2" in config.wanted else None
        stages |= plan_clusters(volume, lags=lags, inside=inside, run=run).stages
    if "thickness" in config.wanted:
        wide = config.largest_um
        stages |= plan_thickness(volume, largest_um=wide, inside=inside, run=run).stages
    return JobPlan(stages, {})


def _check(volume: Volume, inside: Volume | None) -> None:
    if inside is None:
        return
    if inside.shape != volume.shape:
        raise ValueError(
            f"`inside` must have the shape {volume.shape} of the volume, got {inside.shape}"
        )
    if not np.allclose(inside.voxel_size, volume.voxel_size, rtol=1e-6):
        raise ValueError(
            f"`inside` must have the voxel size {volume.voxel_size} um of the volume, got "
            f"{inside.voxel_size}"
        )
    if inside.origin != volume.origin and _has_place(inside) and _has_place(volume):
        raise ValueError(
            f"the mask {inside.path} must begin at the voxel {volume.origin} of the scan, as "
            f"{volume.path} does, got {inside.origin}; crop both with one box"
        )


def _has_place(volume: Volume) -> bool:
    """False for a file or an array that was ingested and names no place: it begins at 0."""
    return any(volume.origin) or "source" not in volume.attributes


def _shown_phases(volume: Volume, config: StatisticsConfig) -> PhaseMap | None:
    """The phases that samples show; None where they show too many and none is asked for.

    If one is asked for, it and all the rest are the phases of a volume of too many values.
    """
    shown = sampled_map(volume)
    if shown is not None or config.phase is None:
        return shown
    return PhaseMap((config.phase,), PHASES["outside"] if is_phases(volume) else None, rest=True)


def _measured(volume: Volume, counts: PhaseCounts, phase: int | None) -> list[int]:
    """Codes of the phases that are measured: all that the part holds, or the one asked for.

    Raises
    ------
    ValueError
        If the part does not hold the phase that is asked for.
    """
    values = counts.phases.values
    held = [code for code in range(len(values)) if counts.voxels[code]]
    if phase is None:
        return held
    if (code := counts.phases.code(phase)) in held:
        return [code]
    known = ", ".join(str(values[each]) for each in held) or "other values only"
    raise ValueError(f"{volume.path} must hold the phase {phase} within the part, got {known}")


def _numbers(subject: Subject, config: StatisticsConfig) -> Numbers:
    counts = subject.counts
    shares = counts.part_voxels / prod(counts.shape)
    return {
        "phases": {str(subject.value(c)): _plain(found) for c, found in subject.phases.items()},
        "part": _plain({"voxels": counts.part_voxels, "share_of_volume": shares} | subject.part),
        "settings": {
            "shape": list(counts.shape),
            "voxel_size_um": list(counts.voxel_size),
            "lags": config.lags,
            "which": list(config.wanted),
            "masked": subject.inside is not None,
        },
    }


def _plain(numbers: Mapping[str, Any]) -> Numbers:
    """Numbers as JSON has them; None for those that are not defined."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in numbers.items()
    }


_MEASURES: dict[Statistic, Callable[[Subject], None]] = {
    "surface": measures.add_surface,
    "minkowski": measures.add_minkowski,
    "triple_line": measures.add_triple_line,
    "chords": measures.add_chords,
    "lineal_path": measures.add_lineal_path,
    "s2": measures.add_s2,
    "c2": measures.add_c2,  # Before the connectivity, which then needs no labels of its own.
    "connectivity": measures.add_connectivity,
    "thickness": measures.add_thickness,
}
"""Statistics in the order in which they are measured."""
EVERY: tuple[Statistic, ...] = get_args(Statistic)
"""Names of all statistics."""
