"""Figures of the positions of pores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.report.figures.density import add_colour_bar, draw_cloud
from poroscale.report.figures.size import measure_in_words
from poroscale.report.style import (
    BLUE,
    CLASS_COLOURS,
    MUTED,
    ORANGE,
    PALE,
    bins_for,
    legend_above,
    new_figure,
    number_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.report.sections.extent import PartExtent
    from poroscale.report.table import PoreTable

FEW = 4000


def unit_of(length: float) -> tuple[float, str]:
    """The factor and the name of the unit in which `length` um reads well."""
    return (1e-3, "mm") if length >= 2000 else (1.0, "µm")


def positions_xy(table: PoreTable, extent: PartExtent | None) -> Figure | None:
    """Pore centroids over the part's shadow, seen along z; y runs down, as in the slices."""
    x, y = table.column("centroid_x_um"), table.column("centroid_y_um")
    if not len(x):
        return None
    scale, unit = unit_of(max(np.ptp(x), np.ptp(y)))
    figure = new_figure(4.6, 4.0)
    axes = figure.add_subplot()
    axes.set_aspect("equal")
    if extent is not None:
        _draw_shadow(axes, extent, scale)
    if len(x) > FEW:
        mesh = draw_cloud(axes, x * scale, y * scale, cells=80)
        add_colour_bar(axes, mesh, "Pores per cell")
    else:
        _draw_points(axes, table, x * scale, y * scale)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    number_axis(axes, "x", whole=False)
    number_axis(axes, "y", whole=False)
    axes.set_xlabel(f"x ({unit})")
    axes.set_ylabel(f"y ({unit})")
    return figure


def _draw_points(
    axes: Axes, table: PoreTable, x: NDArray[np.float64], y: NDArray[np.float64]
) -> None:
    """A point per pore, in the colour of its class where pores were classed."""
    style: dict[str, Any] = {"s": 9, "linewidths": 0, "alpha": 0.8}
    if not table.classed:
        axes.scatter(x, y, color=BLUE, **style)
        return
    for name, at in table.classes().items():
        colour = CLASS_COLOURS.get(name, MUTED)
        axes.scatter(x[at], y[at], label=measure_in_words(name), color=colour, **style)
    legend_above(axes)


def _draw_shadow(axes: Axes, extent: PartExtent, scale: float) -> None:
    """Light grey wherever there is part along z."""
    from matplotlib.colors import ListedColormap

    left, right, bottom, top = (edge * scale for edge in extent.shadow_edges_um)
    axes.imshow(
        np.ma.masked_equal(extent.part_map > 0, False),
        cmap=ListedColormap(["#efefef"]),
        extent=(left, right, top, bottom),
        interpolation="nearest",
        zorder=0,
    )


def along_build_direction(table: PoreTable, extent: PartExtent | None) -> Figure | None:
    """Porosity of each section and number of pores, from the bottom of the part to its top."""
    z = table.column("centroid_z_um")
    if not len(z):
        return None
    bottom = extent.origin_um[0] if extent else float(z.min()) * 0.999
    top = bottom + extent.height_um if extent else float(z.max()) * 1.001
    scale, unit = unit_of(top - bottom)
    edges = np.linspace(bottom, top, min(60, extent.slices if extent else 60) + 1)
    figure = new_figure(4.6, 4.0)
    columns = figure.subplots(1, 2 if extent else 1, sharey=True, squeeze=False)[0]
    if extent:
        height, porosity = extent.section_porosity(60)
        columns[0].stairs(100 * porosity, height * scale, orientation="horizontal", color=BLUE)
        columns[0].axvline(100 * extent.porosity, color=ORANGE, linewidth=1.0, linestyle="--")
        columns[0].set_xlabel("Section porosity (%)")
        columns[0].set_xlim(left=0)
    counts = np.histogram(z, edges)[0]
    columns[-1].stairs(
        counts, edges * scale, orientation="horizontal", fill=True, color=PALE, baseline=0
    )
    columns[-1].set_xlabel("Pores per section")
    columns[-1].set_xlim(left=0)
    number_axis(columns[-1], "x")
    number_axis(columns[0], "y", whole=False)
    columns[0].set_ylabel(f"z, build direction ({unit})")
    columns[0].set_ylim(bottom * scale, top * scale)
    return figure


def porosity_along_z(extent: PartExtent | None) -> Figure | None:
    """Porosity of each section along z."""
    if extent is None or not extent.part.any():
        return None
    height, porosity = extent.section_porosity(60)
    scale, unit = unit_of(extent.height_um)
    figure = new_figure()
    axes = figure.add_subplot()
    axes.stairs(100 * porosity, height * scale, color=BLUE, linewidth=1.5, label="section")
    axes.axhline(
        100 * extent.porosity, color=ORANGE, linewidth=1.0, linestyle="--", label="whole part"
    )
    axes.set_xlim(height[0] * scale, height[-1] * scale)
    axes.set_ylim(bottom=0)
    number_axis(axes, "x", whole=False)
    axes.set_xlabel(f"z ({unit})")
    axes.set_ylabel("Porosity (%)")
    legend_above(axes)
    return figure


def surface_distance(table: PoreTable, weight: str = "volume") -> Figure | None:
    """Shares of the number and of the volume of pores over the distance to the free surface."""
    distance = table.column("surface_distance_um")
    known = np.isfinite(distance)
    if not known.any():
        return None
    distance, volume = distance[known], table.column("volume_um3")[known]
    edges = np.linspace(0, float(distance.max()) * 1.001 or 1.0, bins_for(len(distance)) + 1)
    number = np.histogram(distance, edges)[0] / len(distance)
    share = np.histogram(distance, edges, weights=volume)[0] / volume.sum()
    figure = new_figure()
    axes = figure.add_subplot()
    scale, unit = unit_of(float(distance.max()))
    axes.stairs(100 * number, edges * scale, fill=True, color=PALE, label="by number")
    axes.stairs(100 * share, edges * scale, color=ORANGE, linewidth=1.6, label=f"by {weight}")
    axes.set_xlim(0, edges[-1] * scale)
    number_axis(axes, "x", whole=False)
    axes.set_xlabel(f"Distance to the free surface ({unit})")
    axes.set_ylabel("Share of the pores (%)")
    legend_above(axes)
    return figure


def radial_porosity(table: PoreTable, extent: PartExtent | None) -> Figure | None:
    """Porosity of rings around the vertical axis through the part's centre."""
    if extent is None or not extent.part.any() or not table.rows:
        return None
    radius, porosity = extent.radial_porosity(30)
    scale, unit = unit_of(float(radius[-1]))
    figure = new_figure()
    axes = figure.add_subplot()
    axes.stairs(100 * porosity, radius * scale, color=BLUE, linewidth=1.5, label="ring")
    axes.axhline(
        100 * extent.porosity, color=ORANGE, linewidth=1.0, linestyle="--", label="whole part"
    )
    axes.set_xlim(0, radius[-1] * scale)
    axes.set_ylim(bottom=0)
    number_axis(axes, "x", whole=False)
    axes.set_xlabel(f"Distance to the part's vertical axis ({unit})")
    axes.set_ylabel("Porosity (%)")
    legend_above(axes)
    return figure
