"""`poroscale bench`: what was promised, measured side by side with the tools of the field."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from poroscale.bench.analysing import analysing_part
from poroscale.bench.complexity import complexity_part
from poroscale.bench.copying import copying_part
from poroscale.bench.generating import generating_part
from poroscale.bench.label import label_part
from poroscale.bench.measure import Report
from poroscale.bench.planning import planning_part
from poroscale.bench.porosity import PorosityCases, porosity_part
from poroscale.bench.stitching import stitching_part
from poroscale.bench.surfaces import surfaces_part
from poroscale.bench.table import Part, machine

__all__ = ["PARTS", "PorosityCases", "bench"]

PARTS = (
    "label",
    "dask-image",
    "ingest",
    "analyse",
    "generate",
    "windows",
    "plan",
    "surfaces",
    "complexity",
    "porosity",
)
ON_DEMAND = ("dask-image", "surfaces", "complexity", "porosity")
"""Take minutes, so they run only when they are asked for."""
DASK_IMAGE_LARGEST = 512
"""Above, dask-image takes hours."""

HOW = (
    "Contenders take turns; every run is a process of its own, timed after imports, loading and a "
    "warm-up on a tiny input, so that compiling is not counted. Times are medians; CPU time is "
    "that of all threads; peak is the proportional set size at its largest, Python, its libraries "
    "and what was loaded included."
)


def bench(
    edges: Sequence[int],
    *,
    repeats: int = 3,
    only: str | None = None,
    data: str | Path | None = None,
    cases: PorosityCases | None = None,
    report: Report = print,
) -> str:
    """Time the verbs and their peers.

    Parameters
    ----------
    edges
        Edges of the volumes [voxels].
    repeats
        Rounds in which every contender runs once.
    only
        One of `PARTS`, or several with commas; None runs all but `ON_DEMAND`.
    data
        Folder in which inputs, and scores of `porosity`, are kept for the next time; None makes
        them anew.
    cases
        Scans and methods of the part `porosity`; None takes 32 drawn scans.
    report
        Told what happens, line by line.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    ValueError
        If a part is unknown, or an edge or `repeats` is none.
    """
    parts = _parts(only)
    if not edges or min(edges) < 48:
        raise ValueError(f"edges must be at least 48 voxels, got {list(edges)}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    with tempfile.TemporaryDirectory(prefix="poroscale-bench-") as fresh:
        folder = Path(data or fresh)
        folder.mkdir(parents=True, exist_ok=True)
        where = machine()
        done = list(_run(parts, sorted(edges), repeats=repeats, data=folder, report=report))
        if "porosity" in parts:
            done.append(porosity_part(cases, data=folder, report=report))
    blocks = ["# Benchmarks", f"`{_command(edges, repeats, only, cases)}`", where]
    blocks += [] if parts == ["porosity"] else [HOW]
    return "\n\n".join([*blocks, *(part.markdown() for part in done)]) + "\n"


def _parts(only: str | None) -> list[str]:
    if only is None:
        return [part for part in PARTS if part not in ON_DEMAND]
    asked = [part.strip() for part in only.split(",")]
    unknown = [part for part in asked if part not in PARTS]
    if unknown:
        raise ValueError(f"only must be one of {', '.join(PARTS)}, got {unknown[0]!r}")
    return asked


def _run(
    parts: Sequence[str], edges: Sequence[int], *, repeats: int, data: Path, report: Report
) -> Iterator[Part]:
    if "label" in parts or "dask-image" in parts:
        for edge in edges:
            report(f"labels {edge}³")
            slow = "dask-image" in parts and edge <= DASK_IMAGE_LARGEST
            yield label_part(edge, repeats=repeats, data=data, report=report, dask_image=slow)
    if "ingest" in parts:
        for edge in edges:
            report(f"ingest and threshold {edge}³")
            yield copying_part(edge, repeats=repeats, data=data, report=report)
    if "analyse" in parts:
        report(f"analyse {', '.join(f'{edge}³' for edge in edges)}")
        yield analysing_part(edges, repeats=repeats, data=data, report=report)
    if "generate" in parts:
        report("generate")
        yield generating_part(repeats=repeats, data=data, report=report)
    if "windows" in parts:
        yield from stitching_part(edges, repeats=repeats, data=data, report=report)
    if "plan" in parts:
        report("plan")
        yield planning_part(repeats=repeats, data=data, report=report)
    if "surfaces" in parts:
        report("surfaces")
        yield surfaces_part(report=report)
    if "complexity" in parts:
        yield complexity_part(repeats=repeats, data=data, report=report)


def _command(
    edges: Sequence[int], repeats: int, only: str | None, cases: PorosityCases | None
) -> str:
    sizes = ",".join(str(edge) for edge in edges)
    timed = "" if only == "porosity" else f" --edges {sizes} --repeats {repeats}"
    chosen = f" --only {only}" if only else ""
    scans = f" {cases.options()}" if cases is not None and only and "porosity" in only else ""
    return f"poroscale bench{timed}{chosen}{scans}"
