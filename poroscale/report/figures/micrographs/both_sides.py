"""Real and generated micrographs side by side, as in Figs. 3 to 7 of Howland et al."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.report.style import (
    BLUE,
    GREEN,
    MUTED,
    VERMILION,
    legend_above,
    log_axis,
    new_figure,
    number_axis,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from poroscale.compare.micrographs.comparison import MicrographComparison

SIDES = ("real", "generated")
COLOURS = {"real": BLUE, "generated": VERMILION}
MOST_SETTINGS = 12
"""Settings that a figure shows."""
GAP = 0.12
"""Width between generated and real chips, over that of a chip."""
FARTHEST, NEAREST = 100.0, 0.3
"""Ratios at which the scale ends; others stand at its ends."""


def paired_chips(found: MicrographComparison) -> Figure:
    """A row for each setting: generated chips on the left, real ones on the right (Figs. 3, 4)."""
    shown = found.pictures[:MOST_SETTINGS]
    many = shown[0].real.shape[0]
    figure = new_figure(10.4, 1.35 * len(shown) + 0.3)
    widths = [1.0] * many + [GAP] + [1.0] * many
    cells = figure.subplots(len(shown), len(widths), squeeze=False, width_ratios=widths)
    for gap in cells[:, many]:
        gap.set_visible(False)
    cells = np.delete(cells, many, axis=1)
    for line, each in zip(cells, shown, strict=True):
        for k, axes in enumerate(line):
            images = each.generated if k < many else each.real
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if k % many < len(images):
                axes.imshow(images[k % many], cmap="gray", vmin=0, vmax=255)
        line[0].set_ylabel(each.words.replace(", ", "\n"), fontsize=7)
    for place, title in ((0, "Generated"), (many, "Real")):
        cells[0, place].set_title(title, loc="left")
    return figure


def average_persistence(found: MicrographComparison) -> Figure:
    """Average persistence images, real above and generated below, at one scale (Fig. 5)."""
    shown = found.pictures[:MOST_SETTINGS]
    low, high = found.numbers["window"]
    figure = new_figure(min(10.4, 1.9 * len(shown) + 1.2), 3.9)
    cells = figure.subplots(2, len(shown), squeeze=False, sharex=True, sharey=True)
    top: float = max(float(each.persistence.max()) for each in shown) or 1.0
    images = []
    for column, each in zip(cells.T, shown, strict=True):
        column[0].set_title(each.words.replace(", ", "\n"), fontsize=7)
        for axes, values in zip(column, each.persistence, strict=True):
            shown_as = {"cmap": "cividis", "vmin": 0, "vmax": top**0.5, "aspect": "auto"}
            extent = (low, high, 0, high - low)
            images.append(axes.imshow(np.sqrt(values), origin="lower", extent=extent, **shown_as))
    for axes, side in zip(cells[:, 0], SIDES, strict=True):
        axes.set_ylabel(f"{side.capitalize()}\npersistence")
    figure.supxlabel("Grey level of birth", fontsize="medium")
    figure.colorbar(images[-1], ax=cells, label="Root of the weight", shrink=0.8)
    return figure


def principal_components(found: MicrographComparison) -> Figure:
    """Chips in the three components of the real persistence images, two at a time (Fig. 6)."""
    figure = new_figure(10.4, 3.4)
    cells = figure.subplots(1, 3)
    share = found.numbers["components"]["share"]
    for axes, (a, b) in zip(cells, combinations(range(len(share)), 2), strict=False):
        for k, side in enumerate(SIDES):
            rows = np.concatenate([each.projected[k] for each in found.pictures])
            axes.scatter(
                rows[:, a],
                rows[:, b],
                s=4,
                color=COLOURS[side],
                alpha=0.4,
                linewidths=0,
                label=side,
                rasterized=True,
            )
        axes.set_xlabel(f"Component {a + 1} ({100 * share[a]:.0f} %)")
        axes.set_ylabel(f"Component {b + 1} ({100 * share[b]:.0f} %)")
        number_axis(axes, "x", whole=False)
        number_axis(axes, "y", whole=False)
    legend_above(cells[0])
    legend = cells[0].get_legend()
    for mark in legend.legend_handles if legend else ():
        mark.set(sizes=[30], alpha=1)  # the dots of the figure are too small to tell colours apart
    return figure


def area_fractions(found: MicrographComparison) -> Figure:
    """Share of the area above ten thresholds of the scaled images (Fig. 7)."""
    shown = found.pictures[:MOST_SETTINGS]
    columns = min(4, len(shown))
    lines = -(-len(shown) // columns)
    figure = new_figure(10.4, 2.1 * lines + 0.4)
    cells = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    levels = np.linspace(0, 1, shown[0].areas.shape[1])
    for axes in cells[len(shown) :]:
        axes.set_visible(False)
    for number, (axes, each) in enumerate(zip(cells, shown, strict=False)):
        for k, side in enumerate(SIDES):
            axes.plot(levels, each.areas[k], color=COLOURS[side], marker="o", label=side)
        axes.set_title(each.words, fontsize=7)
        axes.set_ylim(0, 1.02)
        if number + columns >= len(shown):  # the lowest panel of its column
            axes.set_xlabel("Threshold")
            axes.tick_params(labelbottom=True)
    cells[0].set_ylabel("Share of the area")
    legend = cells[0].get_legend_handles_labels()
    figure.legend(*legend, loc="outside upper right", ncols=2)
    return figure


def distance_ratios(found: MicrographComparison) -> Figure:
    """Each distance over that of two halves of the real images, a mark for each setting."""
    from poroscale.compare.micrographs.verdict import FAR

    settings = found.numbers["settings"]
    names = [row["words"] for row in settings[0]["distances"]][::-1]
    figure = new_figure(8.4, 0.9 + 0.34 * len(names))
    axes = figure.add_subplot()
    axes.axvspan(NEAREST, FAR, color="#f0f4f2", zorder=0)
    axes.axvline(1.0, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set_xlim(NEAREST, FARTHEST)
    for k, setting in enumerate(settings):
        for row in setting["distances"]:
            place = float(np.clip(row["ratio"], 1.05 * NEAREST, FARTHEST / 1.05))
            lift = 0.5 * ((k + 0.5) / len(settings) - 0.5)
            dot: dict[str, Any] = {"markeredgecolor": "white", "linestyle": "none"}
            colour = GREEN if row["ratio"] <= FAR else VERMILION
            axes.plot(
                place, names.index(row["words"]) - lift, "o", color=colour, markersize=6, **dot
            )
    log_axis(axes)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.grid(axis="y", color="#eeeeee")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Distance of generated to real ÷ distance of two halves of the real images")
    return figure


def particle_numbers(found: MicrographComparison) -> Figure:
    """Number and share of the area of bright particles by setting, with 95 % intervals."""
    settings = found.numbers["settings"]
    figure = new_figure(10.4, 0.9 + 0.3 * len(settings))
    cells = figure.subplots(1, 3, sharey=True)
    titles = {
        "density": "Particles for a million pixels",
        "large": "Large ones for a million pixels",
        "area": "Share of the area",
    }
    for axes, (measure, title) in zip(cells, titles.items(), strict=True):
        for k, side in enumerate(SIDES):
            rows = np.array([each["particles"][side][measure] for each in settings])
            places = np.arange(len(settings)) + 0.16 * (0.5 - k)
            spread = np.abs(rows[:, 1:] - rows[:, :1]).T
            axes.errorbar(
                rows[:, 0],
                places,
                xerr=spread,
                fmt="o",
                color=COLOURS[side],
                label=side,
                elinewidth=1,
            )
        axes.set_title(title, loc="left")
        axes.set_xlim(left=0)
        number_axis(axes, "x", whole=False)
        axes.grid(axis="y", color="#eeeeee")
    cells[0].set_yticks(range(len(settings)), [each["words"] for each in settings])
    cells[0].invert_yaxis()
    handles = cells[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper right", ncols=2)
    return figure
