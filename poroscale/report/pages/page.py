"""The report of one scan: `report.html`, which needs no other file, and `report.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.report.cautions import cautions
from poroscale.report.chosen import ReportConfig, above_size, section_rows, without_skin
from poroscale.report.kind import SubjectKind, taken_for, taken_in_words
from poroscale.report.methods import methods_text
from poroscale.report.numbers import (
    class_rows,
    key_numbers,
    largest_inside,
    largest_pores,
    size_histogram,
)
from poroscale.report.pages.panels import draw_sections
from poroscale.report.pore_space import pore_space
from poroscale.report.provenance import provenance
from poroscale.report.sections.extent import PartExtent, measure_extent
from poroscale.report.sections.planes import busiest_planes, largest_pore_planes
from poroscale.report.sections.slices import SliceView, render_planes
from poroscale.report.table import PoreTable

if TYPE_CHECKING:
    from poroscale.engine import Run
    from poroscale.pore_analysis.phases import Chosen
    from poroscale.volume import Volume

REPORT_FORMAT = 1
DIGITS = 9


@dataclass(frozen=True)
class _Sources:
    """Inputs of a report."""

    table: PoreTable
    scan: Volume | None
    phases: Volume | None

    @property
    def volume(self) -> Volume | None:
        """The volume that tells shape and voxel size."""
        return self.scan if self.scan is not None else self.phases

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Record of how the phases were made; empty for phases from elsewhere."""
        return {} if self.phases is None else self.phases.attributes

    @property
    def segmentation(self) -> Mapping[str, Any]:
        """Thresholds and rules of the segmentation; empty for phases from elsewhere."""
        return self.attributes.get("segmentation") or {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that the table was measured with; empty for a table from elsewhere."""
        return (self.table.metadata.get("recipe") or {}).get("settings") or {}

    def check(self) -> None:
        """Refuse volumes and a table that do not belong together."""
        scan, phases = self.scan, self.phases
        if scan is not None and phases is not None and scan.shape != phases.shape:
            raise ValueError(
                f"phases must have the shape of the scan {scan.shape}, got {phases.shape} "
                f"from {phases.path}"
            )
        measured = self.table.metadata.get("shape")
        if phases is not None and measured and tuple(measured) != phases.shape:
            raise ValueError(
                f"pore table must be of the phases of shape {phases.shape}, got "
                f"{self.table.path}, measured on shape {tuple(measured)}"
            )


def write_report(
    out_dir: Path,
    *,
    scan: Volume | None,
    phases: Volume | None,
    table: Path,
    title: str | None = None,
    config: ReportConfig | None = None,
    run: Run | None = None,
) -> Path:
    """Write `report.html` and `report.json` into `out_dir` and return the path of the page.

    Both are byte-identical for the same inputs: they hold no time and no path.

    Parameters
    ----------
    out_dir : Path
        Folder of the report; made if it does not exist.
    scan : Volume or None
        The grey values; without them the slices show the phases alone.
    phases : Volume or None
        The segmentation of the same shape; without it no porosity of sections is given.
    table : Path
        The Parquet table with one row per pore.
    title : str, optional
        Heading of the page; the name of the file that was scanned if not given.
    config : ReportConfig, optional
        Settings for the additional numbers.
    run : Run, optional
        Memory, workers and cluster for counting the phases; changes no byte.

    Raises
    ------
    FileNotFoundError, ValueError
        If the table does not exist or is none, if scan, phases and table differ in shape, or if
        neither the table nor the phases tell which value is pore.
    """
    out_dir = Path(out_dir)
    sources = _Sources(PoreTable.open(table), scan, phases)
    sources.check()
    values = _values(sources, run)
    extent = _extent(phases, values, run)
    about = _title(sources.volume) if title is None else title
    facts = _facts(sources, values, extent, title=about, run=run)
    facts |= _asked_for(sources, values, extent, config=config or ReportConfig(), run=run)
    page = _render(sources, values, extent, facts)
    store(out_dir / "report.json", json_bytes(facts))
    return store(out_dir / "report.html", page.encode())


def _title(scan: Volume | None) -> str:
    """The name of what was scanned, as ingest recorded it: folders would change the bytes."""
    source = {} if scan is None else scan.attributes.get("source") or {}
    if source.get("first") and source.get("files", 1) > 1:
        return f"{Path(source['first']).stem} to {Path(source['last']).stem}"
    if source.get("file"):
        return Path(source["file"]).stem
    return "Phantom" if "phantom" in source else "Pore report"


def _values(sources: _Sources, run: Run | None) -> Chosen | None:
    """Values of pore and of outside: those the table was measured with, else what phases say."""
    from poroscale.engine import Run
    from poroscale.pore_analysis import PoresConfig
    from poroscale.pore_analysis.phases import Chosen, choose_values

    if sources.phases is None:
        return None
    if sources.settings.get("pore") is not None:
        return Chosen(sources.settings["pore"], sources.settings.get("outside"))
    return choose_values(sources.phases, PoresConfig(), run=run or Run())


def _extent(phases: Volume | None, values: Chosen | None, run: Run | None) -> PartExtent | None:
    if phases is None or values is None:
        return None
    return measure_extent(phases, pore=values.pore, outside=values.outside, run=run)


def _numbers(
    sources: _Sources, values: Chosen | None, extent: PartExtent | None
) -> tuple[dict[str, Any], SubjectKind]:
    volume = sources.volume
    shape = None if volume is None else volume.shape
    numbers = key_numbers(
        sources.table,
        segmentation=sources.segmentation,
        extent=extent,
        voxel_size=None if volume is None else volume.voxel_size,
        shape=shape,
    )
    if extent is not None and extent.has_outside and shape is not None:
        numbers.setdefault("outside_share", 1 - int(extent.part.sum()) / math.prod(shape))
        numbers.setdefault("outside_reading", "by counting voxels")
    if extent is not None and not extent.has_outside:
        numbers |= {"open_count": None, "closed_porosity": None}
    given = sources.phases is not None and not sources.segmentation
    if given and shape is not None and values is not None and extent is not None:
        numbers["taken_for"] = taken_for(values, extent, math.prod(shape))
    return numbers, SubjectKind.of(shape, numbers, labels=given)


def _facts(
    sources: _Sources,
    values: Chosen | None,
    extent: PartExtent | None,
    *,
    title: str,
    run: Run | None,
) -> dict[str, Any]:
    """Everything the page says in words and numbers: the content of `report.json`."""
    volume, table = sources.volume, sources.table
    numbers, kind = _numbers(sources, values, extent)
    space = None
    if kind.connected and sources.phases is not None and values is not None and extent is not None:
        space = pore_space(table, sources.phases, values=values, extent=extent, run=run)
    methods = methods_text(
        shape=None if volume is None else volume.shape,
        voxel_size=None if volume is None else volume.voxel_size,
        phases=sources.attributes,
        numbers=numbers,
        settings=sources.settings,
        kind=kind,
    )
    classed = table.rows and table.classed and not kind.connected and kind.flat is None
    return {
        "format": REPORT_FORMAT,
        "title": title,
        "kind": kind.facts(),
        "taken_text": taken_in_words(numbers["taken_for"]) if "taken_for" in numbers else None,
        "volume": _volume_facts(volume),
        "numbers": numbers,
        "pore_space": space,
        "classes": class_rows(table) if classed else [],
        "largest_inside": largest_inside(table),
        "largest": largest_pores(table),
        "size_histogram": size_histogram(table),
        "segmentation": dict(sources.segmentation),
        "warnings": cautions(numbers, sources.segmentation, kind),
        "methods": {"paragraph": methods.paragraph, "references": methods.references},
        "provenance": provenance(scan=sources.scan, phases=sources.phases, table=table),
    }


def _asked_for(
    sources: _Sources,
    values: Chosen | None,
    extent: PartExtent | None,
    *,
    config: ReportConfig,
    run: Run | None,
) -> dict[str, Any]:
    """Sections in numbers, pores above a size, and the part without its skin."""
    table = sources.table
    found: dict[str, Any] = {"sections": [], "above": None, "core": None}
    if extent is not None and extent.slices > 1:
        found["sections"] = section_rows(extent, table)
    if config.min_um is not None:
        part = extent.volume_um3 if extent else None
        found["above"] = above_size(table, config.min_um, part)
    if config.skin_um is not None:
        if sources.phases is None or values is None or extent is None:
            raise ValueError("`skin_um` must come with phases: a table tells nothing of the part")
        found["core"] = without_skin(
            table, sources.phases, values=values, skin_um=config.skin_um, extent=extent, run=run
        )
    return found


def _volume_facts(volume: Volume | None) -> dict[str, Any] | None:
    if volume is None:
        return None
    size = [n * edge for n, edge in zip(volume.shape, volume.voxel_size, strict=True)]
    return {
        "shape": list(volume.shape),
        "voxel_size_um": list(volume.voxel_size),
        "size_um": size,
        "origin": list(volume.origin),
        "dtype": str(volume.dtype),
    }


def _render(
    sources: _Sources,
    values: Chosen | None,
    extent: PartExtent | None,
    facts: Mapping[str, Any],
) -> str:
    from poroscale.report.pages.template import render
    from poroscale.report.style import CLASS_COLOURS

    kind = facts["kind"]
    sections = draw_sections(
        sources.table,
        extent=extent,
        segmentation=sources.segmentation,
        kind=SubjectKind(connected=kind["connected"], labels=kind["labels"], flat=kind["flat"]),
    )
    slices, close_ups = _pictures(sources, values)
    close_ups = [] if kind["connected"] else close_ups
    return render(
        "report.html",
        facts=_plain(facts),
        colours=CLASS_COLOURS,
        slices=slices,
        close_ups=close_ups,
        sections=sections,
    )


def _pictures(sources: _Sources, values: Chosen | None) -> tuple[list[SliceView], list[SliceView]]:
    """Three sections of the whole volume, and three close-ups of its largest pore."""
    volume = sources.volume
    if volume is None:
        return [], []
    whole = busiest_planes(sources.table, volume.shape, volume.origin)
    close = largest_pore_planes(
        sources.table, volume.shape, origin=volume.origin, voxel_size=volume.voxel_size
    )
    views = [
        render_planes(
            [plane for plane in planes if not plane.is_line],
            scan=sources.scan,
            phases=sources.phases,
            values=values,
        )
        for planes in (whole, close)
    ]
    return views[0], views[1]


def store(path: Path, content: bytes) -> Path:
    """Write `content` to `path` whole or not at all, and return `path`."""
    from poroscale.manifest import write_durably

    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, content)
    return path


def json_bytes(value: Any) -> bytes:
    """`value` as indented JSON; floats to `DIGITS` significant digits, NaN as null."""
    return (json.dumps(_plain(value), indent=1, ensure_ascii=False) + "\n").encode()


def _plain(value: Any) -> Any:
    """JSON values only: containers copied, numpy scalars unpacked, floats rounded, NaN to None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
