"""`poroscale bench`: the promised figures, measured side by side with other tools."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from poroscale.benchmarks.analysing import analysing_part
from poroscale.benchmarks.complexity import complexity_part
from poroscale.benchmarks.copying import copying_part
from poroscale.benchmarks.describing import WantedMeasures, describing_parts
from poroscale.benchmarks.flowing import flowing_parts
from poroscale.benchmarks.generating import generating_part
from poroscale.benchmarks.label import label_part
from poroscale.benchmarks.measure import Report
from poroscale.benchmarks.planning import planning_part
from poroscale.benchmarks.porosity import PorosityCases, porosity_part
from poroscale.benchmarks.sampling import sampling_parts
from poroscale.benchmarks.stitching import stitching_part
from poroscale.benchmarks.surfaces import surfaces_part
from poroscale.benchmarks.table import Part, machine
from poroscale.benchmarks.transport import WantedSolvers, transport_parts
from poroscale.verb import verb

__all__ = ["PARTS", "PorosityCases", "WantedMeasures", "bench"]

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
    "statistics",
    "microstructures",
    "transport",
    "permeability",
)
ON_DEMAND = (
    "dask-image",
    "surfaces",
    "complexity",
    "porosity",
    "statistics",
    "microstructures",
    "transport",
    "permeability",
)
"""Take minutes, so they run only when they are asked for."""
DASK_IMAGE_LARGEST = 512
"""Above, dask-image takes hours."""

HOW = (
    "poroscale and its peers take turns. Every run is a process of its own. The time begins after "
    "imports, loading and a warm-up on a tiny input, so compiling is not counted. Times are "
    "medians. CPU time is that of all threads. Peak is the largest proportional set size, which "
    "includes Python, its libraries and what was loaded."
)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@verb("bench")
def bench(
    edges: Sequence[int] = (256, 512),
    *,
    repeats: int = 3,
    only: str | None = None,
    data: str | Path | None = None,
    out: str | Path | None = None,
    seeds: str | None = None,
    kinds: str | None = None,
    scans: str | Path | None = None,
    methods: str | None = None,
    measures: str | None = None,
    porespy: str | Path | None = None,
    taufactor: str | Path | None = None,
    report: Report = _to_stderr,
) -> str:
    """Time the verbs beside the tools of the field, and judge porosity on scans of known truth.

    Parameters
    ----------
    edges
        Edges of the volumes [voxels].
    repeats
        Rounds in which every contender runs once.
    only
        Names with commas: label, dask-image, ingest, analyse, generate, windows, plan, surfaces,
        complexity, porosity, statistics, microstructures, transport, permeability. By default all
        run but dask-image and the last seven, which take minutes.
    data
        Folder that keeps generated inputs, and scores of `porosity`, for the next time.
    out
        Markdown file that the table is written to as well.
    seeds
        Of `porosity`: seeds of the scans as FIRST:STOP, by default 0:32.
    kinds
        Of `porosity`: kinds of scans with commas, or modelled, tomographic or all; by default
        modelled.
    scans
        Of `porosity`: folder with NAME.npy and truth.json, in place of drawn scans.
    methods
        Of `porosity`: methods with commas; by default all.
    measures
        Of `statistics`: counts, s2, clusters, c2, thickness, topology with commas; by default all.
    porespy
        Of `statistics`: Python interpreter that has porespy, the peer of the local thickness, whose
        packages cannot be ours; by default it is left out.
    taufactor
        Of `transport`: Python interpreter that has taufactor, pyamg or both, the peers; by default
        they are left out.
    report
        Told what happens, line by line.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    ValueError
        If a part or a measure is unknown, an edge or `repeats` is none, or an interpreter has no
        porespy.
    """
    parts = _parts(only)
    cases = PorosityCases.of(seeds=seeds, kinds=kinds, scans=scans, methods=methods)
    wanted = WantedMeasures.of(measures=measures, porespy=porespy)
    solvers = WantedSolvers.of(taufactor)
    if not edges or min(edges) < 48:
        raise ValueError(f"edges must be at least 48 voxels, got {list(edges)}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    with tempfile.TemporaryDirectory(prefix="poroscale-bench-") as fresh:
        folder = Path(data or fresh)
        folder.mkdir(parents=True, exist_ok=True)
        where = machine()
        ordered = sorted(edges)
        done = list(_run(parts, ordered, repeats=repeats, data=folder, report=report))
        if "statistics" in parts:
            done += describing_parts(
                ordered, repeats=repeats, data=folder, report=report, wanted=wanted
            )
        if "transport" in parts:
            done += transport_parts(
                ordered, repeats=repeats, data=folder, report=report, wanted=solvers
            )
        if "permeability" in parts:
            done += flowing_parts(ordered, repeats=repeats, data=folder, report=report)
        if "porosity" in parts:
            done.append(porosity_part(cases, data=folder, report=report))
    chosen = wanted.options() if "statistics" in parts else ""
    chosen += solvers.options() if "transport" in parts else ""
    blocks = ["# Benchmarks", f"`{_command(edges, repeats, only, cases)}{chosen}`", where]
    blocks += [] if parts == ["porosity"] else [HOW]
    text = "\n\n".join([*blocks, *(part.markdown() for part in done)]) + "\n"
    if out is not None:
        Path(out).write_text(text)
    return text


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
    if "microstructures" in parts:
        yield from sampling_parts(edges, repeats=repeats, data=data, report=report)
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
