"""Figures of the size of pores."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poroscale.report.style import (
    CLASS_COLOURS,
    GRID,
    MUTED,
    ORANGE,
    PALE,
    bins_for,
    legend_above,
    log_axis,
    log_bins,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.report.table import PoreTable

UNKNOWN = "shape unknown"
DIAMETER_TEXT = "Equivalent diameter (µm)"


def size_distribution(table: PoreTable, weight: str = "volume") -> Figure | None:
    """Shares of the number and of the volume, or area, of pores over the equivalent diameter.

    Grey marks the diameters at which pores are too small for their shape to be read.
    """
    diameter = table.column("equivalent_diameter_um")
    if not len(diameter):
        return None
    edges = log_bins(diameter, bins_for(len(diameter), 36))
    number = np.histogram(diameter, edges)[0] / len(diameter)
    volume = table.column("volume_um3")
    share = np.histogram(diameter, edges, weights=volume)[0] / volume.sum()
    figure = new_figure()
    axes = figure.add_subplot()
    axes.set_xlim(edges[0], edges[-1])
    _shade_unresolved(axes, table, diameter)
    axes.stairs(100 * number, edges, fill=True, color=PALE, label="by number")
    axes.stairs(100 * share, edges, color=ORANGE, linewidth=1.6, label=f"by {weight}")
    log_axis(axes)
    axes.set_xlabel(DIAMETER_TEXT)
    axes.set_ylabel("Share per class of size (%)")
    legend_above(axes)
    return figure


def size_by_class(table: PoreTable) -> Figure | None:
    """Number of pores over the equivalent diameter, one line per class; logarithmic counts."""
    diameter = table.column("equivalent_diameter_um")
    if not len(diameter) or not table.classed:
        return None
    edges = log_bins(diameter, bins_for(len(diameter), 28))
    centres = np.sqrt(edges[1:] * edges[:-1])
    figure = new_figure()
    axes = figure.add_subplot()
    for (name, at), marker in zip(table.classes().items(), cycle("os^xD*"), strict=False):
        counts = np.histogram(diameter[at], edges)[0].astype(float)
        counts[counts == 0] = np.nan
        colour = CLASS_COLOURS.get(name, MUTED)
        axes.plot(
            centres,
            counts,
            marker=marker,
            color=colour,
            label=measure_in_words(name),
            linewidth=1.1,
        )
    axes.set_xlim(edges[0], edges[-1])
    log_axis(axes, "y")
    axes.set_ylim(bottom=0.7)
    log_axis(axes)
    axes.set_xlabel(DIAMETER_TEXT)
    axes.set_ylabel("Pores per class of size")
    legend_above(axes)
    return figure


def measure_in_words(name: str) -> str:
    """A class as people write it: lack_of_fusion is lack of fusion."""
    return name.replace("_", " ")


def _shade_unresolved(axes: Axes, table: PoreTable, diameter: NDArray[np.float64]) -> None:
    valid = table.flags("shape_valid")
    if "shape_valid" not in table.names or valid.all():
        return
    limit = float(diameter[~valid].max())
    axes.axvspan(axes.get_xlim()[0], limit, color=GRID, alpha=0.6, linewidth=0, label=UNKNOWN)
