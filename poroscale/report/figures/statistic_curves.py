"""Curves of the statistics of a volume: one colour for each phase, one dash for each axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poroscale.report.style import (
    BLUE,
    GREEN,
    GREY,
    MUTED,
    ORANGE,
    VERMILION,
    new_figure,
    number_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.statistics.curves import Curve, Curves

    Floats = NDArray[np.float64]

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, GREY)
DASHES = {"": "-", "radial": "-", "z": ":", "y": "--", "x": "-."}
FINE = 24
"""Points of a curve of chords that are drawn one by one; as many classes stand for the rest."""
MOST = 12
"""Labels that a legend shows."""


def s2(curves: Curves) -> Figure | None:
    """S2 of every phase over the lag, in all directions and along the axes."""
    return _drawn(curves, "s2", "Distance (µm)", "S2")


def correlation(curves: Curves) -> Figure | None:
    """Autocorrelation of every phase over the distance."""
    figure = _drawn(curves, "correlation", "Distance (µm)", "Autocorrelation")
    if figure is not None:
        axes = figure.axes[0]
        axes.axhline(0, color=MUTED, linewidth=0.6)
        axes.axhline(np.exp(-1), color=MUTED, linewidth=0.8, linestyle="--")
    return figure


def along_axes(curves: Curves, statistic: str, title: str) -> Figure | None:
    """A positive statistic along the axes on a logarithmic scale; None with one positive value."""
    drawn = [each.value for each in curves.of(statistic) if len(each.lag) > 1]
    if max((np.count_nonzero(each > 0) for each in drawn), default=0) < 2:
        return None
    figure = _drawn(curves, statistic, "Length (µm)", title)
    if figure is not None:
        axes = figure.axes[0]
        values = np.concatenate([each.value for each in curves.of(statistic)])
        axes.set_yscale("log")
        axes.set_ylim(bottom=max(values[values > 0].min(initial=1.0), 1e-6 * values.max()))
    return figure


def local_thickness(curves: Curves) -> Figure | None:
    """Density of the local thickness of every phase."""
    return _drawn(curves, "thickness", "Local thickness (µm)", "Density (1/µm)")


def c2(curves: Curves) -> Figure | None:
    """Two-point cluster function of every phase along the axes."""
    return _drawn(curves, "c2", "Distance (µm)", "C2")


def _drawn(curves: Curves, statistic: str, across: str, up: str) -> Figure | None:
    found = [each for each in curves.of(statistic) if len(each.lag) > 1]
    if not found:
        return None
    phases = list(dict.fromkeys(each.phase for each in found))
    figure = new_figure()
    axes = figure.add_subplot()
    for each in found:
        lag, value = _thinned(each)
        axes.plot(
            lag,
            value,
            color=COLOURS[phases.index(each.phase) % len(COLOURS)],
            linestyle=DASHES[each.axis],
            linewidth=1.0 if each.axis in ("z", "y", "x") else 1.4,
        )
    axes.set_xlim(0, max(each.lag.max() for each in found))
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    number_axis(axes, "x", whole=False)
    _legend(axes, phases, [each.axis for each in found])
    return figure


def _thinned(curve: Curve) -> tuple[Floats, Floats]:
    """Means over classes that grow with the length, of a curve with more points than can be seen.

    Long chords are rare: one by one they would be noise.
    """
    if curve.statistic != "chord_density" or len(curve.lag) < FINE:
        return curve.lag, curve.value
    classes = np.unique(np.geomspace(FINE, len(curve.lag), FINE).astype(int))
    starts = np.concatenate([np.arange(FINE), classes[classes < len(curve.lag)][1:]])
    counts = np.diff(np.append(starts, len(curve.lag)))
    lag, value = (np.add.reduceat(a, starts) / counts for a in (curve.lag, curve.value))
    return lag, value


def _legend(axes: Axes, phases: list[str], drawn: list[str]) -> None:
    """Colours of the phases, then dashes of the axes."""
    from matplotlib.lines import Line2D

    keys = [
        Line2D([], [], color=COLOURS[k % len(COLOURS)], label=f"phase {phase}")
        for k, phase in enumerate(phases[: MOST - len(DASHES)])
    ]
    names = [axis for axis in DASHES if axis and axis in drawn]
    if len(names) > 1:
        keys += [
            Line2D(
                [], [], color=MUTED, linestyle=DASHES[axis],
                label="all directions" if axis == "radial" else axis,
            )
            for axis in names
        ]  # fmt: skip
    columns = len(keys) if len(keys) < 6 else -(-len(keys) // 2)
    axes.legend(handles=keys, loc="lower right", bbox_to_anchor=(1, 1), ncols=columns)
