"""The benchmark `statistics`: each measure beside its peers, and how it grows with the volume."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.benchmarks.analysing import EXPONENT, exponent
from poroscale.benchmarks.data import VOXEL_UM, npy_file, rock
from poroscale.benchmarks.describing.entries import THREADS, Entry, Peer
from poroscale.benchmarks.describing.wanted import WantedMeasures
from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import MIB, Part, Row, at_most

PEAK_MIB = 2048
NOTE = (
    "The volume has 25 % of connected pores. Ours go from Zarr to numbers and curves, within the "
    "2 GiB that are allowed by default; the peers, but the reading, begin with the array in memory."
)


def describing_parts(
    edges: Sequence[int],
    *,
    repeats: int,
    data: Path,
    report: Report,
    wanted: WantedMeasures | None = None,
) -> Iterator[Part]:
    """A part for each size, and one for the growth if there are several.

    Parameters
    ----------
    edges, repeats, data, report
        As of `bench`.
    wanted
        Measures that run; None takes all.
    """
    wanted = wanted or WantedMeasures()
    found: dict[int, dict[str, Measured]] = {}
    for edge in edges:
        report(f"statistics {edge}³")
        contenders = list(_contenders(wanted, edge, data))
        found[edge] = compare(contenders, repeats=repeats, scratch=data, report=report)
        rows = describing_rows(wanted.entries, found[edge])
        about = " ".join([NOTE, *(entry.about for entry in wanted.entries)])
        yield Part(f"Statistics, {edge}³", rows, list(found[edge].items()), about)
    if len(edges) > 1:
        yield Part("Statistics, growth", growth_rows(wanted.entries, found), [])


def _contenders(wanted: WantedMeasures, edge: int, data: Path) -> Iterator[Contender]:
    mask = rock(data, edge)
    for entry in wanted.entries:
        for peer in entry.peers:
            if peer.largest is not None and edge > peer.largest:
                continue
            if peer.foreign and wanted.porespy is not None:
                yield _foreign(peer, mask, wanted.porespy)
            elif not peer.foreign and (not peer.needs or importlib.util.find_spec(peer.needs)):
                yield Contender(peer.name, peer.work, {"mask": str(mask)})
        yield Contender(entry.name, entry.work, {"mask": str(mask)})


def _foreign(peer: Peer, mask: Path, python: Path) -> Contender:
    """A peer whose interpreter reads no Zarr."""
    array = str(npy_file(mask).resolve())
    parameters = {"array": array, "voxel_um": VOXEL_UM, "threads": THREADS}
    return Contender(peer.name, peer.work, parameters, python=python)


def describing_rows(entries: Sequence[Entry], measured: Mapping[str, Measured]) -> list[Row]:
    """Ratios to the peers, peaks, and what was found, each beside its target.

    Raises
    ------
    RuntimeError
        If a measure and its peer disagree: then no time means anything.
    """
    rows = []
    for entry in entries:
        ours = measured[entry.name]
        peers = [peer for peer in entry.peers if peer.name in measured]
        for peer in peers:
            _refuse_difference(entry.name, ours.result, peer.name, measured[peer.name].result)
            rows.append(_ratio(entry.name, ours, peer, measured[peer.name]))
        if not peers:
            rows.append(Row(entry.name, _times(ours)))
        says = [(name, measured[name].result.get("says")) for name in _names(entry, peers)]
        rows += [Row(f"found by {name}", told) for name, told in says if told]
    return rows + [
        at_most(
            f"peak memory of {entry.name}",
            measured[entry.name].peak / MIB,
            limit=PEAK_MIB,
            unit="MiB",
            shown=".0f",
        )
        for entry in entries
    ]


def _names(entry: Entry, peers: Sequence[Peer]) -> list[str]:
    return [entry.name, *(peer.name for peer in peers)]


def _refuse_difference(name: str, ours: Any, peer: str, theirs: Any) -> None:
    """What both have found under one name must be the same, to six digits where it is a share."""
    for what in sorted(set(ours) & set(theirs) - {"says"}):
        if not np.allclose(ours[what], theirs[what], rtol=0, atol=1e-6):
            raise RuntimeError(
                f"{what} must be the same for {name} and {peer}, got {ours[what]} and "
                f"{theirs[what]}"
            )


def _times(measured: Measured) -> str:
    return f"{measured.wall:.2f} s (CPU {measured.cpu:.2f})"


def _ratio(name: str, ours: Measured, peer: Peer, theirs: Measured) -> Row:
    times = ours.wall / theirs.wall
    return Row(
        name,
        _times(ours),
        f"{peer.name} {_times(theirs)}",
        f"{times:.2f} times (CPU {ours.cpu / theirs.cpu:.2f})",
        "" if peer.limit is None else f"<= {peer.limit:g} times",
        None if peer.limit is None else times <= peer.limit,
    )


def growth_rows(entries: Sequence[Entry], found: Mapping[int, Mapping[str, Measured]]) -> list[Row]:
    """The power of the voxels by which the CPU time of each measure grows.

    CPU time, because wall time tells of the other work of the machine, too.
    """
    edges = list(found)
    rows = []
    for entry in entries:
        runs = [found[edge][entry.name] for edge in edges]
        slope = exponent(edges, [each.cpu for each in runs])
        by_wall = exponent(edges, [each.wall for each in runs])
        row = at_most(
            f"{entry.name}, CPU time ~ voxels to the power of", slope, limit=EXPONENT, unit=""
        )
        rows.append(Row(row.what, row.value, f"wall time {by_wall:.2f}", "", row.target, row.met))
    return rows
