"""Original and generated parts side by side: the figures of a comparison.

They follow those of the porosity-generator paper; the original is blue, the generated orange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.sample import METRICS
from poroscale.report.style import (
    BLUE,
    DENSITY,
    INK,
    MUTED,
    VERMILION,
    log_axis,
    new_figure,
    number_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from poroscale.compare import Comparison
    from poroscale.compare.comparison import Side
    from poroscale.compare.pictures import Scattered

Floats = NDArray[np.float64]
LOGARITHMIC = ("volume_um3", "equivalent_diameter_um", "surface_area_um2", "sqrt_area_um")
PAIRED = ("volume_um3", "anisotropy", "long_axis_angle_deg", "neighbour_distance_um")
LEVELS = (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95)
"""Of the largest density, as in Fig. 7."""


def distributions(found: Comparison) -> Figure:
    """Densities of every measure of a pore (Figs. 4a, 6 and A.10)."""
    names = list(found.distances)
    columns = 3
    rows = -(-len(names) // columns)
    figure = new_figure(10.2, 2.1 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for name, axis in zip(names, axes, strict=False):
        _densities(axis, found.original.pores[name], found.generated.pores[name], name)
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    _legend(axes[0])
    return figure


def _densities(axis: Axes, first: Floats, second: Floats, name: str) -> None:
    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    both = np.concatenate([first, second])
    count = int(np.clip(2 * min(len(first), len(second)) ** (1 / 3), 8, 40))
    if name in LOGARITHMIC:
        edges = np.geomspace(both.min() * 0.999, both.max() * 1.001, count + 1)
    else:
        low, high = np.quantile(both, [0, 0.998])
        edges = np.linspace(low, max(high, low + 1e-9), count + 1)
    width = np.diff(np.log(edges)) if name in LOGARITHMIC else np.diff(edges)
    for values, colour, label, filled in (
        (first, BLUE, "original", True),
        (second, VERMILION, "generated", False),
    ):
        density = np.histogram(values, edges)[0] / (len(values) * width)
        axis.stairs(
            density, edges, color=colour, label=label, fill=filled, alpha=0.35 if filled else 1
        )
    if name in LOGARITHMIC:
        log_axis(axis)
    axis.set_yticks([])
    axis.set_ylim(bottom=0)
    axis.set_xlabel(METRICS[name])


def _legend(axis: Axes) -> None:
    axis.legend(loc="upper right")


def pairs(found: Comparison) -> Figure:
    """Bivariate densities of four measures (Figs. 4b and 7)."""
    count = len(PAIRED)
    figure = new_figure(10.2, 3.3)
    which = [(i, j) for i in range(count) for j in range(i + 1, count)]
    axes = figure.subplots(2, 3, squeeze=False).ravel()
    figure.set_size_inches(10.2, 5.6)
    for (i, j), axis in zip(which, axes, strict=True):
        for side, colour in ((found.original, BLUE), (found.generated, VERMILION)):
            _contours(
                axis, side.pores[PAIRED[i]], side.pores[PAIRED[j]], (PAIRED[i], PAIRED[j]), colour
            )
        for name, which_axis in ((PAIRED[i], "x"), (PAIRED[j], "y")):
            if name in LOGARITHMIC:
                log_axis(axis, which_axis)
        axis.set_xlabel(METRICS[PAIRED[i]])
        axis.set_ylabel(METRICS[PAIRED[j]])
    axes[0].plot([], [], color=BLUE, label="original")
    axes[0].plot([], [], color=VERMILION, label="generated")
    _legend(axes[0])
    return figure


def _contours(axis: Axes, x: Floats, y: Floats, names: tuple[str, str], colour: str) -> None:
    from scipy.stats import gaussian_kde

    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep][:4000], y[keep][:4000]
    scaled = [np.log(v) if n in LOGARITHMIC else v for v, n in zip((x, y), names, strict=True)]
    if len(x) < 10 or min(np.std(v) for v in scaled) == 0:
        return
    kernel = gaussian_kde(np.stack(scaled))
    grids = [np.linspace(v.min(), v.max(), 50) for v in scaled]
    mesh = np.stack(np.meshgrid(*grids))
    density = kernel(mesh.reshape(2, -1)).reshape(50, 50)
    shown = [np.exp(g) if n in LOGARITHMIC else g for g, n in zip(grids, names, strict=True)]
    levels = [level * density.max() for level in LEVELS[::2]]
    axis.contour(*shown, density, levels=levels, colors=colour, linewidths=0.8)


def surfaces(found: Comparison) -> Figure | None:
    """Unrolled surfaces, heights in um on one scale (Fig. 2b)."""
    maps = [_heights(side) for side in (found.original, found.generated)]
    if any(each is None for each in maps):
        return None
    shown = [each for each in maps if each is not None]
    rows = min(each.shape[0] for each in shown)
    limit = float(np.quantile(np.abs(shown[0]), 0.998))
    figure = new_figure(10.2, 5.2)
    axes = figure.subplots(2, 1, squeeze=False).ravel()
    voxel = found.original.samples[0].phases.voxel_size[0]
    for axis, each, name in zip(axes, shown, ("original", "generated"), strict=True):
        extent = (0, each.shape[1] * voxel, 0, rows * voxel)
        drawn = axis.imshow(
            each[:rows], cmap=DENSITY, vmin=-limit, vmax=limit, extent=extent, aspect="auto"
        )
        axis.set_title(name)
        axis.set_ylabel("z (µm)")
        number_axis(axis, "x")
    axes[1].set_xlabel("Way around the part (µm)")
    figure.colorbar(drawn, ax=list(axes), label="Height (µm)", shrink=0.7)
    return figure


def _heights(side: Side) -> NDArray[np.float32] | None:
    surface = side.samples[0].surface
    if surface is None:
        return None
    heights = surface.arrays()[0][0]
    return np.asarray(heights - heights.mean())


def positions(found: Comparison) -> Figure:
    """Centroids seen along z, and their number over r* and z (Figs. 5, A.9, B.11)."""
    figure = new_figure(10.2, 3.4)
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1))
    count = min(len(found.original.pores["window"]), len(found.generated.pores["window"]), 3000)
    sides = ((found.original, BLUE, "original"), (found.generated, VERMILION, "generated"))
    for axis, (side, colour, name) in zip(axes, sides, strict=False):
        pores = side.pores
        pick = np.linspace(0, len(pores["window"]) - 1, count).astype(int)
        size = np.clip(pores["equivalent_diameter_um"][pick] / 8, 0.5, 30)
        axis.scatter(
            pores["centroid_x_um"][pick],
            pores["centroid_y_um"][pick],
            s=size,
            color=colour,
            alpha=0.5,
            linewidths=0,
        )
        axis.set_aspect("equal")
        axis.invert_yaxis()
        axis.set_title(name)
        axis.set_xlabel("x (µm)")
    axes[0].set_ylabel("y (µm)")
    _per_window(axes[2], found)
    _scatter_roughness(axes[3], found)
    return figure


def _per_window(axis: Axes, found: Comparison) -> None:
    counts = []
    for side in (found.original, found.generated):
        number = int(side.pores["windows"][0])
        counts.append(np.bincount(side.pores["window"], minlength=number)[:number])
    edges = np.arange(min(c.min() for c in counts) - 0.5, max(c.max() for c in counts) + 1.5)
    if len(edges) > 14:
        edges = np.linspace(edges[0], edges[-1], 14)
    for values, colour, filled in zip(counts, (BLUE, VERMILION), (True, False), strict=True):
        share = np.histogram(values, edges)[0] / len(values)
        axis.stairs(share, edges, color=colour, fill=filled, alpha=0.35 if filled else 1)
    axis.set_xlabel(f"Pores per {found.window} layers")
    axis.set_ylabel("Share of windows")


def _scatter_roughness(axis: Axes, found: Comparison) -> None:
    for side, colour in ((found.original, BLUE), (found.generated, VERMILION)):
        pores = side.pores
        keep = np.flatnonzero(np.isfinite(pores["local_roughness_um"]))[:1500]
        axis.plot(
            pores["local_roughness_um"][keep],
            pores["equivalent_diameter_um"][keep],
            ".",
            color=colour,
            markersize=2.5,
            alpha=0.6,
        )
    axis.set_xlabel("Local roughness δr (µm)")
    axis.set_ylabel("Diameter (µm), pores within 40 µm")


def two_points(found: Comparison) -> Figure:
    """Two-point probability of the pores along the three axes."""
    figure = new_figure(10.2, 2.6)
    axes = figure.subplots(1, 3, sharey=True)
    voxel = found.original.samples[0].phases.voxel_size[0]
    for axis, name in zip(axes, "xyz", strict=True):
        for side, colour, label in (
            (found.original, BLUE, "original"),
            (found.generated, VERMILION, "generated"),
        ):
            values = side.two_point[name]
            axis.plot(np.arange(len(values)) * voxel, values, color=colour, label=label)
        axis.set_xlabel(f"Lag along {name} (µm)")
        axis.set_ylim(bottom=0)
    axes[0].set_ylabel("S₂ of the pores")
    _legend(axes[0])
    return figure


def scattering_lines(found: Comparison) -> Figure:
    """Log coefficients over their index: spread of the windows, mean, and generated (Fig. 3a)."""
    names = list(found.separations)
    figure = new_figure(10.2, 2.5)
    axes = figure.subplots(1, len(names), squeeze=False).ravel()
    for axis, name in zip(axes, names, strict=True):
        original, generated = found.original.pictures[name], found.generated.pictures[name]
        if original is None or generated is None:
            continue
        low, high = np.quantile(original.logs, [0.05, 0.95], axis=0)
        index = np.arange(len(low))
        axis.fill_between(index, low, high, color=BLUE, alpha=0.2, linewidth=0)
        axis.plot(index, original.logs.mean(axis=0), color=BLUE, linewidth=1.2)
        for line in generated.logs[:5]:
            axis.plot(index, line, color=VERMILION, linewidth=0.4, alpha=0.7)
        axis.set_title("surface" if name == "surface" else f"projection along {name}")
        axis.set_xlabel("Coefficient, fine to coarse")
    axes[0].set_ylabel("log S")
    return figure


def roses(found: Comparison) -> Figure | None:
    """Coefficients by octave (radius) and angle (Figs. 3b, 8), original above generated."""
    names = [name for name in found.separations if found.original.pictures[name] is not None]
    if not names:
        return None
    figure = new_figure(10.2, 2.9)
    axes = figure.subplots(2, 2 * len(names), subplot_kw={"projection": "polar"}, squeeze=False)
    for column, name in enumerate(names):
        sides = (found.original.pictures[name], found.generated.pictures[name])
        means = [_mean_rose(side) for side in sides if side is not None]
        for order in range(2):
            limits = means[0][order].min(), means[0][order].max()
            for row in range(2):
                _rose(axes[row, 2 * column + order], means[row][order], limits)
            title = "surface" if name == "surface" else f"along {name}"
            axes[0, 2 * column + order].set_title(f"{title}, {order + 1}°", fontsize=7.5)
    axes[0, 0].set_ylabel("original", labelpad=12)
    axes[1, 0].set_ylabel("generated", labelpad=12)
    return figure


def _mean_rose(pictures: Scattered) -> tuple[Floats, Floats]:
    """Mean logs of first (J, L) and second order, summed over the second angle, (J, L)."""
    first = np.mean([np.log(np.maximum(c.first, 1e-12)) for c in pictures.coefficients], axis=0)
    second = np.mean([c.second.sum(axis=(2, 3)) for c in pictures.coefficients], axis=0)
    return first, np.log(np.maximum(second[:-1], 1e-12))


def _rose(axis: Any, values: Floats, limits: tuple[float, float]) -> None:
    octaves, angles = values.shape
    edges = np.linspace(0, 2 * np.pi, 2 * angles + 1)
    both = np.hstack([values, values])  # an angle and its opposite are one
    axis.pcolormesh(
        edges, np.arange(octaves + 1), both, cmap=DENSITY, vmin=limits[0], vmax=limits[1]
    )
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines["polar"].set_color(MUTED)
    axis.grid(False)


def ratios(found: Comparison) -> Figure:
    """Distance to the generated over the distance to itself, measure by measure."""
    names = list(found.distances)[::-1]
    values = [found.distances[name].ratio for name in names]
    figure = new_figure(6.4, 0.24 * len(names) + 0.8)
    axis = figure.subplots()
    colours = [BLUE if value <= 1.5 else VERMILION for value in values]
    axis.barh(range(len(names)), np.minimum(values, 4), color=colours, height=0.62)
    axis.axvline(1, color=INK, linewidth=0.7)
    axis.axvline(1.5, color=INK, linewidth=0.7, linestyle="--")
    axis.set_yticks(range(len(names)), [METRICS[name].split(" (")[0] for name in names])
    axis.set_xlabel("Distance to the generated / distance of two halves (shown up to 4)")
    return figure


Figures = Sequence[tuple[str, "Figure | None", str]]


def figures(found: Comparison) -> Figures:
    """Name, figure and caption of each, in the order of the page."""
    return (
        (
            "ratios",
            ratios(found),
            "How far generated pores are from the original, in units of how far half of the "
            "original is from its other half (Wasserstein distance, equal numbers). 1 is what "
            "equal laws give; to the right of the dashed line a measure does not agree.",
        ),
        (
            "distributions",
            distributions(found),
            "Measures of the pores; areas are equal. Look for shoulders that only one of them has.",
        ),
        (
            "pairs",
            pairs(found),
            "Densities of pairs of measures, contours from 5 to 85 % of the largest. Contours that "
            "lie on each other say that not only each measure, but their dependence is kept.",
        ),
        (
            "positions",
            positions(found),
            "Pores seen along the build direction (equal numbers, area by diameter), their number "
            "per window, and size over the roughness of the surface beside them.",
        ),
        (
            "surfaces",
            surfaces(found),
            "Unrolled surfaces on one scale of heights. Ridges, pits and grains should be alike in "
            "size, shape and direction, at other places.",
        ),
        (
            "two-point",
            two_points(found),
            "Probability that two points of the part at a lag both lie in pores. The value at lag "
            "zero is the porosity, the fall tells the size of pores, the rest how they gather.",
        ),
        (
            "scattering",
            scattering_lines(found),
            "Scattering coefficients of windows: band and line, the original's 5 to 95 % and mean; "
            "thin lines, five generated windows. They should stay in the band.",
        ),
        (
            "roses",
            roses(found),
            "The mean coefficients by octave (outwards: coarser) and angle, first and second "
            "order. One scale of colours for a pair; a pair should look alike.",
        ),
    )
