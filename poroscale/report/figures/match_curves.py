"""Curves of original and generated parts over lag or length, with a band of sub-volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.report.figures.match_values import GENERATED, ORIGINAL, labels_of
from poroscale.report.style import log_axis, new_figure, number_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.compare import Comparison

    Floats = NDArray[np.float64]

COLUMNS = (
    ("lineal_path", "pore", "Lineal path of the pores", "Length (µm)"),
    ("chord_density", "pore", "Chords of the pores (1/µm)", "Chord length (µm)"),
    ("chord_density", "solid", "Chords of the solid (1/µm)", "Chord length (µm)"),
)
"""Statistic, phase, and the words along the axes of the cells of a column."""
ROWS = {"z": "along z, the build direction", "across": "across", "y": "along y", "x": "along x"}
DECADES = 5
"""Of a logarithmic scale, at most; what lies below is of a few chords among all."""


def two_point(comparison: Comparison) -> Figure | None:
    """S2 of the pores over the lag."""
    found = comparison.numbers["two_point"]
    if not found:
        return None
    figure = new_figure()
    axes = figure.add_subplot()
    _draw(axes, found, comparison, scale=100)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Lag (µm)")
    axes.set_ylabel("S2 of the pores (%)")
    axes.legend()
    return figure


def lines(comparison: Comparison) -> Figure | None:
    """Lineal path and chord lengths: a row for each direction."""
    found = {(r["statistic"], r["phase"], r["axis"]): r for r in comparison.numbers["curves"]}
    shown = [axis for axis in ROWS if any(key[2] == axis for key in found)]
    if not shown:
        return None
    figure = new_figure(10.4, 2.6 * len(shown) + 0.3)
    cells = figure.subplots(len(shown), len(COLUMNS), squeeze=False)
    for line, axis in zip(cells, shown, strict=True):
        for axes, (statistic, phase, words, along) in zip(line, COLUMNS, strict=True):
            row = found.get((statistic, phase, axis))
            if row is None:
                axes.axis("off")
                continue
            _draw(axes, row, comparison)
            _log_scale(axes, row)
            axes.set_title(ROWS[axis].capitalize(), loc="left")
            axes.set_xlabel(along)
            axes.set_ylabel(words)
    handles, names = next(a for a in cells.ravel() if a.lines).get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=3)
    return figure


def _draw(
    axes: Axes, found: Mapping[str, Any], comparison: Comparison, *, scale: float = 1
) -> None:
    """Both curves, and the band of the sub-volumes of the original."""
    lag = np.array(found["lag_um"])
    one, other = labels_of(comparison)
    if found.get("sub_volumes"):
        low, high = (scale * np.array(found[name]) for name in ("lowest", "highest"))
        words = f"{one}, {found['sub_volumes']} sub-volumes"
        axes.fill_between(lag, low, high, color=ORIGINAL, alpha=0.18, linewidth=0, label=words)
    first, second = (scale * np.array(found[side]) for side in ("reference", "generated"))
    axes.plot(lag, first, color=ORIGINAL, label=one)
    axes.plot(lag, second, color=GENERATED, linestyle="--", label=other)
    axes.set_xlim(0, lag[-1])
    number_axis(axes, "x", whole=False)


def _log_scale(axes: Axes, found: Mapping[str, Any]) -> None:
    """A logarithmic scale over the positive values of both curves."""
    both = np.concatenate([found["reference"], found["generated"], found.get("highest", [])])
    seen = both[both > 0]
    high = 2 * float(seen.max())
    for line in axes.lines:  # a curve that has come to 0 ends, and does not fall to the axis
        values = np.asarray(line.get_ydata(), float)
        line.set_ydata(np.where(values > 0, values, np.nan))
    axes.set_ylim(max(0.7 * float(seen.min()), high * 10.0**-DECADES), high)
    log_axis(axes, "y")
