"""Passes 2 and 3 of labelling: join what touches across seams, then number what is kept.

Runs in the driving process, over the journal of pass 1. What is held at a time: the labels on
faces of the whole volume, and the components of one slab of blocks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.grid import BlockGrid
from poroscale.engine.jobs.journal import Record
from poroscale.kernels.bodies.runs import COLUMNS, Int64
from poroscale.kernels.bodies.seams import (
    FACES,
    faces_for,
    flatten,
    forward_steps,
    join_pairs,
    pairs_across,
)

if TYPE_CHECKING:
    import pandas as pd

ROW_GROUP = 1 << 16

Keep = Callable[["pd.DataFrame"], NDArray[np.bool_]]

_MINIMUM = [COLUMNS.index(name) for name in ("z0", "y0", "x0")]
_MAXIMUM = [COLUMNS.index(name) for name in ("z1", "y1", "x1")]
_FIRST = [COLUMNS.index(name) for name in ("first_z", "first_y", "first_x")]
_SUMMED = [i for i in range(len(COLUMNS)) if i not in {*_MINIMUM, *_MAXIMUM, *_FIRST}]


@dataclass(frozen=True)
class Numbering:
    """Results of passes 2 and 3: the table, and the number of each component of each block.

    Attributes
    ----------
    table
        Parquet file, int64: `label` and the columns of `kernels.runs.COLUMNS`.
    numbers
        File of the numbers; see `load_numbers`.
    count
        Number of components that are kept.
    """

    table: Path
    numbers: Path
    count: int

    @staticmethod
    def load_numbers(numbers: Path, block: int) -> NDArray[np.int64]:
        """Final label of each component of `block`, 0 where it was not kept."""
        with numbers.open("rb") as file:
            file.seek(16 * block)
            start, count = np.frombuffer(file.read(16), np.int64)
            file.seek(start)
            return np.frombuffer(file.read(8 * int(count)), np.int64)


@dataclass
class _Touching:
    """The labels on faces of all blocks, joined.

    Attributes
    ----------
    each
        The labels of each block that touch a face, ascending.
    offsets
        Index of each block's first touching label among those of all blocks, (blocks + 1,).
    root
        Component of each touching label, as an index of `table`.
    table
        Integers of each joined component.
    """

    each: list[NDArray[np.int32]]
    offsets: Int64
    root: Int64
    table: Int64

    def labels(self, block: int) -> NDArray[np.int32]:
        """Labels of `block` that touch a face."""
        return self.each[block]

    def roots(self, block: int) -> Int64:
        """The joined component of each of them."""
        return self.root[self.offsets[block] : self.offsets[block + 1]]


def number_components(
    records: Mapping[int, Record],
    grid: BlockGrid,
    folder: Path,
    *,
    connectivity: int,
    keep: Keep | None,
) -> Numbering:
    """Join and number the components that pass 1 found.

    Parameters
    ----------
    records
        Journal of pass 1, by block.
    grid
        Blocks of the volume.
    folder
        Folder of the table and the numbers.
    connectivity
        6, 18 or 26.
    keep
        Rule for the components that stay; None keeps all.
    """
    touching = _join_blocks(records, grid, connectivity)
    first = touching.table[:, _FIRST[0]]
    order = np.argsort(first, kind="stable")
    bounds = [0, *np.searchsorted(first[order], _slab_stops(grid))]
    table, numbers = folder / "table.parquet", folder / "numbers.bin"
    with _TableWriter(table, keep) as rows, _NumbersWriter(numbers, len(grid)) as places:
        slabs = _SlabNumbers(records, touching, rows, places)
        for k, blocks in enumerate(_slabs(grid)):
            slabs.number(blocks, order[bounds[k] : bounds[k + 1]])
        return Numbering(table, numbers, rows.count)


def _slabs(grid: BlockGrid) -> Iterator[range]:
    layer = grid.counts[1] * grid.counts[2]
    return (range(z * layer, (z + 1) * layer) for z in range(grid.counts[0]))


def _slab_stops(grid: BlockGrid) -> NDArray[np.int64]:
    return np.arange(1, grid.counts[0] + 1) * grid.block[0]


def _touching_labels(record: Record) -> NDArray[np.int32]:
    seen = np.zeros(record.arrays["table"][1][0] + 1, bool)
    for face in record.load(*FACES).values():
        seen[face.ravel()] = True
    return np.flatnonzero(seen[1:]).astype(np.int32)


def _join_blocks(records: Mapping[int, Record], grid: BlockGrid, connectivity: int) -> _Touching:
    """Pass 2."""
    labels = [_touching_labels(records[block]) for block in range(len(grid))]
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in labels])]).astype(np.int64)
    parent = np.arange(offsets[-1])
    for block, other, pairs in _seams(records, grid, connectivity):
        here = offsets[block] + np.searchsorted(labels[block], pairs[:, 0])
        there = offsets[other] + np.searchsorted(labels[other], pairs[:, 1])
        join_pairs(parent, np.stack([here, there], 1))
    flatten(parent)
    _, root = np.unique(parent, return_inverse=True)
    table = _empty_table(int(root.max()) + 1 if root.size else 0)
    for block, each in enumerate(labels):
        part = root[offsets[block] : offsets[block + 1]]
        _merge(table, part, records[block].load("table")["table"][each])
    return _Touching(labels, offsets, root, table)


def _seams(
    records: Mapping[int, Record], grid: BlockGrid, connectivity: int
) -> Iterator[tuple[int, int, NDArray[np.int32]]]:
    """(block, later neighbour, pairs of labels that touch) of all blocks that meet."""
    steps = forward_steps(connectivity)
    for block in range(len(grid)):
        for step, other in grid.neighbours(block, steps):
            here, there = faces_for(step)
            a, b = records[block].load(here)[here], records[other].load(there)[there]
            yield block, other, pairs_across(a, b, step, connectivity=connectivity)


def _empty_table(count: int) -> Int64:
    table = np.zeros((count, len(COLUMNS)), np.int64)
    table[:, [*_MINIMUM, *_FIRST]] = np.iinfo(np.int64).max
    return table


def _merge(table: Int64, into: Int64, rows: Int64) -> None:
    """Add the integers of `rows` to the rows `into` of `table`."""
    for column in _SUMMED:
        np.add.at(table[:, column], into, rows[:, column])
    for column in _MINIMUM:
        np.minimum.at(table[:, column], into, rows[:, column])
    for column in _MAXIMUM:
        np.maximum.at(table[:, column], into, rows[:, column])
    _first_voxel(table, into, rows[:, _FIRST])


def _first_voxel(table: Int64, into: Int64, voxels: Int64) -> None:
    """Keep the voxel that comes first in (z, y, x) order."""
    order = np.lexsort((voxels[:, 2], voxels[:, 1], voxels[:, 0], into))
    target, index = np.unique(into[order], return_index=True)
    new, old = voxels[order[index]], table[target][:, _FIRST]
    earlier = np.zeros(len(target), bool)
    tied = np.ones(len(target), bool)
    for axis in range(3):
        earlier |= tied & (new[:, axis] < old[:, axis])
        tied &= new[:, axis] == old[:, axis]
    for axis, column in enumerate(_FIRST):
        table[target[earlier], column] = new[earlier, axis]


@dataclass
class _SlabNumbers:
    """Pass 3: numbers the components slab by slab."""

    records: Mapping[int, Record]
    touching: _Touching
    rows: _TableWriter
    places: _NumbersWriter

    def __post_init__(self) -> None:
        self.final = np.full(len(self.touching.table), -1, np.int64)

    def number(self, blocks: range, joined: Int64) -> None:
        """One slab: the components inside its blocks, and the `joined` ones that begin in it."""
        tables = [self.records[block].load("table")["table"] for block in blocks]
        faces = [self.touching.labels(block) for block in blocks]
        inner = [_others(len(table), face) for table, face in zip(tables, faces, strict=True)]
        parts = [table[rest] for table, rest in zip(tables, inner, strict=True)]
        starts = np.cumsum([0, *(len(part) for part in parts)])
        numbers = self.rows.write(np.concatenate([*parts, self.touching.table[joined]]))
        self.final[joined] = numbers[starts[-1] :]
        for k, block in enumerate(blocks):
            values = np.zeros(len(tables[k]), np.int64)
            values[inner[k]] = numbers[starts[k] : starts[k + 1]]
            values[faces[k]] = self.final[self.touching.roots(block)]
            self.places.write(block, values)


def _others(count: int, taken: NDArray[np.int32]) -> NDArray[np.int64]:
    free = np.ones(count, bool)
    free[taken] = False
    return np.flatnonzero(free)


class _TableWriter:
    """Writes the table slab by slab; components get their numbers on the way."""

    def __init__(self, path: Path, keep: Keep | None) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.count = 0
        self._keep = keep
        self._pending = np.zeros((0, 1 + len(COLUMNS)), np.int64)
        self._schema = pa.schema([(name, pa.int64()) for name in ("label", *COLUMNS)])
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            write_page_checksum=True,
        )

    def __enter__(self) -> _TableWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush(1)
        self._writer.close()

    def _flush(self, least: int) -> None:
        """Write pending rows in groups of one size, so that the bytes do not tell the slabs."""
        import pyarrow as pa

        while len(self._pending) >= least:
            group, self._pending = self._pending[:ROW_GROUP], self._pending[ROW_GROUP:]
            columns = [pa.array(np.ascontiguousarray(column)) for column in group.T]
            self._writer.write_table(pa.table(columns, schema=self._schema))

    def write(self, table: Int64) -> Int64:
        """Append the rows that are kept in scan order; the number of each row, or 0."""
        kept = np.ones(len(table), bool)
        if self._keep is not None:
            import pandas as pd

            kept = np.asarray(self._keep(pd.DataFrame(table, columns=list(COLUMNS))), bool)
        first = table[:, _FIRST]
        order = np.lexsort((first[:, 2], first[:, 1], first[:, 0]))
        order = order[kept[order]]
        numbers = np.zeros(len(table), np.int64)
        numbers[order] = self.count + 1 + np.arange(len(order))
        self.count += len(order)
        rows = np.concatenate([numbers[order, None], table[order]], axis=1)
        self._pending = np.concatenate([self._pending, rows])
        self._flush(ROW_GROUP)
        return numbers


class _NumbersWriter:
    """Writes the numbers of each block behind an index of (start, count) pairs."""

    def __init__(self, path: Path, blocks: int) -> None:
        self._file = path.open("wb")
        self._index = np.zeros((blocks, 2), np.int64)
        self._file.write(self._index.tobytes())

    def __enter__(self) -> _NumbersWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.seek(0)
        self._file.write(self._index.tobytes())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def write(self, block: int, numbers: Int64) -> None:
        """Append the numbers of `block`."""
        self._index[block] = self._file.tell(), len(numbers)
        self._file.write(np.ascontiguousarray(numbers, np.int64).tobytes())
