"""Original against generated parts: `compare.html`, self-contained, and `compare.json`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.report.pages.page import json_bytes, store
from poroscale.report.pages.panels import PageSection, Panel
from poroscale.report.style import house_style, svg_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from poroscale.compare import Ablation, Comparison

PAGE, NUMBERS = "compare.html", "compare.json"
Drawing = tuple[str, Callable[[], "Figure | None"], str, bool]
"""Name, function, caption, and whether the figure takes the whole width."""


def write_comparison(
    comparison: Comparison, out_dir: Path, *, ablation: Ablation | None = None
) -> Path:
    """Write the page of a comparison.

    Parameters
    ----------
    comparison
        The comparison.
    out_dir
        Gets `compare.html` and `compare.json`, both listed in its manifest; byte-identical for
        the same inputs. What is there is replaced.
    ablation
        Pores for several numbers of bins (Appendix B), shown if given.

    Returns
    -------
    Path
        The page.
    """
    from poroscale.compare.pictures import VIEWS
    from poroscale.manifest import record_results
    from poroscale.report.pages.template import render
    from poroscale.version import __version__

    out_dir = Path(out_dir)
    numbers = comparison.numbers
    if ablation is not None:
        numbers = numbers | {"ablation": ablation.rows}
    store(out_dir / NUMBERS, json_bytes(numbers))
    page = render(
        "compare.html",
        numbers=numbers,
        curves=_named_curves(numbers),
        views=VIEWS,
        sections=draw_comparison(comparison, ablation),
        version=__version__,
    )
    path = store(out_dir / PAGE, page.encode())
    record_results(out_dir, files=[PAGE, NUMBERS])
    return path


def _named_curves(numbers: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Words, unit and differences of every curve, for the table."""
    rows = [("S2 of the pores", "", numbers["two_point"])] if numbers["two_point"] else []
    words = {
        ("lineal_path", "pore"): ("Lineal path of the pores", ""),
        ("chord_density", "pore"): ("Chords of the pores", "1/µm"),
        ("chord_density", "solid"): ("Chords of the solid", "1/µm"),
    }
    for row in numbers["curves"]:
        name, unit = words[row["statistic"], row["phase"]]
        way = row["axis"] if row["axis"] == "across" else f"along {row['axis']}"
        rows.append((f"{name}, {way}", unit, row))
    return rows


def draw_comparison(comparison: Comparison, ablation: Ablation | None) -> list[PageSection]:
    """Every section that has something to show."""
    plan = {
        ("side-by-side", "Side by side"): _pictures(comparison),
        ("pores", "Pores"): _pores(comparison),
        ("place", "Place"): _place(comparison),
        ("curves", "Curves"): _curves(comparison),
        ("surface", "Surface"): _surface(comparison),
        ("scattering-roses", "Scattering"): list(_roses(comparison)),
        ("ablation", "Number of bins"): _ablation(ablation),
        ("definitions", "What is measured"): _definitions(),
    }
    sections = []
    with house_style():
        for (name, title), drawings in plan.items():
            panels = [
                Panel(key, _worded(caption, comparison), svg_of(figure, key), wide)
                for key, make, caption, wide in drawings
                if (figure := make()) is not None
            ]
            if panels:
                sections.append(PageSection(name, title, tuple(panels)))
    return sections


def _worded(text: str, comparison: Comparison) -> str:
    """A caption in which the sides are called what they are."""
    for usual, word in zip(
        ("original", "generated"), comparison.numbers["sides"]["words"], strict=True
    ):
        text = re.sub(rf"\b{usual}\b", word, text)
        text = re.sub(rf"\b{usual.capitalize()}\b", word.capitalize(), text)
    return text


def _pictures(comparison: Comparison) -> list[Drawing]:
    from poroscale.report.figures import match_pictures

    return [
        (
            "sections",
            lambda: match_pictures.sections(comparison),
            "The first volume of either side: the layer with the most pore, the middle section "
            "along the build direction, and all pores seen along x, darker where more pore lies "
            "behind. Only as much length as both have is shown. Look for sides, bands or depths "
            "where one has more pores than the other, and for pores of another size or shape.",
            True,
        )
    ]


