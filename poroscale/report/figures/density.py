"""Point clouds of any size: drawn as points while these can be seen, as counts per cell beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.report.style import BLUE, log_bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

MOST_POINTS = 1500


def counts_map() -> Colormap:
    """A light-to-dark blue that prints in grey and leaves the page white where nothing is."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = ["#cfe1ee", "#7fb3d5", "#2f7fb8", "#0b4a7d", "#062a4a"]
    return LinearSegmentedColormap.from_list("counts", colours)


def bin_edges(values: NDArray[np.float64], *, cells: int, log: bool) -> NDArray[np.float64]:
    """Edges (cells + 1,) around all `values`, of equal ratio if `log`, else of equal width."""
    if log:
        return log_bins(values, cells)
    low, high = float(values.min()), float(values.max())
    margin = 0.001 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, cells + 1)


def draw_cloud(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    cells: int = 60,
    log_x: bool = False,
    log_y: bool = False,
) -> Any:
    """Draw points (x, y) on `axes`; return the image of counts, or None where points were drawn.

    Up to `MOST_POINTS` points are drawn one by one; more are counted in
    at most `cells` x `cells` cells with a logarithmic colour scale, embedded as pixels.
    """
    if len(x) <= MOST_POINTS:
        alpha = 0.75 if len(x) < 300 else 0.45
        axes.scatter(x, y, s=9, color=BLUE, alpha=alpha, linewidths=0)
        return None
    from matplotlib.colors import LogNorm

    cells = int(np.clip(np.sqrt(len(x)) / 1.5, 25, cells))
    x_edges = bin_edges(x, cells=cells, log=log_x)
    y_edges = bin_edges(y, cells=cells, log=log_y)
    counts = np.histogram2d(x, y, bins=(x_edges, y_edges))[0].T
    shown = np.ma.masked_equal(counts, 0)
    norm = LogNorm(1, max(2.0, float(counts.max())))
    return axes.pcolormesh(
        x_edges, y_edges, shown, cmap=counts_map(), norm=norm, rasterized=True, linewidth=0
    )


def add_colour_bar(axes: Axes, mesh: Any, text: str) -> None:
    """Say what the colours of `mesh` count; nothing where points were drawn."""
    if mesh is None:
        return
    from matplotlib.ticker import FuncFormatter, NullFormatter

    from poroscale.report.style import plain_number

    bar = axes.figure.colorbar(mesh, ax=axes, fraction=0.045, pad=0.02)
    bar.set_label(text)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
