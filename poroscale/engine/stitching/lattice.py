"""The lattice of overlapping windows over a volume, and which block each window belongs to.

Along an axis windows of `edge` voxels begin at 0, s, 2s, ... with the stride s = edge - overlap;
the last one is moved back to end with the volume. The lattice is the product of its axes, so that
the sum of all windows' weights at a voxel is a product of three sums along the axes. A volume that
is thinner than a window has one window there, padded with the volume's outermost voxels. Tiles with
a halo are not moved: they lie side by side, and the last one is padded.

A window belongs to the block that holds its origin. It reaches forward only, so that a block gets
from blocks before it, and gives to blocks behind it, each counted in blocks along the axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.grid import BlockGrid, Box
from poroscale.kernels.window_sums import WEIGHTS, FixedPoint, Weight, Weights, axis_weights
from poroscale.volume import Index, Shape

Spans = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Windows:
    """Settings for cutting a volume into windows and averaging overlapping ones.

    Attributes
    ----------
    edge
        Edge of a window [voxels], one number or three (z, y, x).
    overlap
        Width that neighbouring windows share along an axis [voxels]; None takes half the edge, or 0
        with a halo.
    weight
        Weight of the voxels of a window in the average: "constant", "gaussian" or "hann".
    batch
        Number of windows that are inferred at a time. The recipe includes it, because the last bits
        of a convolution depend on the shape of its batch.
    halo
        For purely convolutional networks: width of the context around each window that the network
        sees and that is cut off its answer [voxels]. Such windows do not overlap.

    Raises
    ------
    ValueError
        If windows so cut do not exist.
    """

    edge: int | Shape = 64
    overlap: int | Shape | None = None
    weight: Weight = "constant"
    batch: int = 1
    halo: int | Shape = 0

    def __post_init__(self) -> None:
        for name in ("edge", "overlap", "halo"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != 3:
                raise ValueError(f"{name} must be one number or three (z, y, x), got {value}")
        if min(self.edges) < 1:
            raise ValueError(f"edge must be at least 1, got {self.edge}")
        if min(self.halos) < 0:
            raise ValueError(f"halo must be 0 or more, got {self.halo}")
        if min(self.overlaps) < 0 or min(self.strides) < 1:
            raise ValueError(
                f"overlap must be from 0 to less than the edge {self.edge}, got {self.overlap}"
            )
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}")
        if self.weight not in WEIGHTS:
            raise ValueError(f"weight must be one of {', '.join(WEIGHTS)}, got {self.weight!r}")
        if max(self.halos) and (max(self.overlaps) or self.weight != "constant"):
            raise ValueError(
                "windows with a halo must not overlap and have the weight constant, "
                f"got overlap {self.overlap} and weight {self.weight}"
            )

    @property
    def edges(self) -> Shape:
        """Voxels of a window along (z, y, x)."""
        return _three(self.edge)

    @property
    def halos(self) -> Shape:
        """Voxels of context along (z, y, x)."""
        return _three(self.halo)

    @property
    def overlaps(self) -> Shape:
        """Voxels that neighbours share along (z, y, x)."""
        if self.overlap is not None:
            return _three(self.overlap)
        z, y, x = (0 if max(self.halos) else edge // 2 for edge in self.edges)
        return z, y, x

    @property
    def strides(self) -> Shape:
        """Voxels between neighbours along (z, y, x)."""
        z, y, x = (e - o for e, o in zip(self.edges, self.overlaps, strict=True))
        return z, y, x

    @property
    def input_edges(self) -> Shape:
        """Voxels that the network sees along (z, y, x)."""
        z, y, x = (e + 2 * h for e, h in zip(self.edges, self.halos, strict=True))
        return z, y, x


def _three(value: int | Shape) -> Shape:
    return (value, value, value) if isinstance(value, int) else value


@dataclass(frozen=True)
class Axis:
    """The windows along one axis of `extent` voxels; `moved` tells how the last one ends."""

    extent: int
    edge: int
    stride: int
    moved: bool

    @property
    def origins(self) -> NDArray[np.int64]:
        """First voxel of every window, ascending."""
        return _origins(self)

    def owned(self, start: int, stop: int) -> NDArray[np.int64]:
        """Origins of the windows of a block from `start` to `stop`."""
        first, last = np.searchsorted(self.origins, [start, stop])
        return self.origins[first:last]

    def reach(self, start: int, stop: int) -> int:
        """First voxel that no window of the block reaches; `start` if the block has none."""
        owned = self.owned(start, stop)
        return min(int(owned[-1]) + self.edge, self.extent) if len(owned) else start

    def settled(self, start: int, stop: int) -> int:
        """First voxel of the block that only its own windows reach."""
        return min(stop, max(start, self.reach(0, start) if start else 0))

    def weight_sums(self, kind: str) -> Weights:
        """Sum of the windows' weights at every voxel."""
        return _weight_sums(self, kind)


@lru_cache(maxsize=32)
def _origins(axis: Axis) -> NDArray[np.int64]:
    if not axis.moved:
        return np.arange(0, axis.extent, axis.stride)
    last = max(0, axis.extent - axis.edge)
    return np.append(np.arange(0, last, axis.stride), last)


