"""Real against generated micrographs: `micrographs.html` and `comparison.json`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poroscale.report.pages.page import json_bytes, store
from poroscale.report.pages.panels import Drawing, PageSection, drawn_sections
from poroscale.report.style import house_style

if TYPE_CHECKING:
    from poroscale.compare.micrographs.comparison import MicrographComparison

MICROGRAPH_PAGE, MICROGRAPH_NUMBERS = "micrographs.html", "comparison.json"


def write_micrograph_comparison(found: MicrographComparison, out_dir: Path) -> Path:
    """Write `comparison.json` and `micrographs.html`; return the page's path.

    Both are byte-identical for the same inputs, and listed in the folder's manifest. Files that are
    there are replaced.
    """
    from poroscale.manifest import record_results
    from poroscale.report.pages.template import render
    from poroscale.version import __version__

    store(out_dir / MICROGRAPH_NUMBERS, json_bytes(found.numbers))
    page = render(
        "micrographs.html",
        numbers=found.numbers,
        sections=draw_micrograph_comparison(found),
        version=__version__,
    )
    path = store(out_dir / MICROGRAPH_PAGE, page.encode())
    record_results(out_dir, files=[MICROGRAPH_PAGE, MICROGRAPH_NUMBERS])
    return path


def draw_micrograph_comparison(found: MicrographComparison) -> list[PageSection]:
    """The figures of the page."""
    with house_style():
        return drawn_sections(
            {
                ("chips", "Chips"): _chips(found),
                ("topology", "Topology"): _topology(found),
                ("area", "Area and particles"): _area(found),
                ("distances", "Distances"): _distances(found),
            }
        )


def _chips(found: MicrographComparison) -> list[Drawing]:
    from poroscale.report.figures.micrographs import both_sides

    return [
        Drawing(
            "chips",
            lambda: both_sides.paired_chips(found),
            "Chips drawn at random, a row for each setting of the conditions, all at one scale of "
            "grey. Look for precipitates that one side has and the other lacks, above all for the "
            "large and rare ones, and for chips that repeat each other.",
            wide=True,
        )
    ]


def _topology(found: MicrographComparison) -> list[Drawing]:
    from poroscale.report.figures.micrographs import both_sides

    return [
        Drawing(
            "persistence",
            lambda: both_sides.average_persistence(found),
            "Average persistence images of 10 x 10 pixels (H1, sub-level sets): a bright spot of "
            "the image closes a hole. To the right: holes in brighter surroundings; upwards: spots "
            "that stand out more.",
            wide=True,
        ),
        Drawing(
            "components",
            lambda: both_sides.principal_components(found),
            "Persistence images of single chips in the principal components of the real ones, into "
            "which the generated ones are projected. Clouds that lie beside each other: the "
            "topology differs, whatever the chips look like.",
            wide=True,
        ),
    ]


def _area(found: MicrographComparison) -> list[Drawing]:
    from poroscale.compare.micrographs.particles import LARGE
    from poroscale.report.figures.micrographs import both_sides

    return [
        Drawing(
            "area-fractions",
            lambda: both_sides.area_fractions(found),
            "Share of the pixels above ten thresholds. As published, each chip is moved to the "
            "common mean and all chips of a setting and side are scaled to 0 to 1, so that "
            "differences of brightness do not show here.",
            wide=True,
        ),
        Drawing(
            "particles",
            lambda: both_sides.particle_numbers(found),
            "Bright particles by a plain threshold, with 95 % intervals by resampling specimens or "
            f"images. Large ones hold a disc of radius {LARGE:g} pixels.",
            wide=True,
        ),
    ]


def _distances(found: MicrographComparison) -> list[Drawing]:
    from poroscale.report.figures.micrographs import both_sides

    return [
        Drawing(
            "ratios",
            lambda: both_sides.distance_ratios(found),
            "Distances over those of two halves of the real images, a mark for each setting in the "
            "order of the table. Dashed: as close as the real images are to themselves. Shaded: up "
            "to 1.5 times that. Marks at the ends of the scale lie beyond them.",
            wide=True,
        )
    ]
