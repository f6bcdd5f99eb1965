"""Statistics of a volume: `statistics.html`, self-contained, its numbers and its curves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.report.pages.page import json_bytes, store
from poroscale.report.pages.panels import Drawing, PageSection, drawn_sections
from poroscale.report.style import house_style

if TYPE_CHECKING:
    from poroscale.statistics.curves import Curves
    from poroscale.statistics.summary import VolumeStatistics

PAGE, NUMBERS, CURVES = "statistics.html", "statistics.json", "curves.parquet"
STATISTICS_FORMAT = 1


@dataclass(frozen=True)
class NumberRow:
    """A line of a table: the name of a number in `statistics.json`, its title and its unit."""

    name: str
    title: str
    unit: str = ""


GROUPS: dict[str, tuple[NumberRow, ...]] = {
    "Amount": (
        NumberRow("fraction", "Fraction of the part"),
        NumberRow("fraction_std", "Its standard deviation, from S2"),
        NumberRow("volume_um3", "Volume", "µm³"),
        NumberRow("correlation_length_um", "Autocorrelation distance, to 1/e", "µm"),
    ),
    "Surface over the volume of the part": (
        NumberRow("surface_crofton_per_um", "Crofton's formula, 13 directions", "1/µm"),
        NumberRow("surface_s2_per_um", "Slope of S2 at lag 0", "1/µm"),
        NumberRow(
            "surface_faces_per_um", "Faces of voxels (3/2 too large on smooth surfaces)", "1/µm"
        ),
    ),
    "The phase as a body": (
        NumberRow("body_surface_um2", "Surface, the edge of the volume included", "µm²"),
        NumberRow("mean_breadth_um", "Mean breadth", "µm"),
        NumberRow("integral_mean_curvature_um", "Integral of the mean curvature", "µm"),
        NumberRow("euler_6", "Euler number, 6 neighbours"),
        NumberRow("euler_26", "Euler number, 26 neighbours"),
    ),
    "Connection, 6 neighbours": (
        NumberRow("clusters", "Clusters"),
        NumberRow("connected_fraction", "Share of the largest cluster"),
        *(
            NumberRow(f"percolating_fraction_{a}", f"Share that percolates along {a}")
            for a in "zyx"
        ),
    ),
    "Local thickness": (
        NumberRow("thickness_mean_um", "Mean", "µm"),
        NumberRow("thickness_median_um", "Median", "µm"),
        NumberRow("thickness_std_um", "Standard deviation", "µm"),
        NumberRow("thickness_capped_share", "Share that is thicker than was measured"),
    ),
    "Chords": (
        NumberRow("mean_chord_z_um", "Mean chord along z", "µm"),
        NumberRow("mean_chord_y_um", "Mean chord along y", "µm"),
        NumberRow("mean_chord_x_um", "Mean chord along x", "µm"),
    ),
}
"""Tables of the page: a line for each number of a phase."""

PART_ROWS = (
    NumberRow("voxels", "Voxels of the part"),
    NumberRow("share_of_volume", "Share of the volume"),
    NumberRow("triple_line_smoothed_per_um2", "Triple line, smooth", "µm/µm³"),
    NumberRow("triple_line_edges_per_um2", "Triple line, edges of voxels", "µm/µm³"),
)
"""Lines of the table of the part as a whole."""


def write_statistics(found: VolumeStatistics, out_dir: Path, *, name: str) -> Path:
    """Write `statistics.json`, `curves.parquet` and `statistics.html`; return the page's path.

    All are byte-identical for the same inputs, and listed in the folder's manifest. Files that are
    there are replaced. `name` is that of the volume.
    """
    from poroscale.manifest import record_results
    from poroscale.report.pages.template import render
    from poroscale.version import __version__

    numbers = {"format": STATISTICS_FORMAT, "name": name, **found.numbers}
    store(out_dir / NUMBERS, json_bytes(numbers))
    about = {"kind": "curves", "format": STATISTICS_FORMAT, "of": name}
    found.curves.write(out_dir / CURVES, about=about)
    groups = _shown(numbers["phases"])
    page = render(
        "statistics.html",
        numbers=numbers,
        groups=groups,
        part=[row for row in PART_ROWS if numbers["part"].get(row.name) is not None],
        undefined=_leaves_cells_empty(groups, numbers["phases"]),
        sections=draw_statistics(found),
        version=__version__,
    )
    path = store(out_dir / PAGE, page.encode())
    record_results(out_dir, files=[PAGE, NUMBERS, CURVES])
    return path


def _shown(phases: dict[str, dict[str, Any]]) -> dict[str, list[NumberRow]]:
    """Tables without the lines that no phase has a number for."""
    found = {
        title: [row for row in rows if any(p.get(row.name) is not None for p in phases.values())]
        for title, rows in GROUPS.items()
    }
    return {title: rows for title, rows in found.items() if rows}


def _leaves_cells_empty(
    groups: dict[str, list[NumberRow]], phases: dict[str, dict[str, Any]]
) -> bool:
    shown = [row.name for rows in groups.values() for row in rows]
    return any(phase.get(name) is None for phase in phases.values() for name in shown)


def draw_statistics(found: VolumeStatistics) -> list[PageSection]:
    """Every section that has something to show."""
    with house_style():
        return drawn_sections(
            {
                ("correlation", "Correlation"): _correlations(found.curves),
                ("lines", "Lines"): _lines(found.curves),
                ("sizes", "Sizes and clusters"): _sizes(found.curves),
            }
        )


def _correlations(curves: Curves) -> list[Drawing]:
    from poroscale.report.figures import statistic_curves as figures

    return [
        Drawing(
            "s2",
            lambda: figures.s2(curves),
            "S2, the probability that two points of the part at a distance both lie in the phase; "
            "line: over all directions; dots, dashes and dash-dots: along z, y, x. It begins at "
            "the fraction and falls to its square. Look at the slope at 0 (surface), for waves "
            "(order), and for axes that differ (anisotropy).",
        ),
        Drawing(
            "correlation",
            lambda: figures.correlation(curves),
            "Autocorrelation: covariance over fraction times one less fraction. Dashed: 1/e, where "
            "the autocorrelation distance is read. A curve that has not come to 0 at its end says "
            "that the volume, or the largest lag, is too short.",
        ),
    ]


def _lines(curves: Curves) -> list[Drawing]:
    from poroscale.report.figures import statistic_curves as figures

    return [
        Drawing(
            "lineal-path",
            lambda: figures.along_axes(curves, "lineal_path", "Lineal path"),
            "Lineal path: probability that a line of a length along an axis lies in the phase as a "
            "whole. Straight on this logarithmic scale where the phase is random; a long tail is "
            "a phase that reaches far.",
        ),
        Drawing(
            "chords",
            lambda: figures.along_axes(curves, "chord_density", "Density of chords (1/µm)"),
            "Lengths of the chords that the phase cuts from lines along the axes. Chords that the "
            "edge of the volume or of the part cuts short are left out.",
        ),
    ]


def _sizes(curves: Curves) -> list[Drawing]:
    from poroscale.report.figures import statistic_curves as figures

    return [
        Drawing(
            "thickness",
            lambda: figures.local_thickness(curves),
            "Local thickness: diameter of the largest ball that lies in the phase and holds the "
            "voxel, as a density over the voxels of the phase. Of pores this is the pore-size "
            "distribution.",
        ),
        Drawing(
            "c2",
            lambda: figures.c2(curves),
            "Two-point cluster function: probability that two points of the part at a distance "
            "both lie in one cluster of the phase. Where it stays below S2, the phase is not "
            "connected.",
        ),
    ]
