"""Sections, ratios and curves of a reference microstructure and of generated ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.compare.microstructure.rows import (
    BEYOND,
    UNKNOWN,
    WITHIN,
    phase_words,
    phases_in_order,
)
from poroscale.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    VERMILION,
    log_axis,
    new_figure,
    number_axis,
    plain_number,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.compare.microstructure.comparison import CurveBand, MicrostructureComparison

COLOURS = {WITHIN: GREEN, BEYOND: VERMILION, UNKNOWN: GREY}
MARKS = ("o", "s", "^", "D", "v", "P", "X")
"""Marks of the phases."""
DIRECTIONS = {"radial": "all directions", "z": "along z", "y": "along y", "x": "along x"}
BETTI = {"betti_0": "components", "betti_1": "handles", "betti_2": "cavities"}
FARTHEST = 30.0
"""Ratio at which the scale ends; larger ones stand at its end."""
NEAREST = 0.03
LIFT = 0.5
"""Height over which the marks of the phases of a measure are spread [lines]."""
DECADES = 4
FINE = 8
"""Lengths of chords that are drawn one by one; twice as many classes at most stand for the rest."""
LINEAR = 1e-3
"""Share of the largest Betti number up to which the scale is linear, so that 0 shows."""


def side_by_side(comparison: MicrostructureComparison) -> Figure:
    """Sections of either side in grey, at one scale."""
    pictures = comparison.pictures
    width = min(10.4, 2.6 * len(pictures))
    figure = new_figure(width, width / len(pictures) + 0.35)
    cells = figure.subplots(1, len(pictures), squeeze=False)[0]
    most = max(int(each.phases.max()) for each in pictures)
    for axes, each in zip(cells, pictures, strict=True):
        axes.imshow(each.phases, cmap="gray", vmin=-0.15 * most, vmax=most, interpolation="nearest")
        axes.set_title(each.title, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    edge = pictures[0].phases.shape[1]
    step = comparison.numbers["settings"]["voxel_size_um"][-1]
    cells[0].set_xlabel(f"{edge} voxels, {plain_number(edge * step)} µm", loc="left")
    return figure


def ratios_by_measure(comparison: MicrostructureComparison) -> Figure | None:
    """Ratio of difference and spread: a line for each measure, a mark for each phase."""
    rows = [row for row in comparison.numbers["measures"] if row["ratio"] is not None]
    if not rows:
        return None
    names = list(dict.fromkeys(row["words"] for row in rows))[::-1]
    limit = comparison.numbers["samples"]["limit"]
    figure = new_figure(7.4, 0.9 + 0.24 * len(names))
    axes = figure.add_subplot()
    axes.axvspan(NEAREST, limit, color="#f0f4f2", zorder=0)
    axes.axvline(limit, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set_xlim(NEAREST, FARTHEST)
    phases = phases_in_order(rows)
    for row in rows:
        place = float(np.clip(row["ratio"], NEAREST * 1.05, FARTHEST / 1.05))
        axes.plot(
            place,
            names.index(row["words"])
            + LIFT * (0.5 - (phases.index(row["phase"]) + 0.5) / len(phases)),
            **_mark(row["phase"]),
            color=COLOURS[row["verdict"]],
            markeredgecolor="white",
            linestyle="none",
        )
    log_axis(axes)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.grid(axis="y", color="#eeeeee")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Difference ÷ standard deviation between samples of the reference")
    _ratio_legend(axes, phases, {row["verdict"] for row in rows})
    return figure


def _mark(phase: int | None) -> dict[str, Any]:
    """Form and size of the mark of a phase; a star looks smaller than it is."""
    if phase is None:
        return {"marker": "*", "markersize": 10}
    return {"marker": MARKS[phase % len(MARKS)], "markersize": 6}


def _ratio_legend(axes: Axes, phases: list[int | None], verdicts: set[str]) -> None:
    from matplotlib.lines import Line2D

    dot: dict[str, Any] = {"linestyle": "none", "markeredgecolor": "white"}
    keys = [Line2D([], [], **_mark(k), color=INK, label=phase_words(k), **dot) for k in phases]
    words = {WITHIN: "within", BEYOND: "beyond", UNKNOWN: "the reference cannot tell"}
    keys += [
        Line2D([], [], **_mark(0), color=colour, label=words[name], **dot)
        for name, colour in COLOURS.items()
        if name in verdicts
    ]
    axes.legend(
        handles=keys, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(6, len(keys))
    )


def curves_of(
    comparison: MicrostructureComparison, statistics: tuple[str, ...], across: str, *, log: bool
) -> Figure | None:
    """Curves of some statistics: a row for each phase, a column for each direction or statistic."""
    keys = [key for key in comparison.curves if key[0] in statistics]
    if not keys:
        return None
    phases = sorted({key[1] for key in keys})
    columns = list(dict.fromkeys((key[0], key[2]) for key in keys))
    figure = new_figure(10.4, 1.9 * len(phases) + 0.5)
    cells = figure.subplots(len(phases), len(columns), squeeze=False, sharex="col")
    for line, phase in zip(cells, phases, strict=True):
        for axes, (statistic, axis) in zip(line, columns, strict=True):
            band = comparison.curves[statistic, phase, axis]
            if statistic == "chord_density":
                band = _in_classes(band)
            _draw(axes, band, log=log, counts=statistic in BETTI)
            if phase == phases[0]:
                words = DIRECTIONS.get(axis) or _of_image(statistic, len(columns))
                axes.set_title(words.capitalize(), loc="left")
            if phase == phases[-1]:
                axes.set_xlabel(across)
        line[0].set_ylabel(f"Phase {phase}")
    handles, names = cells[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=3)
    return figure


def _in_classes(band: CurveBand) -> CurveBand:
    """Means over classes that grow with the length: long chords are rare, one by one noise."""
    starts = np.unique(np.geomspace(FINE, max(FINE, len(band.lag)), 2 * FINE).astype(int))
    starts = np.concatenate([np.arange(min(FINE, len(band.lag))), starts[starts < len(band.lag)]])
    starts = np.unique(starts)
    counts = np.diff(np.append(starts, len(band.lag)))
    return replace(
        band,
        **{
            name: np.add.reduceat(getattr(band, name), starts) / counts
            for name in ("lag", "reference", "generated", "lowest", "highest")
        },
    )


def _of_image(statistic: str, columns: int) -> str:
    return "holes" if statistic == "betti_1" and columns == 2 else BETTI[statistic]


def _draw(axes: Axes, band: CurveBand, *, log: bool, counts: bool) -> None:
    """Both means, and the band between the extremes of the samples of the reference."""
    label = "samples of the reference, lowest to highest"
    low, high, first, second = (
        np.where(each > 0, each, np.nan) if log else each
        for each in (band.lowest, band.highest, band.reference, band.generated)
    )
    most = float(np.nanmax([np.nanmax(band.highest), np.nanmax(band.generated)]))
    floor = most * 10.0**-DECADES
    if log:
        low = np.where(np.isfinite(low), low, floor)
    axes.fill_between(band.lag, low, high, color=BLUE, alpha=0.18, linewidth=0, label=label)
    axes.plot(band.lag, first, color=BLUE, label="reference, mean")
    axes.plot(band.lag, second, color=VERMILION, linestyle="--", label="generated, mean")
    axes.set_xlim(band.lag[0], band.lag[-1])
    number_axis(axes, "x", whole=False)
    if not most > 0:
        return
    if log:
        axes.set_ylim(_bottom(first, second, floor), 1.6 * most)
        log_axis(axes, "y")
    elif counts:
        axes.set_yscale("symlog", linthresh=LINEAR * most)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda value, _: plain_number(value))
    else:
        axes.set_ylim(bottom=0)


def _bottom(first: Any, second: Any, floor: float) -> float:
    """Where a logarithmic scale begins: below both means, and no lower than the floor."""
    seen = np.concatenate([first, second])
    return max(floor, 0.7 * float(np.nanmin(seen)))