def _pores(comparison: Comparison) -> list[Drawing]:
    from poroscale.report.figures import match_values

    limit = comparison.numbers["settings"]["limit"]
    return [
        (
            "ratios",
            lambda: match_values.ratios(comparison),
            "Wasserstein distance of generated to original parts over that between two halves of "
            "the original, both of samples of equal size, means over the splits. 1 (dashed): as "
            f"close as the part is to itself. Shaded: within {limit:g} times, which passes. Look "
            "for points beyond the shade.",
            True,
        ),
        (
            "distributions",
            lambda: match_values.distributions(comparison),
            "Distribution of each measure, original filled, generated as a line, on common classes "
            "of equal width (of equal ratio on logarithmic scales). Pores cut by the volume's edge "
            "have no shape and are left out, but for their position and number. Look for a line "
            "that leaves the filled area by more than the steps between classes.",
            True,
        ),
        (
            "densities",
            lambda: match_values.densities(comparison),
            "Densities of pairs of measures; contours at 5 to 95 % of the largest density. Look "
            "for contours that lean another way: then each measure may match alone, and their "
            "relation does not.",
            True,
        ),
    ]


def _place(comparison: Comparison) -> list[Drawing]:
    from poroscale.report.figures import match_values

    return [
        (
            "positions",
            lambda: match_values.positions(comparison),
            "Centroids of the pores of the first volume of either side, left seen along z, right "
            "unrolled around the axis. Look for crowding at the same sides and depths, not for the "
            "same points.",
            True,
        ),
        (
            "windows",
            lambda: match_values.layers(comparison),
            "Porosity and number of pores of each window along z, first volumes. Look for equal "
            "level and equal spread; single peaks need not agree.",
            True,
        ),
    ]


def _curves(comparison: Comparison) -> list[Drawing]:
    from poroscale.report.figures import match_curves

    numbers = comparison.numbers
    return [
        (
            "lines",
            lambda: match_curves.lines(comparison),
            "Left: probability that a line of a length lies in one pore as a whole (lineal path). "
            "Middle and right: lengths of the chords that pores and solid cut from lines, as "
            "densities; chords that the edge of the part or of the volume cuts short are left out. "
            f"Across: along y and x together. {_of_band(numbers['curves'])}Look for curves that "
            "part: at small lengths for other details, at large ones for longer pores, or pores at "
            "other distances.",
            True,
        ),
        (
            "two-point",
            lambda: match_curves.two_point(comparison),
            "Probability that two points of the part, a lag apart, both lie in pores. It begins at "
            f"the porosity and falls to its square. {_of_band([numbers['two_point']])}Look at the "
            "slope at small lags (pore size and surface) and for bumps (order among the pores).",
            False,
        ),
    ]


def _of_band(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the band of a figure says; nothing where an original too small for it has none."""
    if not any(row.get("sub_volumes") for row in rows):
        return ""
    return (
        "The band spans sub-volumes of the original, which differ more than wholes do: a curve "
        "outside it points to another material. "
    )


def _surface(comparison: Comparison) -> list[Drawing]:
    from poroscale.report.figures import match_pictures

    return [
        (
            "unrolled",
            lambda: match_pictures.surfaces(comparison),
            "The unrolled surface of the first volume of either side, on one scale of colours; "
            "faces of a flat-sided part are below one another. Look for grains of one size and for "
            "as many deep spots (blue) as high ones (red).",
            True,
        ),
        (
            "heights",
            lambda: match_pictures.heights(comparison),
            "Distribution of the heights. Look at both ends: peaks and valleys are not the same "
            "thing for fatigue.",
            False,
        ),
    ]


def _roses(comparison: Comparison) -> Iterator[Drawing]:
    from poroscale.compare.pictures import VIEWS
    from poroscale.report.figures import match_pictures

    for view in ("z", "x", "surface"):

        def make(view: str = view) -> Figure | None:
            return match_pictures.roses(comparison, view)

        yield (
            f"roses-{view}",
            make,
            f"Scattering of {VIEWS[view].lower()}: logarithm of the mean coefficients by angle and "
            "scale, fine scales within, coarse ones at the rim, brighter where larger; second "
            "order by its second wavelet. Each disc is one realisation, a window or a volume. Look "
            "whether rows of original and generated could be exchanged.",
            True,
        )


def _ablation(ablation: Ablation | None) -> list[Drawing]:
    if ablation is None:
        return []
    from poroscale.report.figures import match_values

    caption = (
        "Pores seen along z, generated with N_b bins across the part, and those of the original. "
        "Look for the number of bins from which the outline is round and its side as dense."
    )
    return [("bins", lambda: match_values.ablation_panel(ablation), caption, True)]


def _definitions() -> list[Drawing]:
    from poroscale.report.figures import match_values

    caption = (
        "Left, seen along the build direction: angular position θ, and radial position r* relative "
        "to the surface there. Right: angle φ of the long axis to the build direction z; I are the "
        "principal moments of inertia."
    )
    return [("definitions-drawing", match_values.definitions, caption, True)]
