"""All counting statistics of a volume of phases in one pass: cells and chords.

The merge rules: counts of the cells within blocks add up; those between blocks are counted from the
faces that the blocks hand on. Chords that leave a block are carried on through the blocks behind
it. Blocks are joined in the order (z, y, x). So no halo is needed, and every chunk is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Pass, Reduction, Run, reduce_pass
from poroscale.identity import kernel
from poroscale.kernels.phases.cells import CELLS, CellCounts, count_cells, no_cells
from poroscale.kernels.phases.chords import PART, PHASES, OpenRuns, block_chords
from poroscale.kernels.phases.codes import STRANGE
from poroscale.kernels.phases.joined_chords import Chords
from poroscale.kernels.phases.seams import Faces, Seams
from poroscale.statistics.phases import PhaseMap, phase_map, sampled_map
from poroscale.volume import Index, Shape, Volume, VoxelSize

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PhaseCounts:
    """Counts of a volume of P phases.

    Attributes
    ----------
    phases
        Phase values, in the order of all arrays.
    cells
        int64 arrays as `count_cells` gives them, of all cells of the volume and of those at its
        edge.
    chords
        Three int64 arrays (P, 2, n + 1) for z, y, x: chords by phase, by kind (between two other
        phases, or ended by the edge of the volume or of the part), and by length [voxels].
    part_chords
        Three int64 arrays (2, n + 1): the same of the part as a whole.
    shape, voxel_size
        Of the volume; voxel size in um.
    """

    phases: PhaseMap
    cells: Mapping[str, Counts]
    chords: tuple[Counts, Counts, Counts]
    part_chords: tuple[Counts, Counts, Counts]
    shape: Shape
    voxel_size: VoxelSize

    @property
    def voxels(self) -> Counts:
        """int64 (P,): voxels of each phase, within the part."""
        return _lengths(self.chords[2]).sum(axis=1)

    @property
    def part_voxels(self) -> int:
        """Voxels of the part."""
        return int(self.voxels.sum())


def count_phases(
    volume: Volume,
    *,
    phases: PhaseMap | None = None,
    inside: Volume | None = None,
    run: Run | None = None,
) -> PhaseCounts:
    """Count the cells and chords of a volume in one pass.

    Parameters
    ----------
    volume
        Phases: integers or bool, 32 values at most. A 2D image is a volume of one slice.
    phases
        Its phases; by default those that its values show.
    inside
        Mask of the part, of the same shape; voxels where it is zero do not count.
    run
        Memory, workers and cluster; changes no number.

    Raises
    ------
    TypeError, ValueError
        If the volume holds no phases, as `phase_map` says, or differs from the mask in shape.
    """
    run = run or Run()
    guess = phases or sampled_map(volume)
    found = _count(volume, guess, inside, run) if guess else None
    if found is None:  # the samples did not show every value
        found = _count(volume, phase_map(volume, run=run), inside, run)
    if found is None:
        raise ValueError(f"{volume.path} must hold no values but {phases.values if phases else ()}")
    return found


def counting_pass(shape: Shape, *, reads: Sequence[DTypeLike], phases: int, masked: bool) -> Pass:
    """The pass that counts the cells and chords of a volume of `shape`."""
    kinds = 2 if masked else 1
    tables = phases**2 * 256 * 8
    lines = sum(_lines_across(shape, axis) for axis in range(3)) * kinds
    held = lines * OpenRuns.BYTES + _lines_across(shape, 0) * Seams.BYTES
    return Pass(
        "cells and chords",
        reads=tuple(reads),
        temporary=3.0 if masked else 2.0,
        fixed=2 * tables,
        driver=tables + held,
    )


def _lines_across(shape: Shape, axis: int) -> int:
    return prod(n for other, n in enumerate(shape) if other != axis)


def _count(volume: Volume, phases: PhaseMap, inside: Volume | None, run: Run) -> PhaseCounts | None:
    """The counts; None where a value is no phase."""
    shape = volume.shape
    masked = inside is not None or phases.outside is not None
    inputs = [volume] if inside is None else [volume, inside]
    reads = [each.dtype for each in inputs]
    joined = partial(_joined, shape)
    declared = counting_pass(shape, reads=reads, phases=phases.count, masked=masked).but(
        kernel=Reduction(_count_block, joined, lambda total: total, located=True),
        parameters={
            "values": phases.values,
            "outside": phases.outside,
            "rest": phases.rest,
            "masked": masked,
        },
    )
    total = _as_total(shape, reduce_pass(declared, inputs, run=run))
    if total.strange:
        return None
    z, y, x = total.lines.counts[PHASES]
    if masked:
        part = tuple(each[0] for each in total.lines.counts[PART])
    else:
        part = tuple(_whole_lines(shape, axis) for axis in range(3))
    return PhaseCounts(
        phases, total.cells, (z, y, x), (part[0], part[1], part[2]), shape, volume.voxel_size
    )


def _whole_lines(shape: Shape, axis: int) -> Counts:
    """(2, n + 1) chords of a part that fills the volume: every line is one, cut at both ends."""
    n = shape[axis]
    counts = np.zeros((2, n + 1), np.int64)
    counts[1, n] = np.prod(shape, dtype=np.int64) // n
    return counts


def _lengths(chords: Counts) -> Counts:
    """(P, 2) summed lengths of chords [voxels]."""
    return np.asarray(chords @ np.arange(chords.shape[2]))


@kernel("statistics.count_phases")
def _count_block(
    block: NDArray[Any],
    mask: NDArray[Any] | None = None,
    *,
    origin: Index,
    values: tuple[int, ...],
    outside: int | None,
    rest: bool,
    masked: bool,
) -> dict[str, NDArray[Any]]:
    """Counts of a block, and the ends of its lines."""
    codes = PhaseMap(tuple(values), outside, rest).codes(block, mask)
    found: dict[str, NDArray[Any]] = dict(count_cells(codes, len(values) + rest))
    found["strange"] = np.array(codes.max(initial=0) >= STRANGE and bool((codes == STRANGE).any()))
    found["origin"] = np.array(origin)
    found["extent"] = np.array(codes.shape)
    return found | block_chords(codes, len(values) + rest, masked=masked)


class _Total:
    """Counts of the blocks seen so far, and what is open behind them."""

    def __init__(self, shape: Shape, first: Mapping[str, NDArray[Any]]) -> None:
        phases = len(first["whole"])
        self.strange = False
        self.cells: CellCounts = no_cells(phases)
        self.seams = Seams(shape, phases, self.cells)
        kinds = [kind for kind in (PHASES, PART) if f"{kind}/0" in first]
        self.lines = Chords(shape, {kind: len(first[f"{kind}/0"]) for kind in kinds})

    def take(self, found: Mapping[str, NDArray[Any]]) -> _Total:
        """Add the next block in the order (z, y, x)."""
        for name in CELLS:
            self.cells[name] += found[name]
        self.strange |= bool(found["strange"])
        origin, extent = found["origin"].tolist(), found["extent"].tolist()
        first, last = (
            [found[f"{PHASES}/{axis}/{end}_code"] for axis in range(3)] for end in ("first", "last")
        )
        self.seams.take(origin, extent, Faces(first, last))
        self.lines.take(found, origin, extent)
        return self


def _as_total(shape: Shape, found: Any) -> _Total:
    return found if isinstance(found, _Total) else _Total(shape, found).take(found)


def _joined(shape: Shape, total: Any, found: Any) -> _Total:
    return _as_total(shape, total).take(found)
