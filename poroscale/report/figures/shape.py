"""Figures of the shape of pores; only pores large enough for it to mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poroscale.report.figures.density import add_colour_bar, draw_cloud
from poroscale.report.style import BLUE, INK, MUTED, PALE, bins_for, new_figure, number_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.report.table import PoreTable

ZONE = 2 / 3


def resolved(table: PoreTable, *names: str) -> tuple[NDArray[np.float64], ...]:
    """Columns `names` (n,) of the pores whose shape is valid and for which all are finite."""
    columns = [table.column(name) for name in names]
    keep = np.logical_and.reduce([np.isfinite(column) for column in columns])
    if "shape_valid" in table.names:
        keep &= table.flags("shape_valid")
    return tuple(column[keep] for column in columns)


def sphericity_distribution(table: PoreTable) -> Figure | None:
    """Number of pores over sphericity, with the median."""
    (sphericity,) = resolved(table, "sphericity")
    if not len(sphericity):
        return None
    figure = new_figure()
    axes = figure.add_subplot()
    top = max(1.0, float(np.quantile(sphericity, 0.999)))
    low = min(0.6, np.floor(10 * float(sphericity.min())) / 10)
    edges = np.linspace(low, top, bins_for(len(sphericity)) + 1)
    axes.hist(np.clip(sphericity, low, top), edges.tolist(), color=PALE)
    median = float(np.median(sphericity))
    axes.axvline(median, color=BLUE, linewidth=1.3)
    axes.annotate(
        f"median {median:.2f}",
        (median, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        size=7.5,
    )
    number_axis(axes)
    axes.set_xlabel("Sphericity")
    axes.set_ylabel("Pores")
    return figure


def shape_zones(table: PoreTable) -> Figure | None:
    """Elongation b/a against flatness c/b with the zones of Zingg (1935)."""
    elongation, flatness = resolved(table, "elongation", "flatness")
    if not len(elongation):
        return None
    figure = new_figure(4.6, 3.7)
    axes = figure.add_subplot()
    mesh = draw_cloud(axes, elongation, flatness, cells=50)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_aspect("equal")
    axes.axvline(ZONE, color=MUTED, linewidth=0.8, linestyle="--")
    axes.axhline(ZONE, color=MUTED, linewidth=0.8, linestyle="--")
    _name_zones(axes)
    add_colour_bar(axes, mesh, "Pores per cell")
    axes.set_xlabel("Elongation b/a (intermediate : long)")
    axes.set_ylabel("Flatness c/b (short : intermediate)")
    return figure


def _name_zones(axes: Axes) -> None:
    places = {  # above the frame where pores crowd, in the corner of balls
        "rod": (0.02, 1.035, "left", "bottom"),
        "compact": (1.0, 1.035, "right", "bottom"),
        "blade": (0.02, 0.02, "left", "bottom"),
        "disc": (1.0, 0.02, "right", "bottom"),
    }
    for name, (x, y, ha, va) in places.items():
        box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5}
        axes.text(x, y, name, ha=ha, va=va, size=7.5, color=INK, style="italic", bbox=box)
