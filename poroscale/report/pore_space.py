"""Numbers of a connected pore space as a whole, which its single pores cannot give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from poroscale.engine import Run
    from poroscale.pore_analysis.phases import Chosen
    from poroscale.report.sections.extent import PartExtent
    from poroscale.report.table import PoreTable
    from poroscale.volume import Volume


def pore_space(
    table: PoreTable,
    phases: Volume,
    *,
    values: Chosen,
    extent: PartExtent,
    run: Run | None = None,
) -> dict[str, Any]:
    """Surface, chords and percolation of the pores of `phases`; None where a number has no meaning.

    Returns
    -------
    dict
        "specific_surface_per_mm" (interface of pore and solid over the volume of the part),
        "axes": one entry for each axis along which there is more than one slice: "axis",
        "mean_chord_um" (None if no chord ends), "spans": whether one pore reaches from face to
        face of the volume, None if the part does not reach both.
    """
    from poroscale.statistics.counting import count_phases
    from poroscale.statistics.morphology import Contacts, chord_lengths
    from poroscale.statistics.phases import PhaseMap

    counts = count_phases(
        phases, phases=PhaseMap((values.pore,), values.outside, rest=True), run=run
    )
    contacts = Contacts.of(counts)
    means = [chord_lengths(counts, contacts, 0, axis).mean_um for axis in range(3)]
    chords = [float(mean) if np.isfinite(mean) else None for mean in means]
    spans = _spans(table, phases, extent)
    axes = [
        {"axis": name, "mean_chord_um": chord, "spans": span}
        for name, chord, span, n in zip("zyx", chords, spans, phases.shape, strict=True)
        if n > 1
    ]
    surface = contacts.interface([0], [1]) * 1e3
    body = len(axes) == 3 and np.isfinite(surface)
    return {"specific_surface_per_mm": surface if body else None, "axes": axes}


def _spans(table: PoreTable, phases: Volume, extent: PartExtent) -> list[bool | None]:
    """True if one pore touches both faces of the volume along each axis."""
    faces = (extent.part, extent.part_map.sum(axis=1), extent.part_map.sum(axis=0))
    spans: list[bool | None] = []
    for axis, lines in enumerate(faces):
        name, first = "zyx"[axis], phases.origin[axis]
        low, high = table.column(f"{name}0"), table.column(f"{name}1")
        through = bool(((low <= first) & (high >= first + phases.shape[axis])).any())
        known = lines[0] > 0 and lines[-1] > 0 and f"{name}0" in table.names
        spans.append(through if known else None)
    return spans
