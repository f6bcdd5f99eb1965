"""All statistics of a volume of phases: numbers for each phase, and curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any, Literal

import numpy as np

from poroscale.config import Config
from poroscale.engine import JobPlan, Run, plan_job
from poroscale.statistics.correlation import Correlations
from poroscale.statistics.counting import PhaseCounts, count_phases, counting_pass
from poroscale.statistics.curves import Curves
from poroscale.statistics.morphology import (
    Contacts,
    chord_lengths,
    lineal_path,
    minkowski,
    triple_line,
)
from poroscale.statistics.pair_counting import correlations, in_slabs, reach_of
from poroscale.statistics.phases import MOST, PhaseMap, is_phases, sampled_map
from poroscale.volume import PHASES, Volume

Statistic = Literal["surface", "minkowski", "triple_line", "chords", "lineal_path", "s2"]
EVERY: tuple[Statistic, ...] = (
    "surface",
    "minkowski",
    "triple_line",
    "chords",
    "lineal_path",
    "s2",
)
"""Names of all statistics."""
AXES = "zyx"
Numbers = dict[str, Any]


class StatisticsConfig(Config):
    """Statistics that are wanted.

    Attributes
    ----------
    phase
        Value of the only phase that is measured; None measures every phase.
    which
        Names of the statistics, with commas between them: surface, minkowski, triple_line, chords,
        lineal_path, s2; None takes all. The fraction is always given.
    lags
        Largest lag of S2 along each axis [voxels]; None takes 64, or a quarter of the longest edge
        where that is less.
    """

    phase: int | None = None
    which: tuple[Statistic, ...] | None = None
    lags: int | None = None

    @property
    def wanted(self) -> tuple[Statistic, ...]:
        """Names of the statistics that are measured."""
        return self.which or EVERY


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
        """Numbers of one phase."""
        found: Numbers = self.numbers["phases"][str(value)]
        return found


@dataclass
class _Subject:
    """The volume, what has been counted of it, and what is found."""

    volume: Volume
    counts: PhaseCounts
    inside: Volume | None
    config: StatisticsConfig
    run: Run
    codes: list[int]
    phases: dict[int, Numbers] = field(default_factory=dict)
    part: Numbers = field(default_factory=dict)
    curves: Curves = field(default_factory=Curves)

    def value(self, code: int) -> int:
        return self.counts.phases.values[code]

    def others(self, code: int) -> list[int]:
        return [k for k in range(self.counts.phases.count) if k != code]


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
        If it holds too many values, not the phase that is asked for, or no voxel of the part, or
        if lags are longer than the volume.
    """
    config, run = config or StatisticsConfig(), run or Run()
    _check(volume, inside)
    counts = count_phases(volume, phases=_lumped(volume, config), inside=inside, run=run)
    if not counts.part_voxels:
        raise ValueError(f"{volume.path} must have voxels that count, got none inside")
    known = range(len(counts.phases.values))
    codes = list(known) if config.phase is None else [counts.phases.code(config.phase)]
    for code in codes:
        if not counts.voxels[code]:
            _refuse_absent(volume, counts, counts.phases.values[code])
    subject = _Subject(volume, counts, inside, config, run, codes)
    for code in codes:
        voxels = int(counts.voxels[code])
        subject.phases[code] = {"voxels": voxels, "fraction": voxels / counts.part_voxels}
    for name in EVERY:
        if name in config.wanted:
            _MEASURES[name](subject)
    return VolumeStatistics(_numbers(subject), subject.curves)


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
    guess = _lumped(volume, config) or sampled_map(volume)
    phases = MOST if guess is None else guess.count
    masked = inside is not None or (guess is not None and guess.outside is not None)
    reads = [volume.dtype] if inside is None else [volume.dtype, inside.dtype]
    counting = counting_pass(volume.shape, reads=reads, phases=phases, masked=masked)
    stages = dict(plan_job(volume.spec, {counting.title: counting}, run).stages)
    if "s2" in config.wanted:
        fields = (phases if config.phase is None and phases != 2 else 1) + masked
        reach = reach_of(volume.shape, config.lags)
        declared, slabs = in_slabs(volume, reads, fields, reach, run)
        stages |= plan_job(volume.spec, {declared.title: declared}, slabs).stages
    return JobPlan(stages, {})


def _check(volume: Volume, inside: Volume | None) -> None:
    if inside is not None and inside.shape != volume.shape:
        raise ValueError(
            f"`inside` must have the shape {volume.shape} of the volume, got {inside.shape}"
        )


def _lumped(volume: Volume, config: StatisticsConfig) -> PhaseMap | None:
    """One phase and all the rest, for a volume whose other values are too many to be phases."""
    if config.phase is None or sampled_map(volume) is not None:
        return None
    return PhaseMap((config.phase,), PHASES["outside"] if is_phases(volume) else None, rest=True)


