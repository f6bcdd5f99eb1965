"""Figures of the threshold, and of what other thresholds would have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.report.style import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    VERMILION,
    legend_above,
    log_axis,
    new_figure,
    number_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_grey_histogram(segmentation: Mapping[str, Any]) -> Figure | None:
    """Grey values, or scores, in and outside the part with thresholds; logarithmic counts."""
    histogram = segmentation.get("histogram") or {}
    levels = np.asarray(histogram.get("levels", ()), float)
    if len(levels) < 2:
        return None
    figure = new_figure()
    axes = figure.add_subplot()
    for key, name, colour, dash in (
        ("counts_outside", "outside the part", GREY, "--"),
        ("counts_inside", "part and pores", BLUE, "-"),
    ):
        counts = np.asarray(histogram.get(key, ()), float)
        if len(counts) in (len(levels), len(levels) - 1) and counts.any():
            centres = levels if len(counts) == len(levels) else (levels[1:] + levels[:-1]) / 2
            axes.plot(
                centres,
                np.where(counts > 0, counts, np.nan),
                color=colour,
                linestyle=dash,
                linewidth=1.2,
                drawstyle="steps-mid",
                label=name,
            )
    _mark_thresholds(axes, segmentation)
    log_axis(axes, "y")
    axes.set_ylim(bottom=0.7)
    number_axis(axes, "x", whole=False)
    axes.locator_params(axis="x", nbins=7)
    axes.set_xlabel("Score" if _is_scored(segmentation) else "Grey value")
    axes.set_ylabel("Voxels")
    legend_above(axes)
    return figure


def _is_scored(segmentation: Mapping[str, Any]) -> bool:
    """True if the phases are those of scores; then the outer threshold is of something else."""
    return segmentation.get("method") == "scores"


def sensitivity(
    rows: Sequence[Mapping[str, Any]], *, of: str = "% of the contrast"
) -> Figure | None:
    """Porosity and pore count for pore thresholds a few per cent up and down."""
    if len(rows) < 2:
        return None
    shift = np.asarray([row["shift"] for row in rows], float) * 100
    order = np.argsort(shift)
    figure = new_figure(4.6, 3.6)
    curves = [("porosity", 100.0, "Porosity (%)"), ("pore_count", 1.0, "Pores")]
    known = [c for c in curves if any(row.get(c[0]) is not None for row in rows)]
    panels = figure.subplots(len(known), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (key, factor, text) in zip(panels, known, strict=True):
        values = np.asarray([_number(row.get(key)) for row in rows]) * factor
        axes.plot(shift[order], values[order], marker="o", color=BLUE)
        axes.axvline(0, color=ORANGE, linewidth=1.0, linestyle="--")
        axes.set_ylabel(text)
        axes.margins(y=0.15)
        if not (values > 0).any():
            axes.set_ylim(0, 1)
    lower = panels[-1]
    if known[-1][0] == "pore_count":
        number_axis(lower)
    lower.set_xlabel(f"Shift of the pore threshold ({of})")
    figure.align_ylabels()
    return figure


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _mark_thresholds(axes: Axes, segmentation: Mapping[str, Any]) -> None:
    marks = [("score_threshold", "solid | pore", VERMILION, 0.30)]
    if segmentation.get("method") == "local":
        marks = [
            ("air_level", "air", MUTED, 0.30),
            ("void_level", "void", VERMILION, 0.06),
            ("solid_level", "solid", INK, 0.30),
        ]
    elif not _is_scored(segmentation):
        marks = [
            ("outer_threshold", "outside | part", MUTED, 0.30),
            ("inner_threshold", "pore | solid", VERMILION, 0.06),
        ]
    for key, text, colour, height in marks:
        value = segmentation.get(key)
        if value is None:
            continue
        axes.axvline(float(value), color=colour, linewidth=1.0)
        axes.annotate(
            f"{text}\n{float(value):,.5g}",
            (float(value), height),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            size=7,
            color=INK,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
        )
