"""Pores of original and generated parts: distributions, densities, places, and their ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    PALE,
    VERMILION,
    bins_for,
    log_axis,
    new_figure,
    plain_number,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.compare import Ablation, Comparison
    from poroscale.compare.comparison import Side
    from poroscale.compare.pore_values import Measure

ORIGINAL, GENERATED = BLUE, VERMILION
MOST_POINTS = 3000
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

Floats = NDArray[np.float64]


def labels_of(comparison: Comparison) -> list[str]:
    """Names of the two sides in a legend."""
    return list(comparison.numbers["sides"]["labels"])


def titles_of(comparison: Comparison) -> list[str]:
    """The same above a figure; names of scans are not changed."""
    known = ("original", "generated", "first", "second")
    return [each.capitalize() if each in known else each for each in labels_of(comparison)]


def ratios(comparison: Comparison) -> Figure:
    """Ratio of the difference of original and generated to that of two halves of the original."""
    rows = [r for r in comparison.numbers["measures"] if np.isfinite(r["ratio"])][::-1]
    limit = comparison.numbers["settings"]["limit"]
    figure = new_figure(7.4, 0.55 + 0.22 * len(rows))
    axes = figure.add_subplot()
    place = np.arange(len(rows))
    found = np.array([row["ratio"] for row in rows])
    colours = [GREEN if row["passes"] else VERMILION for row in rows]
    axes.axvspan(0, limit, color="#f0f4f2", zorder=0)
    axes.axvline(1, color=MUTED, linewidth=0.8, linestyle="--")
    axes.hlines(place, 0, found, color=colours, linewidth=1.6)
    axes.scatter(found, place, color=colours, s=26, zorder=3)
    axes.set_yticks(place, [row["words"] for row in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlim(0, max(1.12 * float(found.max()), limit * 1.15))
    axes.tick_params(axis="y", length=0)
    one = comparison.numbers["sides"]["words"][0]
    axes.set_xlabel(f"Distance to the {one} ÷ distance between two halves of the {one}")
    return figure


def distributions(comparison: Comparison) -> Figure:
    """Histograms of every measure, original and generated on the same classes."""
    shown = [m for m in _measures() if _common(comparison, m)]
    columns = 4
    lines = -(-len(shown) // columns)
    figure = new_figure(10.4, 1.75 * lines + 0.3)
    cells = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, measure in zip(cells, shown, strict=False):
        _histograms(axes, comparison, measure)
    for axes in cells[len(shown) :]:
        axes.remove()
    handles, names = cells[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


def _histograms(axes: Axes, comparison: Comparison, measure: Measure) -> None:
    sides = [_values(side, measure, comparison) for side in _sides(comparison)]
    log = measure.log and min(side.min() for side in sides) > 0
    edges = _edges(sides, log=log)
    width = np.diff(np.log(edges) if log else edges)
    heights = [np.histogram(side, edges)[0] / (len(side) * width) for side in sides]
    labels = labels_of(comparison)
    axes.stairs(heights[0], edges, fill=True, color=PALE, label=labels[0])
    axes.stairs(heights[0], edges, color=ORIGINAL, linewidth=0.7)
    axes.stairs(heights[1], edges, color=GENERATED, linewidth=1.4, label=labels[1])
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if log:
        log_axis(axes, roomy=1.0)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(name_of(measure), fontsize=7.8)


def _edges(sides: list[Floats], *, log: bool) -> Floats:
    """Common classes from the 0.2nd to the 99.8th percentile, so that one pore sets no scale."""
    both = np.concatenate(sides)
    low, high = (float(q) for q in np.quantile(both, [0.002, 0.998]))
    if high <= low:
        low, high = (low / 1.2, high * 1.2) if log else (low - 0.5, high + 0.5)
    bins = bins_for(min(map(len, sides)), 32)
    return np.geomspace(low, high, bins + 1) if log else np.linspace(low, high, bins + 1)


def densities(comparison: Comparison) -> Figure | None:
    """Contours of bivariate densities, 5 to 95 % of the largest (Fig. 7)."""
    from poroscale.compare.bivariate import pairs_of

    pairs = list(pairs_of([row["name"] for row in comparison.numbers["measures"]]))
    if not pairs:
        return None
    figure = new_figure(9.6, 3.0 * -(-len(pairs) // 3) + 0.2)
    cells = figure.subplots(-(-len(pairs) // 3), 3, squeeze=False).ravel()
    for axes, (x, y) in zip(cells, pairs, strict=False):
        _contours(axes, comparison, x, y)
    for axes in cells[len(pairs) :]:
        axes.remove()
    from matplotlib.lines import Line2D

    keys = [Line2D([], [], color=c) for c in (ORIGINAL, GENERATED)]
    figure.legend(keys, labels_of(comparison), loc="outside upper center", ncols=2)
    return figure


def _contours(axes: Axes, comparison: Comparison, x: Measure, y: Measure) -> None:
    from poroscale.compare.bivariate import limits_of
    from poroscale.compare.density import LEVELS, density

    points = [side.points((x, y))[0] for side in _sides(comparison)]
    limits = limits_of(np.concatenate(points))
    for found, colour in zip(points, (ORIGINAL, GENERATED), strict=True):
        field = density(found, limits)
        axes.contour(field.x, field.y, field.value, LEVELS, colors=colour, linewidths=0.9)
    for which, measure, (low, high) in zip("xy", (x, y), limits, strict=True):
        if measure.log:
            ticks = [t for t in TICKS if low <= np.log10(t) <= high]
            place = axes.set_xticks if which == "x" else axes.set_yticks
            place(np.log10(ticks), [plain_number(t) for t in ticks])
    axes.set_xlabel(name_of(x))
    axes.set_ylabel(name_of(y))


def positions(comparison: Comparison) -> Figure:
    """Positions of the pores across the part, and around it along z."""
    figure = new_figure(9.6, 5.6)
    cells = figure.subplots(2, 2, width_ratios=(1, 1.7))
    for row, side, name, colour in zip(
        cells, _sides(comparison), titles_of(comparison), (ORIGINAL, GENERATED), strict=True
    ):
        pores = side.pores[0].columns
        step = max(1, -(-len(pores["x_um"]) // MOST_POINTS))
        dot: dict[str, Any] = {"s": 5, "color": colour, "linewidths": 0, "alpha": 0.6}
        dot |= {"rasterized": len(pores["x_um"]) > 1000}
        row[0].scatter(pores["x_um"][::step], pores["y_um"][::step], **dot)
        row[0].set_aspect("equal")
        row[0].set_title(name, loc="left", fontweight="bold")
        row[0].set_ylabel("y (µm)")
        row[1].scatter(pores["z_um"][::step], np.degrees(pores["theta_rad"][::step]), **dot)
        row[1].set_ylim(0, 360)
        row[1].set_yticks([0, 90, 180, 270, 360])
        row[1].set_ylabel("θ (°)")
    cells[1, 0].set_xlabel("x (µm)")
    cells[1, 1].set_xlabel("z, build direction (µm)")
    reach = 1.03 * max(
        float(np.abs(side.pores[0].columns[f"{a}_um"]).max())
        for side in _sides(comparison)
        for a in "yx"
    )
    for axes in cells[:, 0]:
        axes.set_xlim(-reach, reach)
        axes.set_ylim(reach, -reach)
    return figure


def layers(comparison: Comparison) -> Figure:
    """Porosity and pores of each window along z, first volume of either side."""
    figure = new_figure(9.6, 2.7)
    left, right = figure.subplots(1, 2)
    for side, name, colour in zip(
        _sides(comparison), labels_of(comparison), (ORIGINAL, GENERATED), strict=True
    ):
        streamed, pores = side.streams[0], side.pores[0]
        edge = side.samples[0].phases.voxel_size[0] * streamed.layers * 1e-3
        edges = np.arange(streamed.windows + 1) * edge
        part = np.maximum(streamed.of_windows(streamed.part), 1)
        share = 100 * streamed.of_windows(streamed.pore) / part
        counts = np.histogram(pores.columns["z_um"] * 1e-3, edges)[0]
        left.stairs(share, edges, color=colour, label=name, baseline=None)
        right.stairs(counts, edges, color=colour, label=name, baseline=None)
    for axes, words in ((left, "Porosity (%)"), (right, "Pores per window")):
        axes.set_ylim(bottom=0)
        axes.set_xlabel("z, build direction (mm)")
        axes.set_ylabel(words)
    left.legend(loc="lower right", ncols=2)
    return figure


def ablation_panel(ablation: Ablation) -> Figure:
    """Pores across the part for each number of bins, the original last (Fig. B.11)."""
    shown = {f"N_b = {bins}": points for bins, points in ablation.generated.items()}
    shown["Original"] = ablation.original
    columns = 4
    lines = -(-len(shown) // columns)
    figure = new_figure(9.6, 2.5 * lines)
    cells = figure.subplots(lines, columns, squeeze=False).ravel()
    both = np.concatenate(list(shown.values()))
    low, high = both.min(axis=0), both.max(axis=0)
    for axes, (name, points) in zip(cells, shown.items(), strict=False):
        few = points[:: max(1, -(-len(points) // MOST_POINTS))]
        colour = ORIGINAL if name == "Original" else GENERATED
        axes.scatter(few[:, 1], few[:, 0], s=3, color=colour, linewidths=0, rasterized=True)
        axes.set_aspect("equal")
        axes.set_xlim(low[1], high[1])
        axes.set_ylim(high[0], low[0])
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(name)
        axes.spines[:].set_visible(False)
    for axes in cells[len(shown) :]:
        axes.remove()
    return figure


def name_of(measure: Measure) -> str:
    """A measure with its unit, for an axis."""
    return f"{measure.words} ({measure.unit})" if measure.unit else measure.words


def definitions() -> Figure:
    """Sketch of position, orientation and shape of a pore (Fig. B.12)."""
    from matplotlib.patches import Arc, Circle, Ellipse

    figure = new_figure(7.4, 2.7)
    left, right = figure.subplots(1, 2)
    thin: dict[str, Any] = {"color": INK, "linewidth": 0.9}
    left.add_patch(Circle((0, 0), 1, facecolor="#f1f1f1", edgecolor=MUTED))
    left.plot([0, 1.25], [0, 0], **thin)
    left.plot([0, 0.62], [0, 0.46], **thin)
    left.plot([0.62, 0.8], [0.46, 0.6], color=GREY, linestyle=":")
    left.add_patch(Ellipse((0.62, 0.46), 0.2, 0.12, angle=20, color=VERMILION))
    left.add_patch(Arc((0, 0), 0.6, 0.6, theta1=0, theta2=36.6, color=INK))
    for x, y, text in ((0.36, 0.1, "θ"), (0.18, 0.34, "ρ"), (1.3, -0.04, "x"), (0.85, 0.62, "R")):
        left.text(x, y, text)
    left.text(0, -1.28, "r* = ρ / R(θ, z)", ha="center")
    right.add_patch(Ellipse((0, 0), 1.8, 0.8, angle=55, facecolor="#f6d9c8", edgecolor=VERMILION))
    right.plot([0, 0], [0, 1.25], **thin)
    right.plot([-0.52, 0.52], [-0.74, 0.74], color=VERMILION)
    right.plot([-0.33, 0.33], [0.23, -0.23], color=BLUE)
    right.add_patch(Arc((0, 0), 0.9, 0.9, theta1=55, theta2=90, color=INK))
    for x, y, text in ((0.14, 0.5, "φ"), (0.05, 1.2, "z"), (0.58, 0.76, "long axis")):
        right.text(x, y, text)
    right.text(0.4, -0.32, "short axis")
    right.text(0, -1.28, "anisotropy = 1 − I_min / I_max", ha="center")
    for axes in (left, right):
        axes.set_aspect("equal")
        axes.set_xlim(-1.4, 1.6)
        axes.set_ylim(-1.4, 1.4)
        axes.axis("off")
    return figure


def _measures() -> tuple[Measure, ...]:
    from poroscale.compare.pore_values import MEASURES

    return MEASURES


def _sides(comparison: Comparison) -> tuple[Side, Side]:
    return comparison.reference, comparison.generated


def _common(comparison: Comparison, measure: Measure) -> bool:
    return any(row["name"] == measure.name for row in comparison.numbers["measures"])


def _values(side: Side, measure: Measure, comparison: Comparison) -> Floats:
    return side.values(measure, comparison.clump).values
