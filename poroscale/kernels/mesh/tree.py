"""A tree of boxes over triangles, and the triangle nearest to a point.

The answer is a function of the point alone: the smallest computed distance of all triangles, and
of equal ones the first face. Boxes are passed over only where they are farther by more than
rounding, so that neither the start of a search nor its order can be seen in the result.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

LEAF = 4
ROUNDING = 1e-9
EXACT = 1.0 + ROUNDING
DEPTH = 64
"""Entries of the stack of a search: the tree is balanced, so that no mesh fills it."""


class Tree(NamedTuple):
    """Triangles in the order of the tree, and its boxes; the left child of node i is i + 1.

    Attributes
    ----------
    corners : ndarray of float64, shape (m, 3, 3)
        Corners (z, y, x) of the triangles; the last two are one for segments.
    face : ndarray of int64, shape (m,)
        Index of each triangle among the faces of the mesh.
    low, high : ndarray of float64, shape (k, 3)
        Boxes.
    right : ndarray of int64, shape (k,)
        Right child; 0 for a leaf.
    first, last : ndarray of int64, shape (k,)
        Triangles below the node.
    """

    corners: NDArray[np.float64]
    face: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    right: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def build_triangle_tree(corners: NDArray[np.float64]) -> Tree:
    """The tree over triangles (m, 3, 3)."""
    corners = np.ascontiguousarray(corners, np.float64)
    low, high = corners.min(axis=1), corners.max(axis=1)
    order, *nodes = _split(low, high)
    return Tree(np.ascontiguousarray(corners[order]), order, *nodes)


@njit(nogil=True, cache=True)
def _split(low, high):  # type: ignore[no-untyped-def]
    """Halve the triangles along the longest side of the box of their middles, down to leaves."""
    count = len(low)
    middle = 0.5 * (low + high)
    order = np.arange(count)
    size = max(1, 2 * count)
    box_low, box_high = np.full((size, 3), np.inf), np.full((size, 3), -np.inf)
    right, first, last = (
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
    )
    waiting = [(0, count, -1)]
    nodes = 0
    while len(waiting) > 0:
        start, stop, parent = waiting.pop()
        node = nodes
        nodes += 1
        if parent >= 0:
            right[parent] = node
        first[node], last[node] = start, stop
        widest, axis = -1.0, 0
        for a in range(3):
            least, most = np.inf, -np.inf
            for k in range(start, stop):
                i = order[k]
                box_low[node, a] = min(box_low[node, a], low[i, a])
                box_high[node, a] = max(box_high[node, a], high[i, a])
                least, most = min(least, middle[i, a]), max(most, middle[i, a])
            if most - least > widest:
                widest, axis = most - least, a
        if stop - start > LEAF:
            _sort(order[start:stop], middle[:, axis])
            half = (start + stop) // 2
            waiting.append((half, stop, node))
            waiting.append((start, half, -1))
    return order, box_low[:nodes], box_high[:nodes], right[:nodes], first[:nodes], last[:nodes]


@njit(nogil=True, cache=True)
def _sort(order, keys):  # type: ignore[no-untyped-def]
    """Sort some rows by their keys, in place."""
    rows = order.copy()
    own = np.empty(len(rows))
    for k in range(len(rows)):
        own[k] = keys[rows[k]]
    sorting = np.argsort(own)
    for k in range(len(rows)):  # an assignment of slices takes seconds longer to compile
        order[k] = rows[sorting[k]]


@njit(nogil=True, cache=True)
def nearest(tree, point, hint, limit, share, stack):  # type: ignore[no-untyped-def]
    """The triangle nearest to a point.

    Parameters
    ----------
    tree : Tree
    point : (float, float, float)
    hint : int
        A triangle that may be near, or -1; it saves time and changes nothing.
    limit : float
        Squared distance beyond which nothing is looked for.
    share : float
        Boxes are passed over whose squared distance exceeds this share of the best one found:
        `EXACT`, or less for a triangle that is nearly the nearest one.
    stack : ndarray of int64, shape (`DEPTH`,)
        Scratch.

    Returns
    -------
    row, squared distance, v, w
        The triangle, or -1, and its nearest point a + v (b - a) + w (c - a).
    """
    best, row, bv, bw = limit, -1, 0.0, 0.0
    if len(tree.corners) == 0:
        return row, best, bv, bw
    if hint >= 0:
        squared, v, w = closest(tree.corners[hint], point)
        if squared <= limit:
            best, row, bv, bw = squared, hint, v, w
    stack[0] = 0
    height = 1
    while height > 0:
        height -= 1
        node = stack[height]
        if _box(tree, node, point) > share * best + ROUNDING:
            continue
        if tree.right[node] == 0:
            for k in range(tree.first[node], tree.last[node]):
                squared, v, w = closest(tree.corners[k], point)
                earlier = row < 0 or tree.face[k] < tree.face[row]
                if squared < best or (squared == best and earlier):
                    best, row, bv, bw = squared, k, v, w
        else:
            height = _push(tree, node, point, stack, height)
    return row, best, bv, bw


@njit(nogil=True, cache=True)
def _push(tree, node, point, stack, height):  # type: ignore[no-untyped-def]
    """Put both children on the stack, the nearer one on top."""
    left, right = node + 1, tree.right[node]
    if _box(tree, left, point) < _box(tree, right, point):
        left, right = right, left
    stack[height], stack[height + 1] = left, right
    return height + 2


@njit(nogil=True, cache=True)
def _box(tree, node, point):  # type: ignore[no-untyped-def]
    total = 0.0
    for a in range(3):
        away = max(tree.low[node, a] - point[a], point[a] - tree.high[node, a], 0.0)
        total += away * away
    return total


@njit(nogil=True, cache=True, inline="always")
def dot(a, b):  # type: ignore[no-untyped-def]
    """Scalar product of two vectors (z, y, x)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(nogil=True, cache=True)
