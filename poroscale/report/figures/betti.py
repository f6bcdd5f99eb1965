"""Betti curves, the Euler characteristic, and persistence pairs of a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poroscale.report.style import (
    BLUE,
    DENSITY,
    GREEN,
    INK,
    MUTED,
    VERMILION,
    new_figure,
    number_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.statistics.topology.betti import VolumeTopology
    from poroscale.statistics.topology.pair_sums import PairTable

LINEAR = 10
"""Betti numbers up to which the scale is linear, so that 0 shows."""
CELLS = 80
"""Cells of the picture of pairs along each axis."""


def _to_changes(axes: Axes, found: VolumeTopology) -> None:
    """Show the levels at which numbers change, with a margin, and not those far beyond."""
    every = np.vstack([found.betti, found.euler])
    changes = np.flatnonzero((every[:, 1:] != every[:, :-1]).any(axis=0))
    if not len(changes):
        return
    low, high = float(found.levels[changes[0]]), float(found.levels[changes[-1] + 1])
    if not low < high:  # integers too large for floats to tell apart
        return
    margin = 0.1 * (high - low)
    first, last = float(found.levels[0]), float(found.levels[-1])
    axes.set_xlim(max(first, low - margin), min(last, high + margin))


def betti_curves(found: VolumeTopology, unit: str) -> Figure | None:
    """The two or three Betti numbers over the level."""
    if len(found.levels) < 2:
        return None
    names = ("components", "holes") if found.image else ("components", "handles", "cavities")
    figure = new_figure()
    axes = figure.add_subplot()
    for name, curve, colour in zip(names, found.betti, (BLUE, VERMILION, GREEN), strict=False):
        # A number holds from its level up to the next.
        axes.step(found.levels, curve, where="post", color=colour, label=name, linewidth=1.2)
    axes.set_yscale("symlog", linthresh=LINEAR)
    axes.set_ylim(bottom=0)
    _to_changes(axes, found)
    axes.set_xlabel(unit)
    axes.set_ylabel("Number")
    number_axis(axes, "x", whole=False)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(names))
    return figure


def euler_curve(found: VolumeTopology, unit: str) -> Figure | None:
    """The Euler characteristic over the level."""
    if len(found.levels) < 2:
        return None
    figure = new_figure()
    axes = figure.add_subplot()
    axes.axhline(0, color=MUTED, linewidth=0.6)
    axes.step(found.levels, found.euler, where="post", color=INK, linewidth=1.2)
    _to_changes(axes, found)
    axes.set_xlabel(unit)
    axes.set_ylabel("Euler characteristic")
    number_axis(axes, "x", whole=False)
    number_axis(axes, "y")
    return figure


def pairs(table: PairTable, unit: str) -> Figure | None:
    """Birth and death of the pairs, as a picture of their numbers."""
    from matplotlib.colors import LogNorm

    if not len(table.count):
        return None
    birth, death = table.birth.astype(np.float64), table.death.astype(np.float64)
    margin = 0.03 * float(death.max() - birth.min())  # no cell lies on the frame
    low, high = float(birth.min()) - margin, float(death.max()) + margin
    edges = np.linspace(low, high, CELLS + 1)
    counts, _, _ = np.histogram2d(birth, death, (edges, edges), weights=table.count)
    figure = new_figure(4.6, 3.6)
    axes = figure.add_subplot()
    shown = np.ma.masked_equal(counts.T, 0)
    # From 1 over a decade at least: a narrower scale would have its ticks at broken numbers.
    norm = LogNorm(1, max(10.0, float(counts.max())))
    picture = axes.pcolormesh(edges, edges, shown, cmap=DENSITY, norm=norm, rasterized=True)
    axes.plot([low, high], [low, high], color=MUTED, linestyle="--", linewidth=0.8)
    axes.set_aspect("equal")
    axes.set_xlabel(f"Birth: {unit[0].lower()}{unit[1:]}")
    axes.set_ylabel("Death")
    figure.colorbar(picture, ax=axes, label="Pairs", shrink=0.8)
    return figure
