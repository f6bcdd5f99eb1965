"""The tiling of a volume into blocks, the units of work.

One coordinate frame serves all: the voxel index of the volume. A *chunk* is a unit of storage, a
*block* a unit of work; a block consists of whole chunks, so that no two tasks write one file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import lcm, prod

from poroscale.volume import Index, Shape


@dataclass(frozen=True)
class Box:
    """The voxels from `origin` up to, not including, `origin` + `shape`."""

    origin: Index
    shape: Shape

    @property
    def stop(self) -> Index:
        """First voxel index past the box along each axis."""
        z, y, x = (o + n for o, n in zip(self.origin, self.shape, strict=True))
        return z, y, x

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return prod(self.shape)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as an index into an array of the whole volume."""
        z, y, x = (slice(a, b) for a, b in zip(self.origin, self.stop, strict=True))
        return z, y, x

    def grown(self, halo: Shape) -> Box:
        """The box with `halo` more voxels on either side; it may leave the volume."""
        z, y, x = (o - h for o, h in zip(self.origin, halo, strict=True))
        dz, dy, dx = (n + 2 * h for n, h in zip(self.shape, halo, strict=True))
        return Box((z, y, x), (dz, dy, dx))

    def shifted(self, origin: Index) -> Box:
        """The same voxels in an index that counts from `origin`."""
        z, y, x = (a - b for a, b in zip(self.origin, origin, strict=True))
        return Box((z, y, x), self.shape)

    def clipped(self, shape: Shape) -> Box:
        """The part of the box inside a volume of `shape`."""
        z, y, x = (max(0, o) for o in self.origin)
        dz, dy, dx = (
            min(b, n) - max(0, o) for o, b, n in zip(self.origin, self.stop, shape, strict=True)
        )
        return Box((z, y, x), (dz, dy, dx))


@dataclass(frozen=True)
class BlockGrid:
    """Blocks of `block` voxels over a volume of `shape`; the last along an axis may be shorter.

    Blocks are numbered from 0 in (z, y, x) order. The grid holds no list of them: ten million
    blocks cost as much as one.
    """

    shape: Shape
    block: Shape

    def __post_init__(self) -> None:
        if min(self.block) < 1:
            raise ValueError(f"block must be positive, got {self.block}")

    @property
    def counts(self) -> Shape:
        """Number of blocks along each axis."""
        z, y, x = (-(-n // b) for n, b in zip(self.shape, self.block, strict=True))
        return z, y, x

    def __len__(self) -> int:
        return prod(self.counts)

    def __iter__(self) -> Iterator[Box]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Box:
        """The box of block `number`."""
        if not 0 <= number < len(self):
            raise IndexError(f"block must be in 0..{len(self) - 1}, got {number}")
        return self.box(self.index(number))

    def index(self, number: int) -> Index:
        """Position of block `number` in the grid."""
        _, ny, nx = self.counts
        return number // (ny * nx), number // nx % ny, number % nx

    def number(self, index: Index) -> int:
        """Number of the block at a position of the grid."""
        _, ny, nx = self.counts
        return (index[0] * ny + index[1]) * nx + index[2]

    def box(self, index: Index) -> Box:
        """The box of the block at a position of the grid."""
        oz, oy, ox = (i * b for i, b in zip(index, self.block, strict=True))
        dz, dy, dx = (
            min(b, n - i * b) for i, b, n in zip(index, self.block, self.shape, strict=True)
        )
        return Box((oz, oy, ox), (dz, dy, dx))

    def neighbours(self, number: int, steps: tuple[Index, ...]) -> Iterator[tuple[Index, int]]:
        """The (step, number) of those blocks `steps` away from block `number` that exist."""
        index = self.index(number)
        for step in steps:
            there = tuple(i + s for i, s in zip(index, step, strict=True))
            if all(0 <= i < n for i, n in zip(there, self.counts, strict=True)):
                yield step, self.number((there[0], there[1], there[2]))


def chunks_in(box: Box, chunks: Shape) -> Iterator[Index]:
    """Grid indices of the storage chunks that `box`, made of whole chunks, consists of."""
    ranges = (
        range(o // c, -(-(o + n) // c))
        for o, n, c in zip(box.origin, box.shape, chunks, strict=True)
    )
    yield from product(*ranges)


def least_block(shape: Shape, chunks: Shape, multiple: Shape) -> Shape:
    """The smallest block of whole chunks that is a multiple of `multiple`, or spans the volume."""
    z, y, x = (
        min(lcm(c, m), -(-n // c) * c) for n, c, m in zip(shape, chunks, multiple, strict=True)
    )
    return z, y, x


def check_block(block: Shape | None, shape: Shape, chunks: Shape) -> None:
    """Refuse a block that the caller insists on and that is not made of whole chunks."""
    if block is None:
        return
    for n, b, c in zip(shape, block, chunks, strict=True):
        if b % c and b < n:
            raise ValueError(f"block must be a multiple of the chunk {chunks}, got {block}")
