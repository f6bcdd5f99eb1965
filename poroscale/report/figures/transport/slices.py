"""Slices of the fields of transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poroscale.report.style import DENSITY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from poroscale.transport.found import FieldPicture

HIGHEST = 99
"""Percentile of the values at which the colours end: a few throats carry far more than the rest."""


def field_slice(picture: FieldPicture) -> Figure | None:
    """A slice in colours, in its true proportions; None if nothing flows in it."""
    shown = np.ma.masked_invalid(picture.values)
    if not shown.count():
        return None
    rows, columns = shown.shape
    height, width = rows * picture.edges[0], columns * picture.edges[1]
    figure = new_figure(4.6, min(4.6, max(1.4, 3.8 * height / width)))
    axes = figure.add_subplot()
    values = shown.compressed()
    low = min(0.0, float(np.percentile(values, 100 - HIGHEST)))
    high = float(np.percentile(values, HIGHEST)) or 1.0
    low, high = picture.limits or (low, high)
    image = axes.imshow(
        shown,
        cmap=DENSITY,
        vmin=low,
        vmax=high,
        extent=(0, width, height, 0),
        interpolation="nearest",
    )
    axes.set_ylabel(f"{picture.axes[0]} (µm)")
    axes.set_xlabel(f"{picture.axes[1]} (µm)")
    axes.set_title(picture.title, loc="left")
    figure.colorbar(image, ax=axes, label=picture.unit, shrink=0.8)
    return figure
