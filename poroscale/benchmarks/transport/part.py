"""The benchmark `transport`: time, error and iterations of each solver, and how ours grows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from poroscale.benchmarks.analysing import exponent
from poroscale.benchmarks.measure import Contender, Measured, Report, compare, run_once
from poroscale.benchmarks.table import MIB, Part, Row, at_most, markdown_table
from poroscale.benchmarks.transport.media import MEDIA, TwoPhaseMedium, medium_file
from poroscale.benchmarks.transport.peers import OURS, TOLERANCE, WantedSolvers

EXACT, EXPONENT = 1e-6, 1.1
NOTE = (
    "All begin with the array in memory, and give the effective conductivity along the first axis; "
    "the streamed one begins with a volume, keeps its vectors on the disk, and draws the page. "
    "The error is the difference to our solver at a tolerance of 1e-6. taufactor has two threads, "
    "the others one: ratios are of CPU time. Ours stops when its bound of the error is below 1e-4. "
    "taufactor and pyamg are told the value, and stop as soon as they are within 1e-4 of it, or "
    "after 15 minutes: nobody else knows so early that it is enough."
)


def transport_parts(
    edges: Sequence[int],
    *,
    repeats: int,
    data: Path,
    report: Report,
    wanted: WantedSolvers | None = None,
) -> Iterator[Part]:
    """A part for each size, and one for the growth if there are several.

    Parameters
    ----------
    edges, repeats, data, report
        As of `bench`.
    wanted
        Peers that run; None runs those of ours alone.
    """
    wanted = wanted or WantedSolvers()
    runs: dict[str, dict[int, Measured]] = {medium.name: {} for medium in MEDIA}
    for edge in edges:
        rows, cells = [], []
        for medium in MEDIA:
            report(f"transport {edge}³, {medium.name}")
            array = medium_file(data, edge, medium)
            contenders = list(wanted.contenders(medium, array))
            exact = _exact(contenders[0], data)
            contenders += wanted.others(medium, edge, array, exact=exact)
            found = compare(contenders, repeats=repeats, scratch=data, report=report)
            runs[medium.name][edge] = found[OURS]
            rows += [*_promises(medium, found, exact)]
            cells += [_cells(medium, name, each, exact) for name, each in found.items()]
        heads = ("medium", "solver", "wall s", "CPU s", "peak MiB", "iterations", "error")
        yield Part(f"Transport, {edge}³", rows, [], NOTE, [markdown_table(heads, cells)])
    if len(edges) > 1:
        yield Part("Transport, growth", list(_growth(edges, runs)), [])


def _exact(ours: Contender, data: Path) -> float:
    """The effective value as exactly as we can have it."""
    parameters = {**ours.parameters, "tolerance": EXACT}
    return float(run_once(Contender("exact", ours.work, parameters), data).result["effective"])


def _promises(medium: TwoPhaseMedium, found: Mapping[str, Measured], exact: float) -> Iterator[Row]:
    """Ours is within its tolerance, and as fast as was promised."""
    ours = found[OURS]
    off = abs(ours.result["effective"] / exact - 1)
    yield at_most(f"{medium.name}: error of ours", off, limit=TOLERANCE, unit="", shown=".1e")
    for name in ("taufactor", "pyamg"):
        if name not in found:
            continue
        ratio = found[name].cpu / ours.cpu
        promised = medium.faster if name == "taufactor" else None
        yield Row(
            f"{medium.name}: CPU time",
            f"{ours.cpu:.2f} s",
            f"{name} {found[name].cpu:.2f} s",
            f"{ratio:.1f} x as fast",
            "" if promised is None else f">= {promised:g} x",
            None if promised is None else ratio >= promised,
        )


def _cells(medium: TwoPhaseMedium, name: str, measured: Measured, exact: float) -> tuple[str, ...]:
    return (
        medium.name,
        name,
        f"{measured.wall:.2f}",
        f"{measured.cpu:.2f}",
        f"{measured.peak / MIB:.0f}",
        str(measured.result["iterations"]),
        f"{measured.result['effective'] / exact - 1:+.1e}",
    )


def _growth(edges: Sequence[int], runs: Mapping[str, Mapping[int, Measured]]) -> Iterator[Row]:
    """The power of the voxels by which our CPU time grows."""
    for name, by_edge in runs.items():
        slope = exponent(edges, [by_edge[edge].cpu for edge in edges])
        yield at_most(f"{name}, CPU time ~ voxels to the power of", slope, limit=EXPONENT, unit="")
