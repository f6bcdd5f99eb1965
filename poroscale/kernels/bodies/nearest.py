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

from poroscale.kernels.bodies.runs_of_labels import LabelRuns, Labels

LEAF = 4
"""Runs of a leaf."""
GROUP = 16
"""Most runs that ask together."""
_FAR = np.int32(2**30)


class RunTree(NamedTuple):
    """Runs sorted into the leaves of an implicit binary tree: node k has children 2k, 2k + 1."""

    runs: LabelRuns
    owners: Labels
    boxes: NDArray[np.int32]
    """(2 * leaves, 6): z0, y0, x0, z1, y1, x1 of every node, half open."""
    span: NDArray[np.uint32]
    """(2 * leaves, 2): smallest and largest owner in every node."""

    @property
    def nbytes(self) -> int:
        """Memory that the tree takes [bytes]."""
        return sum(part.nbytes for part in self)


class AskingBoxes(NamedTuple):
    """Boxes that ask, in groups: a group asks at once, and only its nearest box counts."""

    boxes: NDArray[np.float64]
    """(m, 6): low z, y, x, high z, y, x [voxels]."""
    starts: NDArray[np.int64]
    """(groups + 1,): boxes starts[g] to starts[g + 1] are group g."""
    slots: NDArray[np.int64]
    """(groups,): where in `best` the body of a group stands."""
    owners: Labels
    """(groups,): the label of the body; runs of that label do not count."""
    hulls: NDArray[np.float64]
    """(groups, 6): the box around each group."""


def group_runs(runs: LabelRuns, owners: Labels) -> tuple[Labels, AskingBoxes]:
    """The labels (k,) that own some runs, sorted, and their runs in groups of neighbours."""
    order = _by_owner(_morton(runs), owners)
    runs, owners = runs[order], owners[order]
    labels, first, index = np.unique(owners, return_index=True, return_inverse=True)
    rank = np.arange(len(runs)) - first[index]
    starts = np.flatnonzero(rank % GROUP == 0)
    boxes = np.empty((len(runs), 6))
    boxes[:, :3], boxes[:, 3:] = runs[:, :3], runs[:, (0, 1, 3)]
    boxes[:, 3:5] += 1
    ends = np.append(starts, len(runs))
    hulls = np.empty((len(starts), 6))
    for k, join in enumerate([np.minimum] * 3 + [np.maximum] * 3):
        hulls[:, k] = join.reduceat(boxes[:, k], starts) if len(starts) else 0
    return labels, AskingBoxes(boxes, ends, index[starts], owners[starts], hulls)


def build_tree(runs: LabelRuns, owners: Labels) -> RunTree:
    """A tree over runs (m, 4) of the given owners (m,); m > 0.

    The runs of a body stay together, and bodies follow the curve, each from where it begins on
    it: a leaf of one body is passed over at once when that body asks.
    """
    codes = _morton(runs)
    order = _by_owner(codes, owners)
    begins = np.flatnonzero(np.diff(owners[order], prepend=owners[order[0]] + np.uint32(1)))
    sizes = np.diff(begins, append=len(runs))
    order = order[np.argsort(np.repeat(codes[order[begins]], sizes), kind="stable")]
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
    bodies: AskingBoxes,
    *,
    best: NDArray[np.float64],
    voxel_size: tuple[float, float, float],
    bound: float = 0.0,
) -> None:
    """Lower the squared distances from bodies to the nearest run of another owner in `tree`.

    Parameters
    ----------
    bodies
        Boxes that ask.
    best
        float64, one for each label of `bodies`, changed in place: squared distances [um2].
    voxel_size
        Edges of a voxel (z, y, x) [um].
    bound
        No run of the tree is nearer to any body [um2]; who has found as much need not ask.
    """
    _ask(tree, bodies, best, np.array(voxel_size), bound)


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
    bodies = AskingBoxes(boxes, np.arange(len(points) + 1), count, nobody, boxes)
    _ask(tree, bodies, best, np.array(voxel_size), 0.0)


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


def _by_owner(codes: NDArray[np.uint64], owners: Labels) -> NDArray[np.int64]:
    """The order by owner and code: of one number for each run where 64 bits hold both."""
    bits = int(codes.max(initial=0)).bit_length()
    if bits + int(owners.max(initial=0)).bit_length() > 64:
        return np.lexsort((codes, owners))
    return np.argsort(owners.astype(np.uint64) << np.uint64(bits) | codes)


def _morton(runs: LabelRuns) -> NDArray[np.uint64]:
    """Position of the runs' middles along the Z-order curve, counted from their own corner."""
    codes = np.empty(len(runs), np.uint64)
    middle = (runs[:, 2] + runs[:, 3]) >> 1
    corner = [part.min(initial=_FAR) for part in (runs[:, 0], runs[:, 1], middle)]
    _encode(runs, np.array(corner, np.int64), codes)
    return codes


