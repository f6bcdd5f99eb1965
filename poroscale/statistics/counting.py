"""All counting statistics of a volume of phases in one pass: cells and chords.

The merge rules: counts of cells add up, because every cell belongs to one block; a block needs one
voxel beyond it. Chords that leave a block are carried on through the blocks behind it, which come
in the order (z, y, x), so no halo is needed and no chord is ever cut by a block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Halo, Pass, Reduction, Run, reduce_pass
from poroscale.engine.cheap_blocks import in_cheapest_block, reading_cost
from poroscale.identity import kernel
from poroscale.kernels.phases.cells import count_cells
from poroscale.kernels.phases.chords import PART, PHASES, OpenRuns, block_chords
from poroscale.kernels.phases.codes import BEYOND, STRANGE
from poroscale.kernels.phases.joined_chords import Chords
from poroscale.statistics.phases import PhaseMap, phase_map, sampled_map
from poroscale.volume import Index, Shape, Volume, VoxelSize

Counts = NDArray[np.int64]
CELLS = ("whole", "two", "patterns", "contacts", "triple", "triple_turns")
ENDS = 24
"""Bytes for each line of a block: its first and its last run, and where runs begin."""


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


def in_counting_blocks(
    volume: Volume, inside: Volume | None, *, phases: int, masked: bool, run: Run
) -> tuple[Pass, Run]:
    """The pass that counts, and the run with the block in which it reads least."""
    shape = volume.shape
    reads = [volume.dtype] if inside is None else [volume.dtype, inside.dtype]

    def declare(block: Shape) -> Pass:
        return counting_pass(shape, block, reads=reads, phases=phases, masked=masked)

    return in_cheapest_block(volume, declare, reading_cost(shape, volume.chunks, (1, 1, 1)), run)


def counting_pass(
    shape: Shape, block: Shape, *, reads: Sequence[DTypeLike], phases: int, masked: bool
) -> Pass:
    """The pass that counts the cells and chords of a volume of `shape` in blocks of a shape."""
    kinds = 2 if masked else 1
    tables = phases**2 * 256 * 8
    ends = sum(_lines_across(block, axis) for axis in range(3)) * kinds * ENDS
    lines = sum(_lines_across(shape, axis) for axis in range(3)) * kinds
    return Pass(
        "cells and chords",
        reads=tuple(reads),
        halo=Halo.of(1, pad="edge"),
        temporary=4.0 if masked else 3.0,
        fixed=tables + ends,
        driver=tables + ends + lines * OpenRuns.BYTES,
    )


def _lines_across(shape: Shape, axis: int) -> int:
    return prod(n for other, n in enumerate(shape) if other != axis)


def _count(volume: Volume, phases: PhaseMap, inside: Volume | None, run: Run) -> PhaseCounts | None:
    """The counts; None where a value is no phase."""
    shape = volume.shape
    masked = inside is not None or phases.outside is not None
    reduction = Reduction(_count_block, partial(_joined, shape), lambda total: total, located=True)
    declared, run = in_counting_blocks(volume, inside, phases=phases.count, masked=masked, run=run)
    declared = declared.but(
        kernel=reduction,
        parameters={
            "values": phases.values,
            "outside": phases.outside,
            "rest": phases.rest,
            "masked": masked,
            "shape": shape,
        },
    )
    inputs = volume if inside is None else (volume, inside)
    total = _as_total(shape, reduce_pass(declared, inputs, run=run))
    if total.cells["strange"][0]:
        return None
    cells = {name: total.cells[name] for name in CELLS}
    z, y, x = total.lines.counts[PHASES]
    if masked:
        part = tuple(each[0] for each in total.lines.counts[PART])
    else:
        part = tuple(_whole_lines(shape, axis) for axis in range(3))
    return PhaseCounts(
        phases, cells, (z, y, x), (part[0], part[1], part[2]), shape, volume.voxel_size
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
    shape: Shape,
) -> dict[str, NDArray[Any]]:
    """Counts of a block with one voxel around it, and the ends of its lines."""
    phases = PhaseMap(tuple(values), outside, rest)
    codes = phases.codes(block, mask)
    inner = codes[1:-1, 1:-1, 1:-1]
    for axis, (first, n) in enumerate(zip(origin, shape, strict=True)):
        along = np.moveaxis(codes, axis, 0)
        if first == 0:
            along[0] = BEYOND
        if first + len(along) - 2 == n:
            along[-1] = BEYOND
    z, y, x = (first == 0 for first in origin)
    found: dict[str, NDArray[Any]] = dict(count_cells(codes, phases.count, starts=(z, y, x)))
    found["strange"] = np.array([np.count_nonzero(inner == STRANGE)])
    found["origin"] = np.array(origin)
    found["extent"] = np.array(inner.shape)
    return found | block_chords(inner, phases.count, masked=masked)


class _Total:
    """Counts of the blocks seen so far, and the chords that are open behind them."""

    def __init__(self, shape: Shape, first: Mapping[str, NDArray[Any]]) -> None:
        self.cells = {name: np.zeros_like(first[name]) for name in (*CELLS, "strange")}
        kinds = [kind for kind in (PHASES, PART) if f"{kind}/0" in first]
        self.lines = Chords(shape, {kind: len(first[f"{kind}/0"]) for kind in kinds})

    def take(self, found: Mapping[str, NDArray[Any]]) -> _Total:
        """Add the next block in the order (z, y, x)."""
        for name in self.cells:
            self.cells[name] += found[name]
        self.lines.take(found, found["origin"].tolist(), found["extent"].tolist())
        return self


def _as_total(shape: Shape, found: Any) -> _Total:
    return found if isinstance(found, _Total) else _Total(shape, found).take(found)


def _joined(shape: Shape, total: Any, found: Any) -> _Total:
    return _as_total(shape, total).take(found)
