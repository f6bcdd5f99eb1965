"""The part of the benchmark for one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import Part, Row

TIMED = "poroscale.benchmarks.flowing.timed"
GRID, DOUBLE, LATTICE = "staggered grid", "staggered grid, float64", "lattice Boltzmann"
FRICTION, BY_NUMPY = "friction", "friction by numpy"
STEPS, STEPS_BY_NUMPY = "lattice steps", "lattice steps by numpy"
COPY = "copy of an array"
LARGEST_LATTICE = 96
"""Edge up to which the lattice Boltzmann method runs to its end: it takes minutes at 128."""
NOTE = (
    "A rock is drawn: a smoothed random field with the 25 % lowest voxels as pores. Periodic along "
    "the axis with walls at the sides, four layers of open fluid at each end. One thread. The "
    "staggered grid stops when the permeability is enclosed within 1 %, the lattice Boltzmann "
    "method when it changes by less than 0.1 % while the viscosity acts over ten voxels. Friction: "
    "44 bytes move for each face. A lattice step moves 228 bytes a pore. *By numpy*: the same sums "
    "on dense arrays of the whole box, counted for its pores."
)


def flowing_parts(
    edges: Sequence[int], *, repeats: int, data: Path, report: Report
) -> Iterator[Part]:
    """Time both methods to their end, and their kernels, on rocks of some edges [voxels]."""
    for edge in edges:
        report(f"permeability {edge}³")
        yield _flowing_part(edge, repeats=repeats, data=data, report=report)


def _flowing_part(edge: int, *, repeats: int, data: Path, report: Report) -> Part:
    given = {"edge": edge}
    names = {GRID: "by_grid", DOUBLE: "by_grid_in_double", LATTICE: "by_lattice"}
    names |= {FRICTION: "friction", BY_NUMPY: "friction_by_numpy", COPY: "copying"}
    names |= {STEPS: "lattice_steps", STEPS_BY_NUMPY: "lattice_steps_by_numpy"}
    if edge > LARGEST_LATTICE:
        del names[LATTICE]
    contenders = [Contender(name, f"{TIMED}:{work}", given) for name, work in names.items()]
    measured = compare(contenders, repeats=repeats, scratch=data, report=report)
    return Part(f"Permeability, {edge}³", flowing_rows(measured), list(measured.items()), NOTE)


def flowing_rows(measured: dict[str, Measured]) -> list[Row]:
    """Rates beside numpy and the memory, and both methods beside each other."""
    rows = _rates(measured, FRICTION, BY_NUMPY, 44) + _rates(measured, STEPS, STEPS_BY_NUMPY, 228)
    grid = measured[GRID]
    for name in (DOUBLE, LATTICE):
        if name not in measured:
            continue
        other = measured[name]
        found, theirs = _value(grid), _value(other)
        took = (f"{grid.cpu:.2f} s", f"{name} {other.cpu:.2f} s", f"{other.cpu / grid.cpu:.1f} x")
        apart = f"{100 * (theirs / found - 1):+.2f} %"
        rows.append(Row("CPU time", *took))
        rows.append(Row("permeability [voxel²]", f"{found:.5g}", f"{name} {theirs:.5g}", apart))
    return rows


def _rates(measured: dict[str, Measured], name: str, by_numpy: str, moved: int) -> list[Row]:
    """Unknowns in a second of CPU time beside numpy, and the bytes that they move beside a copy."""
    ours, theirs = _rate(measured[name]), _rate(measured[by_numpy])
    copied = _rate(measured[COPY])
    mine, other = f"{ours / 1e6:.0f} million/s", f"numpy {theirs / 1e6:.1f} million/s"
    faster = f"{ours / theirs:.1f} x"
    moves, limit = f"{ours * moved / 1e9:.1f} GB/s", f"copy {copied / 1e9:.1f} GB/s"
    return [
        Row(name, mine, other, faster, ">= 2", ours >= 2 * theirs),
        Row(f"{name}: memory", moves, limit, f"{ours * moved / copied:.2f}"),
    ]


def _rate(measured: Measured) -> float:
    """What is done in a second of CPU time."""
    return float(_result(measured)["done"]) / measured.cpu


def _value(measured: Measured) -> float:
    return float(_result(measured)["permeability"])


def _result(measured: Measured) -> dict[str, Any]:
    return dict(measured.runs[0].result)
