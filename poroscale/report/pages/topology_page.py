"""Topology of a volume: `topology.html`, self-contained, its numbers, curves and pairs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.manifest import record_results
from poroscale.report.pages.page import json_bytes, store
from poroscale.report.pages.panels import Drawing, PageSection, drawn_sections
from poroscale.report.style import house_style
from poroscale.statistics.curves import Curves
from poroscale.statistics.topology.betti import STATISTICS, VolumeTopology
from poroscale.statistics.topology.filtration import Filtration
from poroscale.statistics.topology.pair_sums import PairTable
from poroscale.storage.columns import write_columns

PAGE, NUMBERS = "topology.html", "topology.json"
CURVES, PAIRS = "curves.parquet", "pairs.parquet"
FORMAT = 1


def write_topology(
    found: VolumeTopology, filtration: Filtration, folder: Path, *, name: str
) -> Path:
    """Write `topology.json`, the two tables and `topology.html`; return the page's path.

    All are byte-identical for the same inputs, and listed in the folder's manifest. Files that are
    there are replaced. `name` is that of the volume.
    """
    from poroscale.report.pages.template import render
    from poroscale.version import __version__

    about = {"kind": "topology", "format": FORMAT}
    _curves(found, filtration).write(folder / CURVES, about=about)
    write_columns(_pairs(found), folder / PAIRS, about=about)
    numbers = _numbers(found, filtration, name)
    store(folder / NUMBERS, json_bytes(numbers))
    page = render(
        "topology.html",
        numbers=numbers,
        hollows="holes" if found.image else "cavities",
        sections=draw_topology(found, filtration),
        version=__version__,
    )
    path = store(folder / PAGE, page.encode())
    record_results(folder, files=[NUMBERS, CURVES, PAIRS, PAGE])
    return path


def draw_topology(found: VolumeTopology, filtration: Filtration) -> list[PageSection]:
    """Every section that has something to show."""
    from poroscale.report.figures import betti as figures

    unit = "Grey value" if filtration.kind == "grey" else "Distance to the surface (µm)"
    curves = [
        Drawing(
            "betti",
            lambda: figures.betti_curves(found, unit),
            "Betti numbers of the voxels up to a level: pieces, ways around which a string could "
            "be tied, and spaces enclosed on all sides. The scale is linear below 10 and "
            "logarithmic above. Levels beyond those at which a number changes are left out.",
        ),
        Drawing(
            "euler",
            lambda: figures.euler_curve(found, unit),
            "Euler characteristic over the level: pieces less handles plus enclosed spaces.",
        ),
    ]
    pairs = [
        Drawing(
            name,
            partial(figures.pairs, table, unit),
            f"Persistence pairs of {title}: where each begins and ends. The distance to the dashed "
            "line is the persistence; near it lies what noise makes. Numbers of pairs on a "
            "logarithmic colour scale.",
        )
        for name, title, table in (
            ("components", "components", found.components),
            ("cavities", "holes" if found.image else "cavities", found.cavities),
        )
    ]
    with house_style():
        return drawn_sections({("curves", "Curves"): curves, ("pairs", "Pairs"): pairs})


def _curves(found: VolumeTopology, filtration: Filtration) -> Curves:
    phase = "" if filtration.phase is None else str(filtration.phase)
    curves = Curves()
    for name, values in zip(STATISTICS, [*found.betti, found.euler], strict=True):
        curves.add(name, phase, "", found.levels, values)
    return curves


def _pairs(found: VolumeTopology) -> dict[str, NDArray[Any]]:
    tables = (found.components, found.cavities)
    dimensions = (0, 1 if found.image else 2)
    lengths = [len(table.count) for table in tables]
    return {
        "dimension": np.repeat(np.array(dimensions, np.int8), lengths),
        **{
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in ("birth", "death", "count")
        },
    }


def _numbers(found: VolumeTopology, filtration: Filtration, name: str) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "format": FORMAT,
        "volume": name,
        "of": filtration.kind,
        "phase": filtration.phase,
        "voxel_size_um": list(filtration.voxel_size),
        "cap_um": filtration.cap or None,
        "connectivity": 26 if filtration.wide else 6,
        "connectivity_of_the_rest": 6 if filtration.wide else 26,
        "levels": len(found.levels),
        "lowest": found.oldest.item(),
        "components": _in_words(found.components, 0),
        "cavities": _in_words(found.cavities, 1 if found.image else 2),
    }
    return numbers | ({} if filtration.phase is None else found.at(0))


def _in_words(table: PairTable, dimension: int) -> dict[str, Any]:
    return {
        "dimension": dimension,
        "pairs": table.total,
        "listed": table.listed,
        "not_listed_up_to_persistence": table.cut or None,
    }
