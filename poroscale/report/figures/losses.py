"""The search for a loss: a map of the pairs of weights, and a curve over the exponents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.report.style import (
    BLUE,
    DENSITY,
    GREEN,
    INK,
    MUTED,
    VERMILION,
    legend_above,
    new_figure,
    number_axis,
    plain_number,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
CURVES = {"average_precision": BLUE, "dice": VERMILION, "dice_at_half": GREEN}


def search(result: Mapping[str, Any], names: Mapping[str, str]) -> Figure:
    """Both parts of a search side by side.

    Parameters
    ----------
    result
        `pairs` and `gammas`, rows of a loss with the `means` of its measures over folds and the
        number of folds that `collapsed`; `best`, and the `measure` it was chosen by.
    names
        Names of the measures.
    """
    figure = new_figure(9.2, 3.9)
    left, right = figure.subplots(1, 2)
    _map(left, result)
    left.set_title(f"{names[result['measure']]}, γ = {result['pairs'][0]['gamma']:g}", pad=22)
    _curves(right, result["gammas"], names)
    best = result["best"]
    right.set_title(f"At α = {best['alpha']:g}, β = {best['beta']:g}", pad=22)
    return figure


def _map(axes: Axes, result: Mapping[str, Any]) -> None:
    """A cell for each pair with its mean, the best one framed."""
    pairs = result["pairs"]
    alphas, betas = (sorted({row[name] for row in pairs}) for name in ("alpha", "beta"))
    values = np.full((len(alphas), len(betas)), np.nan)

    def place_of(row: Mapping[str, Any]) -> tuple[int, int]:
        return alphas.index(row["alpha"]), betas.index(row["beta"])

    for row in pairs:
        values[place_of(row)] = row["means"][result["measure"]]["mean"]
    dark = values < (np.nanmin(values) + np.nanmax(values)) / 2
    axes.imshow(values, origin="lower", cmap=DENSITY)
    for row in pairs:
        place = place_of(row)
        said = f"{values[place]:.3f}{_collapse(row)}"
        ink = "white" if dark[place] else INK
        axes.annotate(said, place[::-1], ha="center", va="center", color=ink)
    _frame(axes, place_of(result["best"]))
    axes.set_xticks(range(len(betas)), [plain_number(each) for each in betas])
    axes.set_yticks(range(len(alphas)), [plain_number(each) for each in alphas])
    axes.set_xlabel("β, weight of false pores")
    axes.set_ylabel("α, weight of missed pores")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _collapse(row: Mapping[str, Any]) -> str:
    """A second line for a cell of which folds collapsed."""
    folds = row["means"]["dice"]["count"]
    which = f"{row['collapsed']} of {folds} " if folds > 1 else ""
    return f"\n{which}collapsed" if row["collapsed"] else ""


def _frame(axes: Axes, place: tuple[int, int]) -> None:
    from matplotlib.patches import Rectangle

    corner = place[1] - 0.47, place[0] - 0.47
    axes.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, edgecolor=VERMILION, linewidth=2.2))


def _curves(axes: Axes, gammas: Rows, names: Mapping[str, str]) -> None:
    """Measures over gamma, with intervals over folds; hollow points where a fold collapsed."""
    rows = sorted(gammas, key=lambda row: row["gamma"])
    places = [row["gamma"] for row in rows]
    for name, colour in CURVES.items():
        means = [row["means"][name] for row in rows]
        axes.plot(places, [mean["mean"] for mean in means], color=colour, label=names[name])
        for place, mean, row in zip(places, means, rows, strict=True):
            face = "white" if row["collapsed"] else colour
            axes.plot(place, mean["mean"], "o", color=colour, mfc=face)
            if mean["low"] is not None:
                axes.vlines(place, mean["low"], mean["high"], color=colour, linewidth=1.0)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color=MUTED, alpha=0.2)
    number_axis(axes, "x", whole=False)
    axes.set_xlabel("γ")
    legend_above(axes)
