"""Training patches, drawn lazily from scans on disk.

What a patch is follows from the seed, the epoch and its number alone: its class, the cell and the
voxel it is drawn about, where that voxel lies in it, and how it is changed. Then its box is read,
through a cache of chunks of bounded size; no volume is ever in memory.

A stated share of the patches is drawn about voxels of pores: every cell of 32³ voxels that holds
pores is as likely as another, so that small pores are seen as well as large ones. The others are
drawn about voxels of the part, each as likely as another; none lies wholly outside the part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy import random as numpy_random
from numpy.typing import NDArray

from poroscale.engine import Box, Halo
from poroscale.engine.inputs import read_padded
from poroscale.identity import kernel
from poroscale.kernels.noise import tile_generator
from poroscale.segmentation.network.normalisation import GreyRange
from poroscale.segmentation.training.augment import Augmentation, PatchPlace, draw_augmentation
from poroscale.segmentation.training.cells import CELL, Cells
from poroscale.segmentation.training.chunk_cache import CachedVolume
from poroscale.segmentation.training.config import AugmentationConfig
from poroscale.segmentation.training.folds import Region
from poroscale.volume import PHASES, Index, Shape

PATCHES, VALIDATION = 400, 401
"""Streams of training patches, and of those for validation."""
SPREAD = 0.25
"""Edges by which the voxel that a patch is drawn about may lie off its middle."""
Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True)
class PatchSource:
    """A scan that patches are drawn from.

    Attributes
    ----------
    scan
        Grey values.
    truth
        Phases of its shape; None where none are looked at.
    range
        Grey values that become 0 and 1.
    threshold
        Grey value above which a voxel is of the part, where there is no truth.
    cells
        Counts of its part and pores.
    """

    scan: CachedVolume
    truth: CachedVolume | None
    range: GreyRange
    threshold: float
    cells: Cells

    def voxels(self, origin: Index, shape: Shape, *, pore: bool) -> NDArray[np.bool_]:
        """Pores, or part, in a box."""
        if self.truth is None:
            return self.scan(origin, shape) > self.threshold
        phases = self.truth(origin, shape)
        found = phases == PHASES["pore"] if pore else phases != PHASES["outside"]
        return np.asarray(found)


class DrawnPatch(NamedTuple):
    """One patch before it is read.

    Attributes
    ----------
    region
        That it lies in.
    origin
        Of the patch in the scan; beyond the scan's faces where that is smaller than a patch.
    about
        Voxel of the scan that it was drawn about.
    pore
        True if that is one of a pore.
    augmentation
        Changes of it.
    """

    region: Region
    origin: Index
    about: Index
    pore: bool
    augmentation: Augmentation


class Patch(NamedTuple):
    """Normalised grey values, float32 (edge, edge, edge), and pores as 1 in such an array."""

    grey: NDArray[np.float32]
    truth: NDArray[np.float32] | None


class _Table(NamedTuple):
    """Cells of all regions, one a row."""

    region: NDArray[np.int64]
    cell: NDArray[np.int64]
    voxels: NDArray[np.int64]
    chance: NDArray[np.float64]
    """Running sum of the chances."""


@dataclass(frozen=True)
class PatchSampler:
    """Draws and reads patches of regions of scans.

    Attributes
    ----------
    sources
        The scans.
    regions
        Range of their slices; patches stay within.
    edge
        Of a patch [voxels].
    pore_share
        Share of the patches that are drawn about pores.
    seed, stream
        Of all that is drawn.
    augmentation
        Settings for changes of patches.
    """

    sources: Sequence[PatchSource]
    regions: Sequence[Region]
    edge: int
    pore_share: float
    seed: int
    stream: int = PATCHES
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        tables = {pore: self._table(pore) for pore in (False, True)}
        if self.pore_share > 0 and not len(tables[True].region):
            raise ValueError(
                "the truth must hold pores (phase 2) in what is trained on and in what is left out "
                "for validation, got none"
            )
        if not len(tables[False].region):
            raise ValueError("each part of the scans must hold some of the part, got none")
        object.__setattr__(self, "_tables", tables)

    def is_pore(self, number: int) -> bool:
        """True if patch `number` of an epoch is drawn about a pore: the share holds in any row."""
        return int((number + 1) * self.pore_share + 1e-9) > int(number * self.pore_share + 1e-9)

    def draw(self, epoch: int, number: int) -> DrawnPatch:
        """Patch `number` of an epoch."""
        random = tile_generator(self.seed, self.stream, (epoch, number, 0))
        pore = self.is_pore(number)
        region, about = self._about(random, pore)
        origin = self._origin(random, region, about)
        place = PatchPlace(self.edge, origin, self.sources[region.scan].scan.shape)
        changes = draw_augmentation(random, self.augmentation, place)
        return DrawnPatch(region, origin, about, pore, changes)

    def read(self, drawn: DrawnPatch) -> Patch:
        """The patch, normalised and augmented."""
        source, changes = self.sources[drawn.region.scan], drawn.augmentation
        z, y, x = drawn.origin
        low, high = drawn.region.low, drawn.region.high
        box = Box((z - low, y, x), (self.edge,) * 3)
        halo = Halo.of(changes.margin)
        grey = source.range.normalised(read_padded(_Slab(source.scan, low, high), box, halo))
        pore = None
        if source.truth is not None:
            phases = read_padded(_Slab(source.truth, low, high), box, halo)
            pore = (phases == PHASES["pore"]).astype(np.float32)
        grey, pore = changes.shape(grey, pore, self.edge)
        return Patch(changes.grey(grey), pore)

    def patch(self, epoch: int, number: int) -> Patch:
        """Patch `number` of an epoch, read."""
        return self.read(self.draw(epoch, number))

    def _table(self, pore: bool) -> _Table:
        held = [self.sources[each.scan].cells.between(each.low, each.high) for each in self.regions]
        count = np.concatenate([cells.pore if pore else cells.part for cells in held])
        region = np.repeat(np.arange(len(held)), [len(cells.part) for cells in held])
        index = np.concatenate([cells.place for cells in held])
        kept = count > 0
        weight = np.ones(int(kept.sum())) if pore else count[kept].astype(np.float64)
        return _Table(region[kept], index[kept], count[kept], np.cumsum(weight))

    def _about(self, random: numpy_random.Generator, pore: bool) -> tuple[Region, Index]:
        table: _Table = getattr(self, "_tables")[pore]  # noqa: B009
        at = int(np.searchsorted(table.chance, random.random() * table.chance[-1], side="right"))
        at = min(at, len(table.chance) - 1)
        region = self.regions[int(table.region[at])]
        source = self.sources[region.scan]
        z, y, x = (CELL * int(i) for i in table.cell[at])
        dz, dy, dx = (min(CELL, n - o) for n, o in zip(source.scan.shape, (z, y, x), strict=True))
        mask = source.voxels((z, y, x), (dz, dy, dx), pore=pore)
        flat = np.flatnonzero(mask)[random.integers(int(table.voxels[at]))]
        i, j, k = np.unravel_index(flat, mask.shape)
        return region, (z + int(i), y + int(j), x + int(k))

    def _origin(self, random: numpy_random.Generator, region: Region, about: Index) -> Index:
        """The patch lies in its region; about the middle of one that is smaller than it."""
        _, height, width = self.sources[region.scan].scan.shape
        off = random.integers(-int(SPREAD * self.edge), int(SPREAD * self.edge) + 1, 3)
        bounds = ((region.low, region.high), (0, height), (0, width))
        z, y, x = (
            _kept(a - self.edge // 2 + int(o), low, high - self.edge)
            for a, o, (low, high) in zip(about, off, bounds, strict=True)
        )
        return z, y, x


@kernel("segment.Slab")
@dataclass(frozen=True)
class _Slab:
    """Slices of a volume: what a deformation reads beside a patch stays in them, too."""

    volume: CachedVolume
    low: int
    high: int

    @property
    def shape(self) -> Shape:
        return (self.high - self.low, *self.volume.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.volume.dtype

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        return self.volume((origin[0] + self.low, *origin[1:]), shape)


def _kept(first: int, low: int, high: int) -> int:
    return (low + high) // 2 if high < low else min(max(first, low), high)


def read_ahead(
    function: Callable[[Item], Found], items: Iterable[Item], *, workers: int, ahead: int
) -> Generator[Found, None, None]:
    """`map` by threads, in order, at most `ahead` results before they are asked for."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Found]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
