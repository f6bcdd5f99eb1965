"""Bars of what reference and generated microstructures let through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.compare.microstructure.rows import phase_words
from poroscale.report.style import BLUE, INK, VERMILION, new_figure, number_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.compare.microstructure.comparison import MicrostructureComparison

BARS = (("reference", BLUE), ("generated", VERMILION))
WIDTH = 0.38
COLUMNS = 4


def transport_bars(comparison: MicrostructureComparison) -> Figure | None:
    """A panel for each property and phase, a pair of bars for each axis, a dot for each sample."""
    rows = comparison.numbers["transport"]
    if not rows:
        return None
    keys = list(dict.fromkeys((row["measure"], row["phase"]) for row in rows))
    columns = min(COLUMNS, len(keys))
    lines = -(-len(keys) // columns)
    figure = new_figure(max(4.6, 2.6 * columns), 2.4 * lines + 0.4)
    cells = figure.subplots(lines, columns, squeeze=False)
    for axes, key in zip(cells.flat, keys, strict=False):
        _draw([row for row in rows if (row["measure"], row["phase"]) == key], axes)
    for axes in cells.flat[len(keys) :]:
        axes.set_visible(False)
    handles, names = cells[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(handles))
    return figure


def _draw(rows: list[dict[str, Any]], axes: Axes) -> None:
    sides = [(side, colour) for side, colour in BARS if any(row[side] for row in rows)]
    for number, (side, colour) in enumerate(sides):
        shift = WIDTH * (number - (len(sides) - 1) / 2)
        for place, row in enumerate(rows):
            values = np.array(row[side])
            bar: dict[str, Any] = {"width": WIDTH, "color": colour, "alpha": 0.35}
            label = f"{side}, mean" if place == 0 else None
            axes.bar(place + shift, values.mean(), label=label, **bar)
            spread = np.linspace(-0.6, 0.6, len(values)) if len(values) > 1 else np.zeros(1)
            axes.plot(place + shift + spread * WIDTH / 2, values, ".", color=colour, markersize=4)
            if len(values) > 1:
                axes.errorbar(
                    place + shift, values.mean(), values.std(ddof=1), color=INK, capsize=3
                )
    axes.set_xticks(range(len(rows)), [f"along {row['axis']}" for row in rows])
    axes.set_ylim(bottom=0)
    number_axis(axes, whole=False)
    unit = f" ({rows[0]['unit']})" if rows[0]["unit"] else ""
    axes.set_title(f"{rows[0]['words']}{unit}, {phase_words(rows[0]['phase'])}", loc="left")
