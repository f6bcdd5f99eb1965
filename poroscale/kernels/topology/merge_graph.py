"""Merge trees of blocks, and how two neighbours are joined.

The elder rule: where two components of sub-level sets meet, the one whose minimum is higher ends. A
component without a voxel on a face that is shared with another block cannot change any more, so
its pair of birth and death is final. What is left of a block is a graph: minima of the shared
faces, minima of open components, and edges at the levels where they meet. Two such graphs are
joined by the voxels that both hold, and swept again.

The same pairs come out for every tiling: each step keeps the components of every sub-level set of
the whole, and pairs of equal birth and death are left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.topology.basins import (
    BORDER,
    NO_FACES,
    PORT,
    Faces,
    find_basins,
    find_seams,
    mark_faces,
)

OUTSIDE, INNER = -1, -2
"""Index of the node that stands for all beyond the volume, and of minima inside a block."""
LOWEST = np.iinfo(np.int64).min
"""Birth of the outside: it is older than every voxel."""

Int64 = NDArray[np.int64]
Triple = tuple[int, int, int]


class MergeGraph(NamedTuple):
    """What a block hands on.

    Attributes
    ----------
    voxel
        int64 (n,) place of each node in the whole volume (C order), `OUTSIDE` or `INNER`.
    birth
        int64 (n,) its key.
    first, second
        int32 (m,) nodes of each edge.
    level
        int64 (m,) key at which they meet.
    """

    voxel: Int64
    birth: Int64
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    level: Int64


class ClosedBox(NamedTuple):
    """A closed box of voxels in a volume; neighbours share a plane of voxels.

    Attributes
    ----------
    first, last
        Its first and its last voxel.
    shape
        Shape of the volume.
    """

    first: Triple
    last: Triple
    shape: Triple

    @property
    def shared(self) -> Faces:
        """The faces behind which the volume goes on."""
        z, y, x = (
            (a > 0, b < n - 1) for a, b, n in zip(self.first, self.last, self.shape, strict=True)
        )
        return z, y, x

    @property
    def covered(self) -> bool:
        """True of the last plane of the volume by itself: the box before it holds that plane."""
        return any(0 < a == n - 1 for a, n in zip(self.first, self.shape, strict=True))

    @property
    def ends(self) -> Faces:
        """The faces where the volume ends; none across the one axis of an image."""
        image = sum(n == 1 for n in self.shape) == 1
        z, y, x = (
            (a == 0 and not (image and n == 1), b == n - 1 and not (image and n == 1))
            for a, b, n in zip(self.first, self.last, self.shape, strict=True)
        )
        return z, y, x


def merge_block(
    keys: NDArray[Any], place: ClosedBox, *, wide: bool, outside: bool = False
) -> tuple[MergeGraph, Int64]:
    """Sweep one block from its lowest to its highest voxel.

    Parameters
    ----------
    keys
        (nz, ny, nx) integers of `order_keys`: the closed box `place`.
    place
        Where the block lies.
    wide
        26 neighbours (8 in an image), else 6 (4).
    outside
        Join all voxels at the border of the volume by a component that never ends.

    Returns
    -------
    MergeGraph, int64 (2, p)
        What is open yet; births and deaths of the components that are final.
    """
    if place.covered:
        return _NOTHING, np.empty((2, 0), np.int64)
    labels, minima = find_basins(keys, wide=wide)
    flat, marks = keys.reshape(-1), np.zeros(keys.size, np.uint8)
    mark_faces(keys, marks, faces=place.shared, wide=wide, mark=PORT)
    if outside:
        mark_faces(keys, marks, faces=place.ends, wide=wide, mark=BORDER)
    marked = np.flatnonzero(marks)
    ports, border = (marked[marks[marked] & mark != 0] for mark in (PORT, BORDER))
    alone = ports[minima[labels[ports]] != ports]  # nodes of their own, after those of the minima
    voxels = np.concatenate([minima, alone])
    n = len(voxels)
    index, opened = np.full(n + 1, INNER, np.int64), np.zeros(n + 1, np.uint8)
    index[n], opened[n] = OUTSIDE, outside and place.shared != NO_FACES
    is_port = marks[voxels] & PORT != 0
    opened[:n] = is_port
    index[:n][is_port] = _index_in_whole(voxels[is_port], keys.shape, place)
    birth = np.append(flat[voxels].astype(np.int64), LOWEST)
    first, second, level = find_seams(keys, labels, wide=wide)
    joined = np.concatenate([alone, border])
    first = np.concatenate([first, labels[joined]])
    ends = np.concatenate([np.arange(len(minima), n), np.full(len(border), n)])
    second = np.concatenate([second, ends.astype(np.int32)])
    level = np.concatenate([level, flat[joined].astype(np.int64)])
    return _swept((first, second, level), index, birth, opened, drop_outside=not outside)


def glue(a: MergeGraph, b: MergeGraph, place: ClosedBox) -> tuple[MergeGraph, Int64]:
    """Join what two neighbours left open.

    Parameters
    ----------
    a, b
        Graphs of two boxes that share a plane of voxels.
    place
        The box that both fill.

    Returns
    -------
    MergeGraph, int64 (2, p)
        As of `merge_block`.
    """
    index = np.concatenate([a.voxel, b.voxel])
    known = index >= OUTSIDE
    seen, same = np.unique(index[known], return_inverse=True)
    node = np.empty(len(index), np.int64)
    node[known] = same
    node[~known] = len(seen) + np.arange(np.count_nonzero(~known))
    joined = np.full(len(seen) + np.count_nonzero(~known), INNER, np.int64)
    joined[: len(seen)] = seen
    birth = np.empty(len(joined), np.int64)
    birth[node] = np.concatenate([a.birth, b.birth])
    shift = np.int32(len(a.voxel))
    first = node[np.concatenate([a.first, b.first + shift])]
    second = node[np.concatenate([a.second, b.second + shift])]
    level = np.concatenate([a.level, b.level])
    return _swept((first, second, level), joined, birth, _open_nodes(joined, place))


def _swept(
    edges: tuple[NDArray[Any], NDArray[Any], Int64],
    index: Int64,
    birth: Int64,
    opened: NDArray[np.uint8],
    *,
    drop_outside: bool = False,
) -> tuple[MergeGraph, Int64]:
    """Join nodes along edges by rising level, and keep what is open."""
    room = _Room.of(len(index))
    _sweep(*edges, np.argsort(edges[2]), birth, opened, *room)
    return _kept(index, birth, opened, room, drop_outside=drop_outside)


_NO_KEYS, _NO_NODES = np.empty(0, np.int64), np.empty(0, np.int32)
_NOTHING = MergeGraph(_NO_KEYS, _NO_KEYS, _NO_NODES, _NO_NODES, _NO_KEYS)


class _Room(NamedTuple):
    """Arrays that a sweep fills: union-find, pairs, edges, and how many there are of each."""

    parent: NDArray[np.int32]
    pairs: Int64
    ends: NDArray[np.int32]
    level: Int64
    counts: Int64

    @classmethod
    def of(cls, nodes: int) -> _Room:
        return cls(
            np.arange(nodes, dtype=np.int32),
            np.empty((2, nodes), np.int64),
            np.empty((2, nodes), np.int32),
            np.empty(nodes, np.int64),
            np.zeros(2, np.int64),
        )


def _index_in_whole(voxels: Int64, shape: Triple, place: ClosedBox) -> Int64:
    z, y, x = np.unravel_index(voxels, shape)
    (a, b, c), (_, ny, nx) = place.first, place.shape
    return ((z + a) * ny + y + b) * nx + x + c


def _open_nodes(index: Int64, place: ClosedBox) -> NDArray[np.uint8]:
    """1 for nodes that other boxes hold, too."""
    shared = place.shared
    opened = ((index == OUTSIDE) & (shared != NO_FACES)).astype(np.uint8)
    ports = np.flatnonzero(index >= 0)
    for axis, at in enumerate(np.unravel_index(index[ports], place.shape)):
        for end, plane in zip(shared[axis], (place.first[axis], place.last[axis]), strict=True):
            if end:
                opened[ports[at == plane]] = 1
    return opened


def _kept(
    index: Int64,
    birth: Int64,
    opened: NDArray[np.uint8],
    room: _Room,
    *,
    drop_outside: bool = False,
) -> tuple[MergeGraph, Int64]:
    """The nodes that are open, lie at an edge or are the oldest of all they are connected to."""
    pairs, edges = room.counts
    ends = room.ends[:, :edges]
    keep = room.parent == np.arange(len(index))
    keep |= (opened != 0) & (index >= OUTSIDE)
    keep[ends.reshape(-1)] = True
    if drop_outside:
        keep[-1] = False
    number = np.cumsum(keep, dtype=np.int32) - 1
    first, second = number[ends]
    graph = MergeGraph(index[keep], birth[keep], first, second, room.level[:edges].copy())
    return graph, room.pairs[:, :pairs].copy()


@njit(nogil=True, cache=True)
def _find(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(nogil=True, cache=True)
def _meet(a, b, level, birth, opened, parent, pairs, ends, levels, counts):  # type: ignore[no-untyped-def]
    """Two components meet: the younger one ends, or, if it is open, an edge is handed on."""
    a, b = _find(parent, a), _find(parent, b)
    if a == b:
        return
    if birth[a] > birth[b] or (birth[a] == birth[b] and opened[a] < opened[b]):
        a, b = b, a
    if opened[b]:
        ends[0, counts[1]], ends[1, counts[1]] = b, a
        levels[counts[1]] = level
        counts[1] += 1
        opened[a] = 1
    elif birth[b] < level:
        pairs[0, counts[0]], pairs[1, counts[0]] = birth[b], level
        counts[0] += 1
    parent[b] = a


@njit(nogil=True, cache=True)
def _sweep(  # type: ignore[no-untyped-def]
    first, second, level, order, birth, opened, parent, pairs, ends, levels, counts
):
    for i in order:
        _meet(
            first[i], second[i], level[i], birth, opened,
            parent, pairs, ends, levels, counts,
        )  # fmt: skip
