"""Figures of the relations between the measures of a pore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poroscale.report.figures.density import bin_edges, draw_cloud
from poroscale.report.figures.shape import resolved
from poroscale.report.style import INK, PALE, bins_for, log_axis, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.report.table import PoreTable

METRICS = {  # column: (name on the axis, logarithmic)
    "equivalent_diameter_um": ("Equivalent\ndiameter (µm)", True),
    "sphericity": ("Sphericity", False),
    "anisotropy": ("Anisotropy", False),
    "neighbour_distance_um": ("Distance to next\npore (µm)", True),
    "surface_distance_um": ("Distance to\nsurface (µm)", False),
}


def pair_plots(table: PoreTable) -> Figure | None:
    """Every two of the main measures against each other, with Spearman's rank correlation.

    Only resolved pores for which all measures are known are drawn.
    """
    known = [name for name in METRICS if np.isfinite(table.column(name)).any()]
    columns = resolved(table, *known) if known else ()
    if len(known) < 2 or len(columns[0]) < 3:
        return None
    side = len(known)
    figure = new_figure(8.75, 8.0 * side / 5 + 0.4 * (5 - side))
    grid = figure.subplots(side, side, sharex="col", squeeze=False)
    ranks = [_ranks(column) for column in columns]
    for row in range(side):
        for col in range(side):
            axes = grid[row, col]
            if col > row:
                _write_correlation(axes, ranks[row], ranks[col])
            elif col == row:
                _draw_histogram(axes, columns[col], log=METRICS[known[col]][1])
            else:
                _draw_pair(axes, columns[col], columns[row], known[col], known[row])
    _name_axes(grid, known)
    return figure


def _draw_pair(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], x_name: str, y_name: str
) -> None:
    log_x, log_y = METRICS[x_name][1], METRICS[y_name][1]
    positive = ((x > 0) | (not log_x)) & ((y > 0) | (not log_y))
    draw_cloud(axes, x[positive], y[positive], cells=40, log_x=log_x, log_y=log_y)
    if log_y:
        log_axis(axes, "y", roomy=1.0)


def _draw_histogram(axes: Axes, values: NDArray[np.float64], *, log: bool) -> None:
    values = values[values > 0] if log else values
    edges = bin_edges(values, cells=bins_for(len(values), 30), log=log)
    axes.hist(values, edges.tolist(), color=PALE)
    axes.set_yticks([])


def _write_correlation(axes: Axes, a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    spread = a.std() * b.std()
    rho = float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread else np.nan
    text = f"{round(rho, 2) or 0.0:+.2f}".replace("-", "−") if np.isfinite(rho) else "–"
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", size=10)
    axes.set_axis_off()


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, their mean where values are equal; scipy.stats takes a second to import."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def _name_axes(grid: NDArray[np.object_], known: list[str]) -> None:
    for index, name in enumerate(known):
        text, log = METRICS[name]
        if log:
            log_axis(grid[-1, index], "x", roomy=1.0)
        grid[-1, index].set_xlabel(text, color=INK)
        if index:
            grid[index, 0].set_ylabel(text, color=INK)
        for col in range(1, index):
            grid[index, col].tick_params(labelleft=False)