def _refuse_absent(volume: Volume, counts: PhaseCounts, value: int) -> None:
    held = [v for v, n in zip(counts.phases.values, counts.voxels, strict=False) if n]
    raise ValueError(f"{volume.path} must hold the phase {value} within the part, got {held}")


def _numbers(subject: _Subject) -> Numbers:
    counts = subject.counts
    shares = counts.part_voxels / prod(counts.shape)
    return {
        "phases": {str(subject.value(c)): _plain(found) for c, found in subject.phases.items()},
        "part": _plain({"voxels": counts.part_voxels, "share_of_volume": shares} | subject.part),
        "settings": {
            "shape": list(counts.shape),
            "voxel_size_um": list(counts.voxel_size),
            "lags": subject.config.lags,
            "which": list(subject.config.wanted),
            "masked": subject.inside is not None,
        },
    }


def _plain(numbers: Mapping[str, Any]) -> Numbers:
    """Numbers as JSON has them; None for those that are not defined."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in numbers.items()
    }


def _surface(subject: _Subject) -> None:
    contacts = Contacts.of(subject.counts)
    for code, found in subject.phases.items():
        others = subject.others(code)
        found["surface_faces_per_um"] = contacts.faces([code], others)
        found["surface_crofton_per_um"] = contacts.interface([code], others)


def _minkowski(subject: _Subject) -> None:
    for code, found in subject.phases.items():
        body = minkowski(subject.counts, code)
        found |= {
            "volume_um3": body.volume_um3,
            "body_surface_um2": body.surface_um2,
            "mean_breadth_um": body.mean_breadth_um,
            "integral_mean_curvature_um": body.integral_mean_curvature_um,
            "euler_6": body.euler_6,
            "euler_26": body.euler_26,
        }


def _triple_line(subject: _Subject) -> None:
    if subject.counts.phases.count < 3:
        return
    line = triple_line(subject.counts)
    subject.part["triple_line_edges_per_um2"] = line.edges_per_um2
    subject.part["triple_line_smoothed_per_um2"] = line.smoothed_per_um2


def _chords(subject: _Subject) -> None:
    counts, contacts = subject.counts, Contacts.of(subject.counts)
    for code, found in subject.phases.items():
        for axis, name in enumerate(AXES):
            chords = chord_lengths(counts, contacts, code, axis)
            step = counts.voxel_size[axis]
            found[f"mean_chord_{name}_um"] = chords.mean_um
            density = chords.density(step)
            lengths = np.arange(len(density))
            last = int(np.flatnonzero(chords.counts).max(initial=0)) + 1
            kept = slice(1, last + 1)
            subject.curves.add(
                "chord_density", subject.value(code), name, lengths[kept] * step, density[kept]
            )


def _lineal_path(subject: _Subject) -> None:
    for code in subject.phases:
        for axis, name in enumerate(AXES):
            path = lineal_path(subject.counts, code, axis)
            last = int(np.flatnonzero(np.nan_to_num(path)).max(initial=0)) + 2
            lags = np.arange(len(path))[:last] * subject.counts.voxel_size[axis]
            subject.curves.add("lineal_path", subject.value(code), name, lags, path[:last])


def _s2(subject: _Subject) -> None:
    counts = subject.counts
    found = correlations(
        subject.volume,
        phases=counts.phases,
        pairs=[(code, code) for code in subject.codes],
        lags=subject.config.lags,
        inside=subject.inside,
        run=subject.run,
    )
    for code, numbers in subject.phases.items():
        numbers["fraction_std"] = found.fraction_deviation(code)
        numbers["surface_s2_per_um"] = found.surface(code)
        numbers["correlation_length_um"] = found.correlation_length(code)
        _add_s2(subject, found, code)


def _add_s2(subject: _Subject, found: Correlations, code: int) -> None:
    value = subject.value(code)
    for axis, name in enumerate(AXES):
        along = found.along(code, code, axis)
        if len(along) > 1:
            step = found.voxel_size[axis]
            subject.curves.add("s2", value, name, np.arange(len(along)) * step, along)
    radial = found.radial(code, code)
    lags = np.arange(len(radial)) * found.step
    subject.curves.add("s2", value, "radial", lags, radial)
    subject.curves.add("correlation", value, "radial", lags, found.correlation(code))


_MEASURES: dict[Statistic, Callable[[_Subject], None]] = {
    "surface": _surface,
    "minkowski": _minkowski,
    "triple_line": _triple_line,
    "chords": _chords,
    "lineal_path": _lineal_path,
    "s2": _s2,
}
