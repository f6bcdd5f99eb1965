"""Measurements as Markdown."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poroscale.benchmarks.measure import Measured

MIB = 1 << 20
PACKAGES = ("numpy", "scipy", "numba", "zarr", "dask")


@dataclass(frozen=True)
class Row:
    """One figure against its peer and its target; `met` is None where there is no target."""

    what: str
    value: str
    peer: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


@dataclass
class Part:
    """One part of the benchmark: figures that have targets, and the runs behind them.

    `tables` are those with columns of their own, as Markdown.
    """

    title: str
    rows: list[Row]
    runs: list[tuple[str, Measured]]
    note: str = ""
    tables: Sequence[str] = ()

    def markdown(self) -> str:
        """The part's tables."""
        blocks = [f"## {self.title}"]
        if self.note:
            blocks.append(self.note)
        if self.rows:
            heads = ("measured", "value", "peer", "ratio", "target", "met")
            blocks.append(markdown_table(heads, [_cells(row) for row in self.rows]))
        if self.runs:
            heads = ("run", "wall s (median)", "min-max s", "CPU s", "peak MiB", "runs")
            cells = [_run_cells(name, measured) for name, measured in self.runs]
            blocks.append(markdown_table(heads, cells))
        blocks += self.tables
        return "\n\n".join(blocks)


def _cells(row: Row) -> tuple[str, ...]:
    met = {None: "", True: "yes", False: "**no**"}[row.met]
    return row.what, row.value, row.peer, row.ratio, row.target, met


def _run_cells(name: str, measured: Measured) -> tuple[str, ...]:
    shortest, longest = measured.spread
    return (
        name,
        f"{measured.wall:.2f}",
        f"{shortest:.2f}-{longest:.2f}",
        f"{measured.cpu:.2f}",
        f"{measured.peak / MIB:.0f}",
        str(len(measured.runs)),
    )


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns are wide enough to be read as plain text."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def at_most(what: str, value: float, *, limit: float, unit: str, shown: str = ".2f") -> Row:
    """A figure that must not be exceeded."""
    return Row(
        what,
        f"{value:{shown}} {unit}".strip(),
        target=f"<= {limit:g} {unit}".strip(),
        met=value <= limit,
    )


def times_faster(
    what: str, ours: Measured, peer: tuple[str, Measured], *, at_least: float | None
) -> Row:
    """Our median wall time against a peer's; the ratio is peer / ours."""
    name, theirs = peer
    ratio = theirs.wall / ours.wall
    return Row(
        what,
        f"{ours.wall:.2f} s",
        f"{name} {theirs.wall:.2f} s",
        f"{ratio:.2f} x as fast",
        "" if at_least is None else f">= {at_least:g} x",
        None if at_least is None else ratio >= at_least,
    )


def machine() -> str:
    """The machine and the libraries behind the figures."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores ({_processor()}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {versions}; "
        f"load of the machine before the start {os.getloadavg()[0]:.1f}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    found: Mapping[str, str] = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    return found.get("model name", platform.machine())
