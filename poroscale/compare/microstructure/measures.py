"""Measures and curves of one sample, from the instruments of `poroscale.statistics`.

A measure of a phase is an array of numbers: one number, one for each axis, or a whole curve. All
samples of a comparison have one shape, so their arrays have one length and can be subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run
from poroscale.statistics.curves import Curve
from poroscale.statistics.summary import Statistic, StatisticsConfig, volume_statistics
from poroscale.statistics.topology.betti import volume_topology
from poroscale.statistics.topology.config import TopologyConfig, filtration_of
from poroscale.volume import Shape, Volume

Floats = NDArray[np.float64]
MeasureKey = tuple[str, int | None]
"""Measure and phase; None is the medium as a whole."""
CurveKey = tuple[str, int, str]
"""Statistic, phase and axis of a curve."""
LAGS_AT_MOST = 64
BETTI_LEVELS = 64
"""Levels of a Betti curve."""
BETTI_REACH = 16
"""Largest distance of a Betti curve [voxels]."""
AXES = ("z", "y", "x")
INSTRUMENTS: dict[str, tuple[Statistic, ...]] = {
    "surface": ("surface", "s2"),
    "s2": ("s2",),
    "lineal_path": ("lineal_path",),
    "chords": ("chords",),
    "connectivity": ("connectivity",),
    "c2": ("c2",),
    "betti": (),
    "thickness": ("thickness",),
    "diffusivity": (),
    "conductivity": (),
    "permeability": (),
}
"""Statistics of `poroscale stats` that give what is compared."""
NUMBERS = {
    "surface": ("surface_crofton_per_um", "surface_s2_per_um"),
    "connectivity": ("connected_fraction",),
    "thickness": ("thickness_mean_um", "thickness_std_um"),
}
"""Numbers of `poroscale stats` that are measures as they are."""
BY_AXIS = {"chords": ("mean_chord_{}_um",), "connectivity": ("percolating_fraction_{}",)}
"""Numbers of each axis that together are a measure; its name is without the axis."""
LINES = {
    "s2": ("s2",),
    "lineal_path": ("lineal_path",),
    "chords": ("chord_density",),
    "c2": ("c2",),
}
"""Curves that are measures."""
OF_NOTHING = {"surface_crofton_per_um", "surface_s2_per_um", "s2", "lineal_path", "c2"}
"""Measures that are 0 of a phase that a sample does not hold; the others are not defined."""


@dataclass
class SampleMeasures:
    """What has been measured of a sample.

    Attributes
    ----------
    values
        Numbers by measure and phase, None of the medium as a whole: float64 of one length in all
        samples. Any measure may be added: it gets its row in the comparison by itself.
    curves
        Lags [um] and values by statistic, phase and axis.
    """

    values: dict[MeasureKey, Floats] = field(default_factory=dict)
    curves: dict[CurveKey, tuple[Floats, Floats]] = field(default_factory=dict)


def lags_within(shape: Shape, lags: int | None) -> int:
    """Largest lag of the curves of a sample [voxels]."""
    longest = max(shape)
    return min(longest - 1, lags or min(LAGS_AT_MOST, longest // 2))


def statistics_config(wanted: Sequence[str], lags: int) -> StatisticsConfig:
    """Settings of `poroscale stats` for a sample."""
    names = [name for each in wanted for name in INSTRUMENTS[each]]
    return StatisticsConfig(which=tuple(dict.fromkeys(names)), lags=lags)


def betti_config(volume: Volume, phase: int) -> TopologyConfig:
    """Settings of `poroscale topology` for a phase of a sample."""
    cap = BETTI_REACH * min(volume.voxel_size)
    return TopologyConfig(phase=phase, cap_um=cap, levels=BETTI_LEVELS)


def measure_sample(
    volume: Volume, phases: int, wanted: Sequence[str], *, lags: int, run: Run
) -> SampleMeasures:
    """Measures of all phases of a sample.

    Parameters
    ----------
    volume
        uint8 phases 0 to `phases` - 1; a phase may be missing.
    phases
        Number of phases.
    wanted
        Names of `CompareMicrostructureConfig.which`.
    lags
        Largest lag of the curves [voxels].
    run
        Memory, workers and cluster.
    """
    found = volume_statistics(volume, config=statistics_config(wanted, lags), run=run)
    lines = {(c.statistic, int(c.phase), c.axis): c for c in found.curves.found}
    measured = SampleMeasures()
    for phase in range(phases):
        numbers = found.numbers["phases"].get(str(phase), {})
        measured.values["fraction", phase] = np.array([numbers.get("fraction", 0.0)])
        for name in wanted:
            _add_numbers(measured, name, phase, numbers, volume.shape)
            for statistic in LINES.get(name, ()):
                _add_lines(measured, statistic, phase, lines, volume=volume, lags=lags)
        if "betti" in wanted:
            _add_betti(measured, volume, phase, run=run)
    return measured


def _add_numbers(
    measured: SampleMeasures, name: str, phase: int, numbers: dict[str, Any], shape: Shape
) -> None:
    """Numbers of one phase; NaN of those that are not defined."""

    def number(key: str) -> float:
        value = numbers.get(key)
        if value is None:
            return 0.0 if key in OF_NOTHING and not numbers else float("nan")
        return float(value)

    for key in NUMBERS.get(name, ()):
        measured.values[key, phase] = np.array([number(key)])
    for pattern in BY_AXIS.get(name, ()):
        axes = [axis for axis, n in zip(AXES, shape, strict=True) if n > 1]
        values = np.array([number(pattern.format(axis)) for axis in axes])
        measured.values[pattern.replace("_{}", ""), phase] = values


def _add_lines(
    measured: SampleMeasures,
    statistic: str,
    phase: int,
    lines: dict[CurveKey, Curve],
    *,
    volume: Volume,
    lags: int,
) -> None:
    """Curves of one phase on the lags 0, 1, 2 ... voxels, and all axes together as a measure."""
    step, first = min(volume.voxel_size), 1 if statistic == "chord_density" else 0
    places = np.arange(first, lags + 1)
    along = [axis for axis, n in zip(AXES, volume.shape, strict=True) if n > 1]
    for axis in ["radial", *along] if statistic == "s2" else along:
        values = np.zeros(len(places))
        if (line := lines.get((statistic, phase, axis))) is not None:
            at = np.rint(line.lag / step).astype(int) - first
            seen = (at >= 0) & (at < len(values))
            values[at[seen]] = line.value[seen]
        measured.curves[statistic, phase, axis] = np.asarray(places * step, np.float64), values
    every = [measured.curves[statistic, phase, axis][1] for axis in along]
    if statistic == "s2":
        measured.values["s2", phase] = measured.curves["s2", phase, "radial"][1]
        measured.values["s2_axes", phase] = np.concatenate(every)
    else:
        measured.values[statistic, phase] = np.concatenate(every)


def _add_betti(measured: SampleMeasures, volume: Volume, phase: int, *, run: Run) -> None:
    """Betti numbers of the signed distance over the volume, or over the area of an image."""
    extent = [n * d for n, d in zip(volume.shape, volume.voxel_size, strict=True) if n > 1]
    filtration = filtration_of(betti_config(volume, phase), volume)
    found = volume_topology(volume, filtration, levels=BETTI_LEVELS, run=run)
    for k in range(len(extent)):
        curve = found.betti[k] / np.prod(extent)
        measured.values[f"betti_{k}", phase] = curve
        measured.values[f"betti_{k}_of_phase", phase] = curve[found.levels == 0]
        measured.curves[f"betti_{k}", phase, ""] = found.levels.astype(np.float64), curve