@njit(nogil=True, cache=True)
def _encode(runs, corner, codes):  # type: ignore[no-untyped-def]
    for i in range(len(runs)):
        z = _spread(np.uint64(runs[i, 0] - corner[0]))
        y = _spread(np.uint64(runs[i, 1] - corner[1]))
        x = _spread(np.uint64(((runs[i, 2] + runs[i, 3]) >> 1) - corner[2]))
        codes[i] = z << np.uint64(2) | y << np.uint64(1) | x


@njit(nogil=True, cache=True, inline="always")
def _spread(v):  # type: ignore[no-untyped-def]
    """Put two zero bits between the lower 21 bits of a number."""
    v = (v | v << np.uint64(32)) & np.uint64(0x1F00000000FFFF)
    v = (v | v << np.uint64(16)) & np.uint64(0x1F0000FF0000FF)
    v = (v | v << np.uint64(8)) & np.uint64(0x100F00F00F00F00F)
    v = (v | v << np.uint64(4)) & np.uint64(0x10C30C30C30C30C3)
    return (v | v << np.uint64(2)) & np.uint64(0x1249249249249249)


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


@njit(nogil=True, cache=True, inline="always")
def _squared(boxes, i, others, k, edge):  # type: ignore[no-untyped-def]
    """Squared distance of two boxes: low z, y, x, high z, y, x.

    They are given by array and row: a view of a row would cost more than the distance.
    """
    z = max(others[k, 0] - boxes[i, 3], boxes[i, 0] - others[k, 3], 0.0) * edge[0]
    y = max(others[k, 1] - boxes[i, 4], boxes[i, 1] - others[k, 4], 0.0) * edge[1]
    x = max(others[k, 2] - boxes[i, 5], boxes[i, 2] - others[k, 5], 0.0) * edge[2]
    return z * z + y * y + x * x


@njit(nogil=True, cache=True)
def _ask(tree, bodies, best, edge, bound):  # type: ignore[no-untyped-def]
    stack = np.empty(128, np.int64)
    for g in range(len(bodies.slots)):
        slot = bodies.slots[g]
        if best[slot] > bound and _squared(bodies.hulls, g, tree.boxes, 1, edge) < best[slot]:
            best[slot] = _search(tree, bodies, g, best[slot], edge, stack)


@njit(nogil=True, cache=True)
def _search(tree, bodies, g, best, edge, stack):  # type: ignore[no-untyped-def]
    """Squared distance of group `g` to the nearest run that is not its own, or `best` if less."""
    leaves = tree.boxes.shape[0] // 2
    stack[0] = 1
    top = 1
    while top > 0:
        top -= 1
        node = stack[top]
        if not _closer(tree, node, bodies, g, best, edge):
            continue
        if node >= leaves:
            best = _in_leaf(tree, node - leaves, bodies, g, best, edge)
            continue
        a, b = 2 * node, 2 * node + 1
        at_a, at_b = _to_node(tree, a, bodies, g, edge), _to_node(tree, b, bodies, g, edge)
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
def _to_node(tree, node, bodies, g, edge):  # type: ignore[no-untyped-def]
    low, high = tree.span[node, 0], tree.span[node, 1]
    if low > high or (low == high and low == bodies.owners[g]):
        return np.inf
    return _squared(bodies.hulls, g, tree.boxes, node, edge)


@njit(nogil=True, cache=True)
def _closer(tree, node, bodies, g, best, edge):  # type: ignore[no-untyped-def]
    """True if a box of the group is closer to the node than `best`."""
    if _squared(bodies.hulls, g, tree.boxes, node, edge) >= best:
        return False
    for i in range(bodies.starts[g], bodies.starts[g + 1]):
        if _squared(bodies.boxes, i, tree.boxes, node, edge) < best:
            return True
    return False


@njit(nogil=True, cache=True)
def _in_leaf(tree, leaf, bodies, g, best, edge):  # type: ignore[no-untyped-def]
    for i in range(leaf * LEAF, min((leaf + 1) * LEAF, tree.runs.shape[0])):
        if tree.owners[i] == bodies.owners[g]:
            continue
        for k in range(bodies.starts[g], bodies.starts[g + 1]):
            best = min(best, _to_run(bodies.boxes, k, tree.runs, i, edge))
    return best


@njit(nogil=True, cache=True, inline="always")
def _to_run(boxes, k, runs, i, edge):  # type: ignore[no-untyped-def]
    """`_squared` of a box and a run, which is one voxel thick along z and y."""
    z = max(runs[i, 0] - boxes[k, 3], boxes[k, 0] - (runs[i, 0] + 1), 0.0) * edge[0]
    y = max(runs[i, 1] - boxes[k, 4], boxes[k, 1] - (runs[i, 1] + 1), 0.0) * edge[1]
    x = max(runs[i, 2] - boxes[k, 5], boxes[k, 2] - runs[i, 3], 0.0) * edge[2]
    return z * z + y * y + x * x
