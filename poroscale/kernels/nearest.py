"""Exact smallest distances between bodies made of x-runs: a tree of boxes, branch and bound.

A body is the union of its closed voxel boxes. Two bodies are as far apart as their nearest boxes:
0 if they share a corner, one voxel edge if one voxel lies between them. The runs of a region are
sorted along a space-filling curve into leaves of a few runs each; a binary tree of bounding boxes
over the leaves answers "how far is the nearest run of another body, if nearer than `best`".

Distances of boxes are computed by one formula from integer gaps, and that formula is monotone
even when rounded; so what the search leaves out cannot have changed the result, and the result
does not depend on how the runs were spread over trees or on the order of the questions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.label_runs import Labels, Runs

LEAF = 4
"""Runs of a leaf."""
GROUP = 16
"""Most runs that ask together."""
_FAR = np.int32(2**30)


class RunTree(NamedTuple):
    """Runs sorted into the leaves of an implicit binary tree: node k has children 2k, 2k + 1."""

    runs: Runs
    owners: Labels
    boxes: NDArray[np.int32]
    """(2 * leaves, 6): z0, y0, x0, z1, y1, x1 of every node, half open."""
    span: NDArray[np.uint32]
    """(2 * leaves, 2): smallest and largest owner in every node."""

    @property
    def nbytes(self) -> int:
        """Memory that the tree takes [bytes]."""
        return sum(part.nbytes for part in self)


class Bodies(NamedTuple):
    """Boxes that ask, in groups: a group asks at once, for its nearest box is what counts."""

    boxes: NDArray[np.float64]
    """(m, 6): low z, y, x, high z, y, x [voxels]."""
    starts: NDArray[np.int64]
    """(groups + 1,): boxes starts[g] to starts[g + 1] are group g."""
    slots: NDArray[np.int64]
    """(groups,): where in `best` the body of a group stands."""
    owners: Labels
    """(groups,): the label of the body; runs of that label do not count."""

    def some(self, groups: NDArray[np.bool_]) -> Bodies:
        """The bodies with the groups for which `groups` (groups,) is true; boxes stay."""
        keep = np.flatnonzero(groups)
        sizes = np.diff(self.starts)
        boxes = self.boxes[np.repeat(groups, sizes)]
        starts = np.concatenate([[0], np.cumsum(sizes[keep])])
        return Bodies(boxes, starts, self.slots[keep], self.owners[keep])


def group_runs(runs: Runs, owners: Labels) -> tuple[Labels, Bodies]:
    """The labels (k,) that own some runs, sorted, and their runs in groups of neighbours."""
    order = np.lexsort((_morton(runs), owners))
    runs, owners = runs[order], owners[order]
    labels, first, index = np.unique(owners, return_index=True, return_inverse=True)
    rank = np.arange(len(runs)) - first[index]
    starts = np.flatnonzero(rank % GROUP == 0)
    boxes = np.empty((len(runs), 6))
    boxes[:, :3], boxes[:, 3:] = runs[:, :3], runs[:, (0, 1, 3)]
    boxes[:, 3:5] += 1
    ends = np.append(starts, len(runs))
    return labels, Bodies(boxes, ends, index[starts], owners[starts])


def build_tree(runs: Runs, owners: Labels) -> RunTree:
    """A tree over runs (m, 4) of the given owners (m,); m > 0."""
    order = np.argsort(_morton(runs), kind="stable")
    runs, owners = np.ascontiguousarray(runs[order]), np.ascontiguousarray(owners[order])
    leaves = 1 << max(0, (-(-len(runs) // LEAF) - 1).bit_length())
    boxes = np.empty((2 * leaves, 6), np.int32)
    boxes[:, :3], boxes[:, 3:] = _FAR, -_FAR
    span = np.empty((2 * leaves, 2), np.uint32)
    span[:, 0], span[:, 1] = np.iinfo(np.uint32).max, 0
    _bound(runs, owners, boxes, span)
    return RunTree(runs, owners, boxes, span)


def nearest_of_runs(
    tree: RunTree,
    bodies: Bodies,
    *,
    best: NDArray[np.float64],
    voxel_size: tuple[float, float, float],
) -> None:
    """Lower the squared distances from bodies to the nearest run of another owner in `tree`.

    Parameters
    ----------
    bodies
        Who asks.
    best
        float64, one for each label of `bodies`, changed in place: squared distances [um2].
    voxel_size
        Edges of a voxel (z, y, x) [um].
    """
    _ask(tree, bodies, best, np.array(voxel_size))


def nearest_of_points(
    tree: RunTree,
    points: NDArray[np.float64],
    *,
    best: NDArray[np.float64],
    voxel_size: tuple[float, float, float],
) -> None:
    """Lower `best[i]` to the squared distance from point i to the nearest run in `tree`.

    Parameters
    ----------
    points
        (m, 3) positions (z, y, x) in voxels from the volume's corner: voxel i spans i to i + 1.
    best
        (m,) float64, changed in place: squared distances [um2].
    """
    count = np.arange(len(points))
    nobody = np.full(len(points), np.iinfo(np.uint32).max, np.uint32)
    boxes = np.concatenate([points, points], axis=1)
    bodies = Bodies(boxes, np.arange(len(points) + 1), count, nobody)
    _ask(tree, bodies, best, np.array(voxel_size))


def box_distances(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    boxes: NDArray[np.int64],
    voxel_size: tuple[float, float, float],
) -> NDArray[np.float64]:
    """(k,) squared distances [um2] of one box to boxes (k, 6), by the formula of the search."""
    gaps = np.maximum(np.maximum(boxes[:, :3] - high, low - boxes[:, 3:]), 0)
    z, y, x = (gaps * np.array(voxel_size)).T
    return np.asarray(z * z + y * y + x * x)


def _morton(runs: Runs) -> NDArray[np.uint64]:
    """Position of the runs' middles along the Z-order curve, counted from their own corner."""
    middle = np.stack([runs[:, 0], runs[:, 1], (runs[:, 2] + runs[:, 3]) >> 1], axis=1)
    middle = (middle - middle.min(axis=0, initial=_FAR)).astype(np.uint64)
    code = np.zeros(len(runs), np.uint64)
    for axis, shift in enumerate((2, 1, 0)):
        code |= _spread(middle[:, axis]) << np.uint64(shift)
    return code