@lru_cache(maxsize=32)
def _weights(edge: int, kind: str) -> Weights:
    return axis_weights(edge, kind)


@lru_cache(maxsize=32)
def _weight_sums(axis: Axis, kind: str) -> Weights:
    weights, sums = axis_weights(axis.edge, kind), np.zeros(axis.extent, np.int64)
    for origin in axis.origins:
        part = sums[origin : origin + axis.edge]
        part += weights[: len(part)]
    return sums


@dataclass(frozen=True)
class Lattice:
    """All windows over a volume of `shape`."""

    windows: Windows
    shape: Shape

    @property
    def axes(self) -> tuple[Axis, Axis, Axis]:
        """The lattice is the product of these."""
        w = self.windows
        each = zip(self.shape, w.edges, w.strides, strict=True)
        z, y, x = (Axis(n, e, s, not max(w.halos)) for n, e, s in each)
        return z, y, x

    def __len__(self) -> int:
        """Number of windows."""
        z, y, x = (len(axis.origins) for axis in self.axes)
        return z * y * x

    @property
    def passes(self) -> float:
        """Mean number of times that the network sees a voxel: the cost in bare passes."""
        return len(self) * prod(self.windows.input_edges) / prod(self.shape)

    def point(self, bound: float) -> FixedPoint:
        """The fixed point for values of at most `bound`: no sum overflows anywhere."""
        z, y, x = (int(sums.max()) for sums in self.weight_sums())
        return FixedPoint.of(bound, z * y * x)

    def weights(self) -> tuple[Weights, Weights, Weights]:
        """Weights of a window along the axes."""
        z, y, x = (_weights(edge, self.windows.weight) for edge in self.windows.edges)
        return z, y, x

    def weight_sums(self, spans: Spans | None = None) -> tuple[Weights, Weights, Weights]:
        """Sums of the windows' weights along the axes, of the whole volume or of a part."""
        whole = [axis.weight_sums(self.windows.weight) for axis in self.axes]
        z, y, x = whole if spans is None else (s[i] for s, i in zip(whole, spans, strict=True))
        return z, y, x

    def origins_in(self, box: Box) -> list[NDArray[np.int64]]:
        """Origins along each axis of the windows that belong to a block."""
        each = zip(self.axes, box.origin, box.stop, strict=True)
        return [axis.owned(start, stop) for axis, start, stop in each]

    def count(self, box: Box) -> int:
        """Number of windows that belong to a block."""
        return prod(len(along) for along in self.origins_in(box))

    def summed(self, box: Box) -> Box:
        """From the block's first voxel to the last one that its windows reach."""
        each = zip(self.axes, box.origin, box.stop, strict=True)
        z, y, x = (axis.reach(start, stop) - start for axis, start, stop in each)
        return Box(box.origin, (z, y, x) if z and y and x else (0, 0, 0))

    def read(self, box: Box) -> Box:
        """Box that the block's windows see; it may leave the volume, where the input is padded."""
        w, origins = self.windows, self.origins_in(box)
        z, y, x = (int(o[0]) - h for o, h in zip(origins, w.halos, strict=True))
        last = (int(o[-1]) + h + e for o, h, e in zip(origins, w.halos, w.edges, strict=True))
        dz, dy, dx = (b - a for a, b in zip((z, y, x), last, strict=True))
        return Box((z, y, x), (dz, dy, dx))

    def core(self, box: Box) -> Spans:
        """The part of a block that no other block's windows reach, within the block."""
        each = zip(self.axes, box.origin, box.stop, strict=True)
        z, y, x = (slice(axis.settled(a, b) - a, b - a) for axis, a, b in each)
        return z, y, x

    def shell(self, box: Box) -> tuple[Spans, Spans, Spans]:
        """The rest of the block: three boxes, within the block; any of them may be empty."""
        z, y, x = self.core(box)
        _, ny, nx = box.shape
        below = (slice(0, z.start), slice(0, ny), slice(0, nx))
        behind = (z, slice(0, y.start), slice(0, nx))
        return below, behind, (z, y, slice(0, x.start))

    def spill(self, box: Box, grid: BlockGrid) -> Iterator[tuple[Index, Spans]]:
        """Contributions of a block's windows to later blocks: (step in blocks, box of its sums)."""
        sums = self.summed(box)
        ends = [-(-n // b) for n, b in zip(sums.shape, grid.block, strict=True)]
        for step in product(*map(range, ends)):
            if any(step):
                each = zip(step, grid.block, sums.shape, strict=True)
                z, y, x = (slice(k * b, min(n, (k + 1) * b)) for k, b, n in each)
                yield (step[0], step[1], step[2]), (z, y, x)

    def sources(self, number: int, grid: BlockGrid) -> Iterator[tuple[Index, int]]:
        """Blocks before block `number` whose windows may reach it: (step in blocks, number)."""
        box, index = grid[number], grid.index(number)
        each = zip(box.origin, self.windows.edges, grid.block, index, strict=True)
        steps = (range(i - max(0, o - e + 1) // b + 1) for o, e, b, i in each)
        for step in product(*steps):
            if any(step):
                z, y, x = (i - k for i, k in zip(index, step, strict=True))
                yield (step[0], step[1], step[2]), grid.number((z, y, x))
