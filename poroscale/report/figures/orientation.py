"""Figures of the orientation of pores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.report.figures.shape import resolved
from poroscale.report.style import (
    BLUE,
    GREY,
    INK,
    PALE,
    legend_above,
    new_figure,
    number_axis,
    plain_number,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from poroscale.report.table import PoreTable

ANGLE = "long_axis_angle_deg"
AZIMUTH = "long_axis_azimuth_deg"
UPRIGHT = 10.0


def angle_to_build_direction(table: PoreTable) -> Figure | None:
    """Number of pores over the angle of the long axis to z, against random orientation.

    Random axes are distributed as sin(angle), because there are more directions near the
    horizontal than near the vertical.
    """
    (angle,) = resolved(table, ANGLE)
    if not len(angle):
        return None
    edges = np.linspace(0, 90, 19 if len(angle) >= 200 else 10)
    figure = new_figure()
    axes = figure.add_subplot()
    axes.hist(angle, edges.tolist(), color=PALE, label="long axis")
    random = len(angle) * -np.diff(np.cos(np.radians(edges)))
    axes.stairs(random, edges, color=INK, linestyle="--", linewidth=1.0, label="if random")
    axes.set_xlim(0, 90)
    axes.set_xticks([0, 15, 30, 45, 60, 75, 90])
    axes.set_xlabel("Angle of the long axis to the build direction (°)")
    axes.set_ylabel("Pores")
    number_axis(axes)
    legend_above(axes)
    return figure


def azimuth_rose(table: PoreTable) -> Figure | None:
    """Azimuth of the long axis in the build plane; area of a petal counts pores.

    An axis has no head, so that the rose repeats after 180 degrees. Pores within
    `UPRIGHT` degrees of the build direction have no meaningful azimuth and are left out.
    """
    angle, azimuth = resolved(table, ANGLE, AZIMUTH)
    azimuth = azimuth[angle >= UPRIGHT]
    if not len(azimuth):
        return None
    counts, edges = np.histogram(np.mod(azimuth, 180.0), np.linspace(0, 180, 19))
    figure = new_figure(3.9, 3.4)
    axes: Any = figure.add_subplot(projection="polar")
    width = np.radians(10)
    start = np.radians(np.concatenate([edges[:-1], edges[:-1] + 180]))
    height = np.sqrt(np.concatenate([counts, counts]))
    axes.bar(start, height, width, align="edge", color=PALE, edgecolor=BLUE, linewidth=0.6)
    ticks = _round_counts(int(counts.max()))
    axes.set_rgrids(np.sqrt(ticks).tolist(), [plain_number(t) for t in ticks], angle=95, size=6.5)
    axes.set_thetagrids([0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330])
    axes.set_axisbelow(False)
    axes.grid(color=GREY, linewidth=0.4, alpha=0.6)
    axes.spines["polar"].set_visible(False)
    return figure


def _round_counts(most: int) -> list[int]:
    """Two round counts for rings: about a quarter of `most`, and `most`."""

    def rounded(value: float) -> int:
        if value < 1:
            return 1
        power = 10 ** int(np.floor(np.log10(value)))
        return int(max(f * power for f in (1, 2, 5) if f * power <= value))

    return sorted({rounded(most / 4), rounded(most)})
