"""Transport through a volume: `transport.html`, self-contained, and its numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from poroscale.manifest import record_results
from poroscale.report.pages.page import json_bytes, store
from poroscale.report.pages.panels import Drawing, PageSection, drawn_sections
from poroscale.report.style import house_style
from poroscale.transport.found import TransportFound

PAGE, NUMBERS, FIELDS = "transport.html", "transport.json", "fields"


def write_transport(found: TransportFound, folder: Path) -> Path:
    """Write `transport.json` and `transport.html`; return the path of the page.

    Both are byte-identical for the same numbers, and listed in the manifest of the folder together
    with the volumes in `fields`.
    """
    from poroscale.report.pages.template import render
    from poroscale.version import __version__

    store(folder / NUMBERS, json_bytes(found.numbers))
    page = render(
        "transport.html",
        numbers=found.numbers,
        sections=draw_transport(found),
        version=__version__,
    )
    path = store(folder / PAGE, page.encode())
    kept = sorted((folder / FIELDS).glob("*.zarr"))
    outputs = [f"{FIELDS}/{each.name}" for each in kept]
    record_results(folder, files=[NUMBERS, PAGE], outputs=outputs)
    return path


def draw_transport(found: TransportFound) -> list[PageSection]:
    """A section of slices for each axis that has any."""
    from poroscale.report.figures.transport.slices import field_slice

    plan = {
        (f"axis-{each.numbers['axis']}", f"Along {each.numbers['axis']}"): [
            Drawing(picture.name, partial(field_slice, picture), picture.caption)
            for picture in each.pictures
        ]
        for each in found.axes
    }
    with house_style():
        return drawn_sections(plan)
