"""Search trees over the runs of a whole volume, one for each tile, made when a search needs them.

A search from some place visits the tiles in the order of their distance and stops at the first
that is farther than everything it is still looking for. So distances are exact however large, and
what is in memory is bounded: trees that were not used for longest are dropped and made again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.bodies.nearest import (
    RunTree,
    box_distances,
    build_tree,
    group_runs,
    nearest_of_points,
    nearest_of_runs,
)
from poroscale.kernels.bodies.runs_of_labels import LabelRuns, Labels, runs_of_labels, skin_runs
from poroscale.volume import Index, Shape, Volume

TILE = 128
"""Edge of a tile: the edge of a storage chunk of ours."""
CACHE_BYTES, LEAST_CACHE = 96 << 20, 8 << 20
"""Memory for the trees of one volume in one process."""


@dataclass
class _Cache:
    """Trees by tile, the least recently used dropped; a tile known to be empty stays known."""

    limit: int
    trees: OrderedDict[Index, RunTree] = field(default_factory=OrderedDict)
    empty: set[Index] = field(default_factory=set)
    size: int = 0
    lock: Lock = field(default_factory=Lock)

    def get(self, tile: Index) -> RunTree | None:
        with self.lock:
            if tile in self.trees:
                self.trees.move_to_end(tile)
            return self.trees.get(tile)

    def put(self, tile: Index, tree: RunTree | None) -> None:
        with self.lock:
            if tree is None:
                self.empty.add(tile)
            elif tile not in self.trees:
                self.trees[tile] = tree
                self.size += tree.nbytes
                while self.size > self.limit and len(self.trees) > 1:
                    self.size -= self.trees.popitem(last=False)[1].nbytes


@dataclass(frozen=True)
class Forest:
    """The runs of `volume`: of its labels, or of the skin around its part.

    Attributes
    ----------
    volume
        Labels, or phases.
    outside
        None for labels; for phases the value of the outside, whose voxels next to the part are
        the runs.
    cache_bytes
        Memory that the trees of a process may take.
    """

    volume: Volume
    outside: int | None = None
    cache_bytes: int = CACHE_BYTES

    def nearest_of_runs(
        self, runs: LabelRuns, owners: Labels
    ) -> tuple[Labels, NDArray[np.float64]]:
        """Squared distances [um2] from bodies to the nearest other runs of the forest.

        Parameters
        ----------
        runs, owners
            Runs (m, 4) in the volume's own index and their labels (m,).

        Returns
        -------
        labels
            (k,) the labels that occur in `owners`, sorted.
        squared
            (k,); infinite where the forest has no run of another owner.
        """
        labels, bodies = group_runs(runs, owners)
        best = np.full(len(labels), np.inf)
        if not len(labels):
            return labels, best
        low, high = bodies.boxes[:, :3].min(axis=0), bodies.boxes[:, 3:].max(axis=0)
        for bound, tree in self._by_distance(low, high):
            if not (best > bound).any():
                break
            nearest_of_runs(tree, bodies, best=best, voxel_size=self.volume.voxel_size, bound=bound)
        return labels, best

    def plant(self, origin: Index, shape: Shape, runs: LabelRuns, owners: Labels) -> None:
        """Make the tree of a tile whose runs somebody has at hand, so that it is not read again.

        What is no whole tile is let through.
        """
        tile = _triple(o // TILE for o in origin)
        if (origin, shape) == self._box(tile) and _cache(self).get(tile) is None:
            _cache(self).put(tile, build_tree(runs, owners) if len(runs) else None)

    def nearest_of_points(
        self, points: NDArray[np.float64], *, workers: int = 1
    ) -> NDArray[np.float64]:
        """Squared distances [um2] from points to the nearest run.

        Parameters
        ----------
        points
            (m, 3) in voxels from the volume's corner.
        workers
            Threads.

        Returns
        -------
        (m,); infinite where the forest has no run.
        """
        best = np.full(len(points), np.inf)
        if len(points):
            limit = (np.array(self.volume.shape) - 1) // TILE
            home = np.clip(points // TILE, 0, limit).astype(np.int64)
            order = np.lexsort(home.T)
            ends = np.flatnonzero(np.diff(home[order], axis=0).any(axis=1)) + 1
            with ThreadPoolExecutor(workers) as pool:
                groups = np.split(order, ends)
                found = pool.map(self._nearest_of_neighbours, (points[g] for g in groups))
                for group, squared in zip(groups, found, strict=True):
                    best[group] = squared
        return best

    def _nearest_of_neighbours(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for points of one tile."""
        best = np.full(len(points), np.inf)
        for bound, tree in self._by_distance(points.min(axis=0), points.max(axis=0)):
            asking = np.flatnonzero(best > bound)
            if not len(asking):
                break
            squared = best[asking]
            nearest_of_points(tree, points[asking], best=squared, voxel_size=self.volume.voxel_size)
            best[asking] = squared
        return best

    def _by_distance(
        self, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> Iterator[tuple[float, RunTree]]:
        """(squared distance to the box, tree) of every tile that is not empty, nearest first."""
        tiles, boxes = _tiles(self.volume.shape)
        bounds = box_distances(low, high, boxes=boxes, voxel_size=self.volume.voxel_size)
        off = boxes[:, :3] + boxes[:, 3:] - (low + high)
        for number in np.lexsort(((off * off).sum(axis=1), bounds)):
            tree = self._tree(tiles[number])
            if tree is not None:
                yield float(bounds[number]), tree

    def _tree(self, tile: Index) -> RunTree | None:
        cache = _cache(self)
        if tile in cache.empty:
            return None
        tree = cache.get(tile)
        if tree is None:
            runs, owners = self._runs(tile)
            tree = build_tree(runs, owners) if len(runs) else None
            cache.put(tile, tree)
        return tree

    def _box(self, tile: Index) -> tuple[Index, Shape]:
        origin = _triple(i * TILE for i in tile)
        stop = _triple(min(o + TILE, n) for o, n in zip(origin, self.volume.shape, strict=True))
        return origin, _triple(b - a for a, b in zip(origin, stop, strict=True))

    def _runs(self, tile: Index) -> tuple[LabelRuns, Labels]:
        origin, shape = self._box(tile)
        voxels = self.volume.read(origin, shape)
        if self.outside is None:
            return runs_of_labels(voxels, origin)
        away = voxels == self.outside
        if not away.any():
            return runs_of_labels(np.zeros((0, 0, 0), np.uint32), origin)
        return skin_runs(self._with_faces(away, origin), origin)

    def _with_faces(self, away: NDArray[np.bool_], origin: Index) -> NDArray[np.bool_]:
        """The tile and the layers of voxels on its six faces; beyond the volume nothing is part.

        Layer by layer, because that reads seven chunks where a box around the tile would read 27.
        """
        grown = np.pad(away, 1, constant_values=True)
        for axis, side in product(range(3), (0, 1)):
            corner, shape = list(origin), list(away.shape)
            corner[axis] += away.shape[axis] if side else -1
            shape[axis] = 1
            if 0 <= corner[axis] < self.volume.shape[axis]:
                layer = self.volume.read(_triple(corner), _triple(shape)) == self.outside
                place = [slice(1, -1)] * 3
                place[axis] = slice(-1, None) if side else slice(0, 1)
                grown[tuple(place)] = layer
        return grown


def _triple(numbers: Iterable[int]) -> tuple[int, int, int]:
    z, y, x = numbers
    return z, y, x


def _cache(forest: Forest) -> _Cache:
    volume = forest.volume
    where = (str(volume.path), volume.digest, volume.level)
    return _cache_of(where, forest.outside, forest.cache_bytes)


@lru_cache(maxsize=2)
def _cache_of(
    _where: tuple[str, str | None, int], _outside: int | None, cache_bytes: int
) -> _Cache:
    """One cache a process for each of the two volumes that a measurement reads."""
    return _Cache(cache_bytes)


@lru_cache(maxsize=2)
def _tiles(shape: Shape) -> tuple[list[Index], NDArray[np.int64]]:
    """Every tile of a volume, and its box: low (z, y, x), high (z, y, x)."""
    tiles = [_triple(t) for t in product(*(range(-(-n // TILE)) for n in shape))]
    low = np.array(tiles) * TILE
    return tiles, np.concatenate([low, np.minimum(low + TILE, shape)], axis=1)
