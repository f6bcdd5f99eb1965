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

LEAF = 8
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
    runs: Runs,
    *,
    owners: Labels,
    best: NDArray[np.float64],
    voxel_size: tuple[float, float, float],
) -> None:
    """Lower `best[owner]` to the squared distance from a body's runs to another body's in `tree`.

    Parameters
    ----------
    runs, owners
        (m, 4) and (m,): the asking bodies' runs; an owner indexes `best`.
    best
        float64, changed in place: squared distances [um2].
    voxel_size
        Edges of a voxel (z, y, x) [um].
    """
    if len(runs):
        _ask_runs(tree, runs, owners, best, np.array(voxel_size))


def nearest_of_points(
    tree: RunTree,
    points: NDArray[np.float64],
    *,
    best: NDArray[np.float64],
    voxel_size: tuple[float, float, float],
) -> None:
    """Lower `best[i]` to the squared distance from point i to the nearest box in `tree`.

    Parameters
    ----------
    points
        (m, 3) positions (z, y, x) in voxels from the volume's corner: voxel i spans i to i + 1.
    best
        (m,) float64, changed in place: squared distances [um2].
    """
    if len(points):
        _ask_points(tree, np.ascontiguousarray(points), best, np.array(voxel_size))


def box_distances(
    low: NDArray[np.int64],
    high: NDArray[np.int64],
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
    code = np.zeros(len(runs), np.uint64)
    for axis, shift in zip(range(3), (2, 1, 0), strict=True):
        code |= _spread((middle[:, axis] - middle[:, axis].min()).astype(np.uint64)) << np.uint64(
            shift
        )
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


@njit(nogil=True, cache=True, inline="always")
def _squared(a0, a1, a2, b0, b1, b2, c0, c1, c2, d0, d1, d2, edge):  # type: ignore[no-untyped-def]
    """Squared distance of box a..b (low, high) to box c..d."""
    z = max(c0 - b0, a0 - d0, 0.0) * edge[0]
    y = max(c1 - b1, a1 - d1, 0.0) * edge[1]
    x = max(c2 - b2, a2 - d2, 0.0) * edge[2]
    return z * z + y * y + x * x


@njit(nogil=True, cache=True)
def _search(tree, low, high, own, best, edge, stack):  # type: ignore[no-untyped-def]
    """Squared distance of the box to the nearest run that is not `own`'s, or `best` if nearer."""
    leaves = tree.boxes.shape[0] // 2
    stack[0] = 1
    top = 1
    while top > 0:
        top -= 1
        node = stack[top]
        if _to_node(tree, node, low, high, own, edge) >= best:
            continue
        if node >= leaves:
            best = _in_leaf(tree, node - leaves, low, high, own, best, edge)
            continue
        a, b = 2 * node, 2 * node + 1
        if _to_node(tree, a, low, high, own, edge) < _to_node(tree, b, low, high, own, edge):
            a, b = b, a
        stack[top], stack[top + 1] = a, b
        top += 2
    return best


@njit(nogil=True, cache=True)
def _to_node(tree, node, low, high, own, edge):  # type: ignore[no-untyped-def]
    if tree.span[node, 0] >= tree.span[node, 1] and (
        tree.span[node, 0] > tree.span[node, 1] or tree.span[node, 0] == own
    ):
        return np.inf
    b = tree.boxes[node]
    return _squared(
        low[0], low[1], low[2], high[0], high[1], high[2], b[0], b[1], b[2], b[3], b[4], b[5], edge
    )


@njit(nogil=True, cache=True)
def _in_leaf(tree, leaf, low, high, own, best, edge):  # type: ignore[no-untyped-def]
    for i in range(leaf * LEAF, min((leaf + 1) * LEAF, tree.runs.shape[0])):
        if tree.owners[i] == own:
            continue
        z, y, x0, x1 = tree.runs[i]
        distance = _squared(
            low[0], low[1], low[2], high[0], high[1], high[2], z, y, x0, z + 1, y + 1, x1, edge
        )
        best = min(best, distance)
    return best


@njit(nogil=True, cache=True)
def _ask_runs(tree, runs, owners, best, edge):  # type: ignore[no-untyped-def]
    stack = np.empty(128, np.int64)
    low, high = np.empty(3), np.empty(3)
    for i in range(runs.shape[0]):
        own = owners[i]
        if best[own] == 0:
            continue
        z, y, x0, x1 = runs[i]
        low[0], low[1], low[2] = z, y, x0
        high[0], high[1], high[2] = z + 1, y + 1, x1
        best[own] = _search(tree, low, high, own, best[own], edge, stack)


@njit(nogil=True, cache=True)
def _ask_points(tree, points, best, edge):  # type: ignore[no-untyped-def]
    stack = np.empty(128, np.int64)
    nobody = np.uint32(0xFFFFFFFF)
    for i in range(points.shape[0]):
        best[i] = _search(tree, points[i], points[i], nobody, best[i], edge, stack)
