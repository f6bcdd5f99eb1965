"""Reference against generated microstructures: `comparison.html`, numbers and curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.report.pages.page import json_bytes, store
from poroscale.report.pages.panels import Drawing, PageSection, drawn_sections
from poroscale.report.style import house_style
from poroscale.statistics.curves import COLUMNS
from poroscale.storage.columns import write_columns

if TYPE_CHECKING:
    from poroscale.compare.microstructure.comparison import CurveBand, MicrostructureComparison

PAGE, NUMBERS, CURVES = "comparison.html", "comparison.json", "curves.parquet"
SIDES = {
    "reference": "reference",
    "generated": "generated",
    "reference_lowest": "lowest",
    "reference_highest": "highest",
}
"""Values of the column `side`, and the curve of a band that each is."""


def write_microstructure_comparison(found: MicrostructureComparison, out_dir: Path) -> Path:
    """Write `comparison.json`, `curves.parquet` and `comparison.html`; return the page's path.

    All are byte-identical for the same inputs, and listed in the folder's manifest. Files that are
    there are replaced.
    """
    from poroscale.manifest import record_results
    from poroscale.report.pages.template import render
    from poroscale.version import __version__

    numbers = found.numbers
    store(out_dir / NUMBERS, json_bytes(numbers))
    about = {"kind": "microstructure comparison", "format": numbers["format"]}
    write_columns(curve_columns(found.curves), out_dir / CURVES, about=about)
    page = render(
        "microstructure.html",
        numbers=numbers,
        judged=_by_phase(numbers, alone=False),
        alone=_by_phase(numbers, alone=True),
        sections=draw_microstructure_comparison(found),
        version=__version__,
    )
    path = store(out_dir / PAGE, page.encode())
    record_results(out_dir, files=[PAGE, NUMBERS, CURVES])
    return path


def curve_columns(curves: Mapping[tuple[str, int, str], CurveBand]) -> dict[str, NDArray[Any]]:
    """Curves as a long table with the columns of `poroscale stats`, and `side`."""
    parts: dict[str, list[Any]] = {name: [] for name in (*COLUMNS, "side")}
    for (statistic, phase, axis), band in curves.items():
        for side, name in SIDES.items():
            values = getattr(band, name)
            seen = np.isfinite(values)
            count = int(seen.sum())
            words = {"statistic": statistic, "phase": str(phase), "axis": axis, "side": side}
            for column, word in words.items():
                parts[column].append(np.repeat(np.array([word], object), count))
            parts["lag_um"].append(band.lag[seen])
            parts["value"].append(values[seen])
    empty = {name: np.empty(0, np.float64 if name in COLUMNS[3:] else object) for name in parts}
    return {name: np.concatenate([empty[name], *each]) for name, each in parts.items()}


def _by_phase(numbers: Mapping[str, Any], *, alone: bool) -> dict[str, list[Mapping[str, Any]]]:
    """Rows of the table by phase: those that have a reference, or those that have none."""
    from poroscale.compare.microstructure.rows import ALONE, phase_words, phases_in_order

    rows = [row for row in numbers["measures"] if (row["verdict"] == ALONE) == alone]
    return {
        phase_words(phase).capitalize(): [row for row in rows if row["phase"] == phase]
        for phase in phases_in_order(rows)
    }


def draw_microstructure_comparison(found: MicrostructureComparison) -> list[PageSection]:
    """Every section that has something to show."""
    with house_style():
        return drawn_sections(
            {
                ("side-by-side", "Side by side"): _overview(found),
                ("correlation", "Correlation and clusters"): _correlation(found),
                ("lines", "Lines"): _lines(found),
                ("topology", "Topology"): _topology(found),
                ("transport", "Transport"): _transport(found),
            }
        )


def _overview(found: MicrostructureComparison) -> list[Drawing]:
    from poroscale.report.figures.microstructure import both_sides

    limit = found.numbers["samples"]["limit"]
    return [
        Drawing(
            "sections",
            lambda: both_sides.side_by_side(found),
            "Sections of either side at one scale; darker phases have lower numbers. Look for "
            "shapes that one side has and the other lacks: numbers of fractions and distances may "
            "agree all the same.",
            wide=True,
        ),
        Drawing(
            "ratios",
            lambda: both_sides.ratios_by_measure(found),
            "Difference of generated and reference over the standard deviation between samples of "
            f"the reference. Shaded: up to {limit:.3g}, which counts as within. Marks at the ends "
            "of the scale lie beyond them.",
            wide=True,
        ),
    ]


def _correlation(found: MicrostructureComparison) -> list[Drawing]:
    from poroscale.report.figures.microstructure import both_sides

    return [
        Drawing(
            "s2",
            lambda: both_sides.curves_of(found, ("s2",), "Distance (µm)", log=False),
            "S2: probability that two points at a distance both lie in the phase. It begins at the "
            "fraction and falls to its square. The slope at 0 tells the surface, waves tell order.",
            wide=True,
        ),
        Drawing(
            "c2",
            lambda: both_sides.curves_of(found, ("c2",), "Distance (µm)", log=False),
            "C2: probability that two points at a distance both lie in one cluster of the phase, "
            "within the sample. A dashed curve below the band: the generated phase is less "
            "connected.",
            wide=True,
        ),
    ]


def _lines(found: MicrostructureComparison) -> list[Drawing]:
    from poroscale.report.figures.microstructure import both_sides

    return [
        Drawing(
            "lineal-path",
            lambda: both_sides.curves_of(found, ("lineal_path",), "Length (µm)", log=True),
            "Lineal path: probability that a line of a length lies in the phase as a whole.",
            wide=True,
        ),
        Drawing(
            "chords",
            lambda: both_sides.curves_of(found, ("chord_density",), "Chord length (µm)", log=True),
            "Density of the lengths of chords (1/µm). Chords that the edge of a sample cuts are "
            "left out.",
            wide=True,
        ),
    ]


def _topology(found: MicrostructureComparison) -> list[Drawing]:
    from poroscale.report.figures.microstructure import both_sides

    names = ("betti_0", "betti_1", "betti_2")
    return [
        Drawing(
            "betti",
            lambda: both_sides.curves_of(found, names, "Distance to the surface (µm)", log=False),
            "Betti numbers of the places up to a distance to the surface of the phase (negative "
            "within it), over the volume or area of the sample. At 0 they are those of the phase. "
            "The scale is linear near 0 and logarithmic above.",
            wide=True,
        )
    ]


def _transport(found: MicrostructureComparison) -> list[Drawing]:
    from poroscale.report.figures.microstructure.transport_bars import transport_bars

    return [
        Drawing(
            "transport",
            lambda: transport_bars(found),
            "What the samples let through along each axis: bars are means, lines one standard "
            "deviation, dots the samples. Relative diffusivity: of a phase that alone is open. The "
            "values are fixed on two faces, and the four others are closed.",
            wide=True,
        )
    ]