def closest(corners, point):  # type: ignore[no-untyped-def]
    """Squared distance of a triangle, and (v, w) of its nearest point a + v (b - a) + w (c - a).

    The regions of corners and edges are told apart as in Ericson, Real-Time Collision Detection
    (2005), section 5.1.5. v and w are exactly 0 or add up to 1 there.
    """
    a = (corners[0, 0] - point[0], corners[0, 1] - point[1], corners[0, 2] - point[2])
    b = (corners[1, 0] - point[0], corners[1, 1] - point[1], corners[1, 2] - point[2])
    c = (corners[2, 0] - point[0], corners[2, 1] - point[1], corners[2, 2] - point[2])
    ab = (b[0] - a[0], b[1] - a[1], b[2] - a[2])
    ac = (c[0] - a[0], c[1] - a[1], c[2] - a[2])
    d1, d2 = -dot(ab, a), -dot(ac, a)
    d3, d4 = -dot(ab, b), -dot(ac, b)
    d5, d6 = -dot(ab, c), -dot(ac, c)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    if d1 <= 0.0 and d2 <= 0.0:
        v, w = 0.0, 0.0
    elif d3 >= 0.0 and d4 <= d3:
        v, w = 1.0, 0.0
    elif d6 >= 0.0 and d5 <= d6:
        v, w = 0.0, 1.0
    elif vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        v, w = d1 / (d1 - d3), 0.0
    elif vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        v, w = 0.0, d2 / (d2 - d6)
    elif va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        v = 1.0 - w
    else:
        v, w = vb / (va + vb + vc), vc / (va + vb + vc)
    total = 0.0
    for k in range(3):
        total += (a[k] + v * ab[k] + w * ac[k]) ** 2
    return total, v, w


@njit(nogil=True, cache=True)
def point_of(tree, row, v, w):  # type: ignore[no-untyped-def]
    """The point a + v (b - a) + w (c - a) of a triangle."""
    t = tree.corners[row]
    return (
        t[0, 0] + v * (t[1, 0] - t[0, 0]) + w * (t[2, 0] - t[0, 0]),
        t[0, 1] + v * (t[1, 1] - t[0, 1]) + w * (t[2, 1] - t[0, 1]),
        t[0, 2] + v * (t[1, 2] - t[0, 2]) + w * (t[2, 2] - t[0, 2]),
    )


@njit(nogil=True, cache=True)
def feature_of(v, w):  # type: ignore[no-untyped-def]
    """Place of (v, w): 0 inside, 1-3 on the edge ab, bc, ca, 4-6 at the corner a, b, c."""
    if w == 0.0:
        if v == 0.0:
            return 4
        return 5 if v == 1.0 else 1
    if v == 0.0:
        return 6 if w == 1.0 else 3
    # An inner point can round to v + w = 1, but then it lies on the edge.
    return 2 if math.fabs(v + w - 1.0) == 0.0 else 0
