"""Scans of a batch side by side, from the numbers of their reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from poroscale.report.style import BLUE, INK, PALE, VERMILION, log_axis, new_figure, number_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Scans = Mapping[str, Mapping[str, Any]]
LONGEST_NAME = 28


def porosities(scans: Scans) -> Figure | None:
    """Porosity of every scan with its range over the threshold table."""
    rows = _rows(scans, "porosity")
    if not rows:
        return None
    figure, axes = _axes(scans)
    for place, numbers in rows:
        low = numbers.get("porosity_low", numbers["porosity"])
        high = numbers.get("porosity_high", numbers["porosity"])
        axes.plot([100 * low, 100 * high], [place, place], color=PALE, linewidth=5)
        axes.plot(100 * numbers["porosity"], place, "o", color=BLUE)
    axes.set_xlim(left=0)
    number_axis(axes, "x", whole=False)
    axes.set_xlabel("Porosity (%)")
    return figure


def diameters(scans: Scans) -> Figure | None:
    """Quantiles of the equivalent diameter of every scan."""
    rows = [row for row in _rows(scans, "diameter_quantiles_um") if row[1]["pore_count"]]
    if not rows:
        return None
    figure, axes = _axes(scans)
    for place, numbers in rows:
        p05, p25, p50, p75, p95 = numbers["diameter_quantiles_um"]
        axes.plot([p05, p95], [place, place], color=BLUE, linewidth=1.0)
        axes.barh(place, p75 - p25, left=p25, height=0.5, color=PALE)
        axes.plot([p50, p50], [place - 0.25, place + 0.25], color=BLUE, linewidth=2.0)
        axes.plot(numbers["max_diameter_um"], place, "x", color=VERMILION)
    log_axis(axes)
    axes.set_xlabel("Equivalent diameter (µm)")
    return figure


def largest_roots(scans: Scans) -> Figure | None:
    """Largest root of the projected area of every scan."""
    return _bars(scans, "max_sqrt_area_um", "Largest √area (µm)")


def number_densities(scans: Scans) -> Figure | None:
    """Pores per cubic millimetre of every scan."""
    return _bars(scans, "number_density_per_mm3", "Pores per mm³")


def _bars(scans: Scans, key: str, text: str) -> Figure | None:
    rows = _rows(scans, key)
    if not rows:
        return None
    figure, axes = _axes(scans)
    axes.barh([place for place, _ in rows], [n[key] for _, n in rows], height=0.5, color=PALE)
    number_axis(axes, "x", whole=False)
    axes.set_xlabel(text)
    return figure


def _rows(scans: Scans, key: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Place on the axis and numbers of every scan that knows `key`."""
    numbers = [facts["numbers"] for facts in scans.values()]
    return [(place, n) for place, n in enumerate(numbers) if n.get(key) is not None]


def _axes(scans: Scans) -> tuple[Figure, Axes]:
    figure = new_figure(4.6, max(1.6, 0.9 + 0.28 * len(scans)))
    axes = figure.add_subplot()
    axes.set_yticks(range(len(scans)), [_short(name) for name in scans], color=INK)
    axes.set_ylim(len(scans) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure, axes


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