def _spread(v: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put two zero bits between the lower 21 bits of each number."""
    steps = (
        (32, 0x1F00000000FFFF),
        (16, 0x1F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    )
    for shift, mask in steps:
        v = (v | (v << np.uint64(shift))) & np.uint64(mask)
    return v


@njit(nogil=True, cache=True)
def _bound(runs, owners, boxes, span):  # type: ignore[no-untyped-def]
    leaves = boxes.shape[0] // 2
    for i in range(runs.shape[0]):
        node = leaves + i // LEAF
        z, y, x0, x1 = runs[i]
        boxes[node, 0], boxes[node, 3] = min(boxes[node, 0], z), max(boxes[node, 3], z + 1)
        boxes[node, 1], boxes[node, 4] = min(boxes[node, 1], y), max(boxes[node, 4], y + 1)
        boxes[node, 2], boxes[node, 5] = min(boxes[node, 2], x0), max(boxes[node, 5], x1)
        span[node, 0], span[node, 1] = min(span[node, 0], owners[i]), max(span[node, 1], owners[i])
    for node in range(leaves - 1, 0, -1):
        a, b = 2 * node, 2 * node + 1
        for k in range(3):
            boxes[node, k] = min(boxes[a, k], boxes[b, k])
            boxes[node, k + 3] = max(boxes[a, k + 3], boxes[b, k + 3])
        span[node, 0], span[node, 1] = min(span[a, 0], span[b, 0]), max(span[a, 1], span[b, 1])


@njit(nogil=True, cache=True)
def _squared(box, other, edge):  # type: ignore[no-untyped-def]
    """Squared distance of two boxes: low z, y, x, high z, y, x."""
    z = max(other[0] - box[3], box[0] - other[3], 0.0) * edge[0]
    y = max(other[1] - box[4], box[1] - other[4], 0.0) * edge[1]
    x = max(other[2] - box[5], box[2] - other[5], 0.0) * edge[2]
    return z * z + y * y + x * x


@njit(nogil=True, cache=True)
def _ask(tree, bodies, best, edge):  # type: ignore[no-untyped-def]
    stack = np.empty(128, np.int64)
    for g in range(len(bodies.slots)):
        group = bodies.boxes[bodies.starts[g] : bodies.starts[g + 1]]
        slot = bodies.slots[g]
        if best[slot] > 0:
            best[slot] = _search(tree, group, bodies.owners[g], best[slot], edge, stack)


@njit(nogil=True, cache=True)
def _search(tree, group, own, best, edge, stack):  # type: ignore[no-untyped-def]
    """Squared distance of the group to the nearest run that is not `own`'s, or `best` if less."""
    low, high = (group[:, 0].min(), group[:, 1].min(), group[:, 2].min()), group[:, 3:]
    hull = (*low, high[:, 0].max(), high[:, 1].max(), high[:, 2].max())
    leaves = tree.boxes.shape[0] // 2
    stack[0] = 1
    top = 1
    while top > 0:
        top -= 1
        node = stack[top]
        if not _closer(tree, node, group, hull, best, edge):
            continue
        if node >= leaves:
            best = _in_leaf(tree, node - leaves, group, own, best, edge)
            continue
        a, b = 2 * node, 2 * node + 1
        at_a, at_b = _to_node(tree, a, hull, own, edge), _to_node(tree, b, hull, own, edge)
        if at_a < at_b:
            a, b, at_a, at_b = b, a, at_b, at_a
        if at_a < best:
            stack[top] = a
            top += 1
        if at_b < best:
            stack[top] = b
            top += 1
    return best


@njit(nogil=True, cache=True)
def _to_node(tree, node, hull, own, edge):  # type: ignore[no-untyped-def]
    low, high = tree.span[node, 0], tree.span[node, 1]
    if low > high or (low == high and low == own):
        return np.inf
    return _squared(hull, tree.boxes[node], edge)


@njit(nogil=True, cache=True)
def _closer(tree, node, group, hull, best, edge):  # type: ignore[no-untyped-def]
    """Whether a box of the group is closer to the node than `best`."""
    box = tree.boxes[node]
    if _squared(hull, box, edge) >= best:
        return False
    for i in range(len(group)):  # noqa: SIM110 - any() of a generator is slow in numba
        if _squared(group[i], box, edge) < best:
            return True
    return False


@njit(nogil=True, cache=True)
def _in_leaf(tree, leaf, group, own, best, edge):  # type: ignore[no-untyped-def]
    for i in range(leaf * LEAF, min((leaf + 1) * LEAF, tree.runs.shape[0])):
        if tree.owners[i] == own:
            continue
        z, y, x0, x1 = tree.runs[i]
        run = (z, y, x0, z + 1, y + 1, x1)
        for k in range(len(group)):
            best = min(best, _squared(group[k], run, edge))
    return best
