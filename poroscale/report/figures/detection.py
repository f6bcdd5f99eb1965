"""Figures of how well scores tell pores from solid: curves over thresholds, and pores by size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.report.style import (
    BLUE,
    GREEN,
    GREY,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PALE,
    VERMILION,
    legend_above,
    log_axis,
    new_figure,
    number_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.segmentation import Evaluation

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, GREY, "#CC79A7", "#56B4E9", INK)
MOST_POINTS = 1500
SCORE_BINS = 64
ISO_DICE = (0.2, 0.4, 0.6, 0.8, 0.9)

Evaluations = Sequence["Evaluation"]
Floats = NDArray[np.float64]


def precision_recall(evaluations: Evaluations) -> Figure:
    """Precision over recall, with lines of equal Dice and the best point of each."""
    figure = new_figure(4.6, 4.1)
    axes = figure.add_subplot()
    _iso_dice(axes)
    for one, colour in _coloured(evaluations):
        recall, precision = _thinned(one, "recall", "precision")
        axes.plot(
            np.concatenate([[0], recall]),
            np.concatenate([[precision[0]], precision]),
            color=colour,
            drawstyle="steps-pre",
            label=_named(evaluations, one, "AP", one.ranking.average_precision),
            zorder=3,
        )
        best = one.ranking.at(one.ranking.best_threshold)
        axes.plot(
            best["recall"],
            best["precision"],
            "o",
            color=colour,
            mec="white",
            markersize=7,
            zorder=4,
        )
    chance = evaluations[0].ranking.porosity
    axes.axhline(chance, color=MUTED, linewidth=0.8, linestyle="--")
    _unit(axes)
    axes.set_xlabel("Recall: pore voxels found")
    axes.set_ylabel("Precision: found voxels that are pore")
    axes.legend(loc="lower left", frameon=True, framealpha=0.9, edgecolor="none")
    return figure


def roc(evaluations: Evaluations) -> Figure:
    """Recall over the false positive rate, which is logarithmic: solid is a hundred times more."""
    figure = new_figure(4.6, 4.1)
    axes = figure.add_subplot()
    low = min(max(1e-7, 0.7 / int(one.ranking.solid.sum())) for one in evaluations)
    for one, colour in _coloured(evaluations):
        rate, recall = _thinned(one, "false_positive_rate", "recall")
        axes.plot(
            np.maximum(rate, low),
            recall,
            color=colour,
            drawstyle="steps-post",
            label=_named(evaluations, one, "AUC", one.ranking.roc_auc),
            zorder=3,
        )
        best = one.ranking.at(one.ranking.best_threshold)
        place = max(best["false_positive_rate"], low)
        axes.plot(place, best["recall"], "o", color=colour, mec="white", markersize=7, zorder=4)
    line = np.geomspace(low, 1, 200)
    axes.plot(line, line, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set_xlim(low, 1)
    log_axis(axes)
    axes.set_ylim(0, 1.01)
    axes.set_xlabel("Solid voxels taken for pore, share")
    axes.set_ylabel("Recall: pore voxels found")
    axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
    return figure


def by_threshold(evaluations: Evaluations) -> Figure | None:
    """Dice over the threshold; of one evaluation recall and precision as well."""
    soft = [one for one in evaluations if len(one.ranking.values) > 2]
    if not soft:
        return None
    figure = new_figure()
    axes = figure.add_subplot()
    alone = len(soft) == 1
    for one, colour in _coloured(evaluations):
        if one not in soft:
            continue
        threshold, dice, recall, precision = _thinned(
            one, "threshold", "dice", "recall", "precision"
        )
        axes.plot(threshold, dice, color=colour, label="Dice" if alone else one.name, zorder=3)
        if alone:
            axes.plot(threshold, recall, color=GREEN, linewidth=1.0, linestyle="--", label="recall")
            axes.plot(
                threshold,
                precision,
                color=VERMILION,
                linewidth=1.0,
                linestyle=":",
                label="precision",
            )
        best = one.ranking.at(one.ranking.best_threshold)
        axes.plot(
            best["threshold"], best["dice"], "o", color=colour, mec="white", markersize=7, zorder=4
        )
    _unit(axes)
    axes.set_xlabel("Threshold of the score")
    axes.set_ylabel("Share" if alone else "Dice coefficient")
    legend_above(axes)
    return figure


def score_histograms(evaluations: Evaluations) -> Figure | None:
    """Scores of pore and of solid voxels, a panel for each evaluation; logarithmic counts."""
    soft = [one for one in evaluations if len(one.ranking.values) > 2]
    if not soft:
        return None
    columns = min(3, len(soft))
    lines = -(-len(soft) // columns)
    figure = new_figure(4.6, 3.1) if len(soft) == 1 else new_figure(9.6, 0.3 + 2.3 * lines)
    cells = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    most = max(max(one.histogram(SCORE_BINS)["solid"]) for one in soft)
    for axes, one in zip(cells, soft, strict=False):
        _histogram(axes, one)
        axes.set_ylim(0.7, 2 * most)
        log_axis(axes, "y")
        if len(soft) > 1:
            axes.set_title(one.name, loc="left", fontweight="bold")
    for axes in cells[len(soft) :]:
        axes.remove()
    for axes in cells[::columns]:
        axes.set_ylabel("Voxels")
    handles, names = cells[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


def _histogram(axes: Axes, one: Evaluation) -> None:
    counts = one.histogram(SCORE_BINS)
    edges = np.asarray(counts["edges"])
    for name, fill, line in (("solid", "#dddddd", GREY), ("pore", PALE, BLUE)):
        values = np.asarray(counts[name], float)
        axes.stairs(values, edges, fill=True, color=fill, alpha=0.7, baseline=0.5)
        axes.stairs(values, edges, color=line, linewidth=1.0, label=name, baseline=0.5)
    axes.axvline(one.threshold, color=VERMILION, linewidth=1.0)
    axes.set_xlim(0, 1)
    axes.set_xlabel("Score")


def by_size(evaluations: Evaluations) -> Figure | None:
    """Pores found, and found pores that are true, by equivalent diameter."""
    matched = [one for one in evaluations if one.pores is not None]
    if not matched:
        return None
    figure = new_figure(9.6, 3.5)
    left, right = figure.subplots(1, 2)
    for axes, share, count, text in (
        (left, "recall", "truth_count", "Recall: pores of the truth that are found"),
        (right, "precision", "measured_count", "Precision: found pores that are true"),
    ):
        rows = {one.name: one.numbers["pores"]["by_size"] for one in matched}
        shown = [k for k in range(len(rows[matched[0].name])) if _any(rows, k, count)]
        for place, (one, colour) in enumerate(_coloured(matched)):
            shift = 0.7 * ((place + 0.5) / len(matched) - 0.5)
            _shares(
                axes,
                [rows[one.name][k] for k in shown],
                share=share,
                count=count,
                shift=shift,
                look=(colour, one.name),
            )
        first = [rows[matched[0].name][k] for k in shown]
        axes.set_xticks(range(len(first)), [_class(row) for row in first])
        axes.set_xlim(-0.6, len(first) - 0.4)
        axes.set_ylim(-0.03, 1.14)
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel("Equivalent diameter (voxels)")
        axes.set_ylabel(text)
    if len(matched) > 1:
        handles, names = left.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=min(4, len(names)))
    return figure


def fold_means(folds: Mapping[str, Any]) -> Figure:
    """Mean and interval of every model, a panel for each measure (Fig. 4)."""
    measures = list(dict.fromkeys(row["measure"] for row in folds["means"]))
    models = list(dict.fromkeys(row["model"] for row in folds["means"]))
    figure = new_figure(9.6, 0.7 + 0.3 * len(models))
    cells = figure.subplots(1, len(measures), sharey=True, squeeze=False).ravel()
    place = {model: k for k, model in enumerate(models[::-1])}
    for axes, measure in zip(cells, measures, strict=True):
        for row in (row for row in folds["means"] if row["measure"] == measure):
            if row["low"] is not None:
                axes.hlines(place[row["model"]], row["low"], row["high"], color=PALE, linewidth=5)
            axes.plot(row["mean"], place[row["model"]], "o", color=BLUE)
        axes.set_yticks(range(len(models)), models[::-1])
        axes.set_ylim(-0.6, len(models) - 0.4)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_xlabel(measure.replace("_", " ").capitalize())
    return figure


def _shares(
    axes: Axes,
    rows: Sequence[Mapping[str, Any]],
    *,
    share: str,
    count: str,
    shift: float,
    look: tuple[str, str],
) -> None:
    """Points with their intervals, and above them how many pores they stand for."""
    colour, name = look
    places = [k + shift for k, row in enumerate(rows) if row[count]]
    known = [row for row in rows if row[count]]
    values = np.array([row[share] for row in known], float)
    low = np.array([row[f"{share}_low"] for row in known], float)
    high = np.array([row[f"{share}_high"] for row in known], float)
    axes.vlines(places, low, high, color=colour, linewidth=1.1, alpha=0.75)
    axes.plot(places, values, "o", color=colour, mec="white", markersize=5.5, label=name)
    for place, top, row in zip(places, high, known, strict=True):
        axes.annotate(
            f"{row[count]:,}",
            (place, top),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            size=6.5,
            color=MUTED,
        )


def _any(rows: Mapping[str, Sequence[Mapping[str, Any]]], k: int, count: str) -> bool:
    return any(one[k][count] for one in rows.values())


def _class(row: Mapping[str, Any]) -> str:
    low, high = row["low_voxels"], row["high_voxels"]
    if high is None:
        return f"> {low:g}"
    return f"≤ {high:g}" if low == 0 else f"{low:g}–{high:g}"


def _iso_dice(axes: Axes) -> None:
    """Lines on which the Dice coefficient is the same."""
    for dice in ISO_DICE:
        recall = np.linspace(dice / (2 - dice), 1, 100)
        axes.plot(recall, dice * recall / (2 * recall - dice), color="#d9d9d9", linewidth=0.7)
        axes.annotate(
            f"Dice {dice:g}" if dice == ISO_DICE[-1] else f"{dice:g}",
            (1.0, dice / (2 - dice)),
            xytext=(2, 0),
            textcoords="offset points",
            size=6.5,
            color=MUTED,
            va="center",
            annotation_clip=False,
        )


def _unit(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    number_axis(axes, "x", whole=False)


def _coloured(evaluations: Evaluations) -> list[tuple[Evaluation, str]]:
    return [(one, COLOURS[k % len(COLOURS)]) for k, one in enumerate(evaluations)]


def _named(evaluations: Evaluations, one: Evaluation, measure: str, value: float) -> str:
    name = f"{one.name}, " if len(evaluations) > 1 else ""
    return f"{name}{measure} {value:.3f}" if value < 0.9995 else f"{name}{measure} {value:.5g}"


def _thinned(one: Evaluation, *names: str) -> list[Floats]:
    """Columns of the curves, at most `MOST_POINTS` of them, the first and the last among them."""
    curves = one.ranking.curves()
    count = len(curves["threshold"])
    keep = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))
    return [np.asarray(curves[name], float)[keep] for name in names]
