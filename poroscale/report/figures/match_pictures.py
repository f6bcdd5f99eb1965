"""Original and generated parts side by side: sections, shadows, surfaces, scattering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.pictures import cell_means
from poroscale.report.figures.match_values import titles_of
from poroscale.report.style import BLUE, MUTED, VERMILION, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.compare import Comparison
    from poroscale.compare.comparison import Side
    from poroscale.kernels.maps.scattering import Coefficients
    from poroscale.volume import Volume

LONGEST = 480
"""Pixels of a picture in a figure."""
ARC = 8
"""Straight pieces of an arc in a rose."""
Picture = NDArray[np.float32]


def sections(comparison: Comparison) -> Figure:
    """Cross-section, lengthwise section and shadow of the pores of each side (Fig. 5)."""
    wide = max(0.5, min(2.6, _aspect(comparison.reference)))
    figure = new_figure(9.6, 2 * 9.6 / (1 + 2 * wide) + 0.7)
    cells = figure.subplots(2, 3, width_ratios=(1, wide, wide))
    for row, side, name in zip(cells, _sides(comparison), titles_of(comparison), strict=True):
        phases, streamed = side.samples[0].phases, side.streams[0]
        length = min(len(s.streams[0].part) for s in _sides(comparison))
        _show_phases(row[0], _cross_section(phases, streamed.pore))
        _show_phases(row[1], _lengthwise(phases, length))
        shadow = _shrunk_to_page(streamed.along_x[:length].T.astype(np.float32))
        row[2].imshow(shadow, cmap="Greys", vmin=0, vmax=_most(comparison, length))
        row[0].set_title(name, loc="left", fontweight="bold")
    for axes, words in zip(
        cells[1],
        ("cross-section", "section along z →", "pores seen along x, z →"),
        strict=True,
    ):
        axes.set_xlabel(words)
    for axes in cells.ravel():
        _bare(axes)
    return figure


def _aspect(side: Side) -> float:
    depth, _, columns = side.samples[0].phases.shape
    return depth / columns


def _most(comparison: Comparison, length: int) -> float:
    both = [
        _shrunk_to_page(s.streams[0].along_x[:length].astype(np.float32))
        for s in _sides(comparison)
    ]
    return max(1e-6, *(float(np.quantile(each, 0.998)) for each in both))


def _cross_section(phases: Volume, pore: NDArray[np.int64]) -> NDArray[Any]:
    """The layer with the most pore, the outer tenths aside."""
    depth = len(pore)
    low, high = depth // 10, max(depth // 10 + 1, depth - depth // 10)
    layer = low + int(np.argmax(pore[low:high]))
    return phases.read((layer, 0, 0), (1, *phases.shape[1:]))[0]


def _lengthwise(phases: Volume, length: int) -> NDArray[Any]:
    middle = phases.shape[1] // 2
    return phases.read((0, middle, 0), (length, 1, phases.shape[2]))[:, 0].T


def _show_phases(axes: Axes, image: NDArray[Any]) -> None:
    greys = np.choose(np.minimum(image, 2), [1.0, 0.68, 0.1]).astype(np.float32)
    axes.imshow(_shrunk_to_page(greys), cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def surfaces(comparison: Comparison) -> Figure | None:
    """Unrolled heights of both sides on one scale of colours (Fig. 2)."""
    maps = [next((s for s in side.surfaces if s is not None), None) for side in _sides(comparison)]
    if maps[0] is None or maps[1] is None:
        return None
    rows = min(m.heights.shape[1] for m in maps if m is not None)
    heights = [m.heights[:, :rows] for m in maps if m is not None]
    reach = float(np.quantile(np.abs(np.concatenate([h.ravel() for h in heights])), 0.995))
    figure = new_figure(9.6, 4.6)
    cells = figure.subplots(2, 1)
    for axes, height, name in zip(cells, heights, titles_of(comparison), strict=True):
        picture = _shrunk_to_page(np.concatenate(list(height), axis=1).T)
        image = axes.imshow(picture, cmap="RdBu_r", vmin=-reach, vmax=reach, aspect="auto")
        axes.set_title(name, loc="left", fontweight="bold")
        axes.set_ylabel("around the part")
        _bare(axes)
    cells[1].set_xlabel("z, build direction →")
    bar = figure.colorbar(image, ax=list(cells), fraction=0.03, pad=0.01)
    bar.set_label("Height over the mean (µm)")
    bar.outline.set_visible(False)
    return figure


def heights(comparison: Comparison) -> Figure | None:
    """Distribution of the heights: its lean tells valleys from peaks."""
    sides = [
        [s.heights.ravel() for s in side.surfaces if s is not None] for side in _sides(comparison)
    ]
    if not all(sides):
        return None
    values = [np.concatenate(side) for side in sides]
    low, high = np.quantile(np.concatenate(values), [0.0005, 0.9995])
    edges = np.linspace(low, high, 61)
    figure = new_figure()
    axes = figure.add_subplot()
    for found, name, colour in zip(values, titles_of(comparison), (BLUE, VERMILION), strict=True):
        density = np.histogram(found, edges, density=True)[0]
        axes.stairs(density, edges, color=colour, label=name.lower(), linewidth=1.4)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Height over the mean (µm)")
    axes.legend()
    return figure


def roses(comparison: Comparison, view: str) -> Figure | None:
    """First- and second-order coefficients by angle and scale, some realisations (Figs. 3, 8)."""
    scattered = comparison.scattered.get(view)
    if scattered is None:
        return None
    wanted = comparison.numbers["settings"]["realisations"]
    sides = [_spread(side, wanted) for side in (scattered.reference, scattered.generated)]
    columns = max(map(len, sides))
    figure = new_figure(9.6, 7.0)
    cells = figure.subplots(4, columns, subplot_kw={"projection": "polar"}, squeeze=False)
    for order in (0, 1):
        grids = [[_by_scale(c, order) for c in side] for side in sides]
        known = np.concatenate([grid[grid > 0] for side in grids for grid in side])
        limits = np.log10(np.quantile(known, [0.02, 0.98])) if len(known) else (0.0, 1.0)
        for s, side in enumerate(grids):
            line = cells[2 * order + s]
            for axes, grid in zip(line, side, strict=False):
                _rose(axes, grid, limits)
            for axes in line[len(side) :]:
                axes.set_axis_off()
            words = f"{titles_of(comparison)[s]}\n{['1st', '2nd'][order]} order"
            line[0].set_ylabel(words, labelpad=22)
    return figure


def _spread(found: list[Coefficients], wanted: int) -> list[Coefficients]:
    """`wanted` realisations spread evenly over all."""
    if len(found) <= wanted:
        return found
    return [found[k] for k in np.linspace(0, len(found) - 1, wanted).round().astype(int)]


def _by_scale(coefficients: Coefficients, order: int) -> NDArray[np.float64]:
    """(scales, angles): of the first order, or of the second summed over what it follows."""
    if order == 0:
        return coefficients.first
    return coefficients.second.sum(axis=(0, 1))[1:]


def _rose(axes: Any, grid: NDArray[np.float64], limits: Any) -> None:
    """Scales outwards from fine to coarse; half a turn of angles shown twice."""
    scales, angles = grid.shape
    edges = np.linspace(0, 2 * np.pi, 2 * angles * ARC + 1) - np.pi / (2 * angles)
    values = np.repeat(np.log10(np.maximum(np.tile(grid, 2), 1e-12)), ARC, axis=1)
    mesh: dict[str, Any] = {
        "vmin": limits[0],
        "vmax": limits[1],
        "cmap": "cividis",
        "rasterized": True,
    }
    axes.pcolormesh(edges, np.arange(scales + 1), values, **mesh)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines["polar"].set_color(MUTED)


def _shrunk_to_page(picture: NDArray[Any]) -> Picture:
    """Means over square cells, at most `LONGEST` pixels a side."""
    step = -(-max(picture.shape) // LONGEST)
    if step > min(picture.shape):
        return np.asarray(picture, np.float32)
    return cell_means(picture, step)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _sides(comparison: Comparison) -> tuple[Side, Side]:
    return comparison.reference, comparison.generated
