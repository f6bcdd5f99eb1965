"""Search for triangles of a mesh that cross each other or lie on each other.

Two triangles are apart, or only touch, exactly when some axis separates them: the normals of their
planes and the products of their edges; for triangles in one plane the normals of their edges in it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from poroscale.kernels.mesh.tree import DEPTH, dot


@njit(nogil=True, cache=True)
def crossing_faces(tree, tolerance, most):  # type: ignore[no-untyped-def]
    """Pairs of faces that have more in common than a point or an edge.

    Parameters
    ----------
    tree : Tree
        Tree over the faces.
    tolerance : float
        Overlap up to which triangles only touch.
    most : int
        So many pairs at most are looked for.

    Returns
    -------
    ndarray of int64, shape (n, 2)
    """
    found = np.empty((most, 2), np.int64)
    stack = np.empty(DEPTH, np.int64)
    count = 0
    for i in range(len(tree.face)):
        one = tree.corners[i]
        stack[0] = 0
        height = 1
        while height > 0:
            height -= 1
            node = stack[height]
            if tree.last[node] <= i or _apart(tree, node, one, tolerance):
                continue
            if tree.right[node] > 0:
                stack[height], stack[height + 1] = tree.right[node], node + 1
                height += 2
                continue
            for k in range(max(tree.first[node], i + 1), tree.last[node]):
                if _cross(one, tree.corners[k], tolerance):
                    found[count, 0], found[count, 1] = tree.face[i], tree.face[k]
                    count += 1
                    if count == most:
                        return found
    return found[:count]


@njit(nogil=True, cache=True)
def _apart(tree, node, one, tolerance):  # type: ignore[no-untyped-def]
    for a in range(3):
        low = min(one[0, a], one[1, a], one[2, a])
        high = max(one[0, a], one[1, a], one[2, a])
        if low > tree.high[node, a] + tolerance or high < tree.low[node, a] - tolerance:
            return True
    return False


@njit(nogil=True, cache=True)
def _cross(one, two, tolerance):  # type: ignore[no-untyped-def]
    first, second = _unit_normal(one), _unit_normal(two)
    if dot(first, first) == 0.0 or dot(second, second) == 0.0:
        return False  # a triangle without area encloses nothing
    in_plane = _flat(first, one, two, tolerance) or _flat(second, one, two, tolerance)
    if not in_plane and (
        _separates(first, one, two, tolerance) or _separates(second, one, two, tolerance)
    ):
        return False
    for i in range(3):
        edge = _edge(one, i)
        if in_plane:
            if _separates(_unit(_cross_product(first, edge)), one, two, tolerance):
                return False
            if _separates(_unit(_cross_product(first, _edge(two, i))), one, two, tolerance):
                return False
            continue
        for k in range(3):
            axis = _cross_product(edge, _edge(two, k))
            if dot(axis, axis) > 1e-16 and _separates(_unit(axis), one, two, tolerance):
                return False
    return True


@njit(nogil=True, cache=True)
def _flat(axis, one, two, tolerance):  # type: ignore[no-untyped-def]
    """True if both triangles lie in one plane across the axis."""
    low, high = np.inf, -np.inf
    for i in range(3):
        a, b = dot(axis, one[i]), dot(axis, two[i])
        low, high = min(low, a, b), max(high, a, b)
    return high - low <= tolerance


@njit(nogil=True, cache=True)
def _separates(axis, one, two, tolerance):  # type: ignore[no-untyped-def]
    a_low, a_high, b_low, b_high = np.inf, -np.inf, np.inf, -np.inf
    for i in range(3):
        a, b = dot(axis, one[i]), dot(axis, two[i])
        a_low, a_high = min(a_low, a), max(a_high, a)
        b_low, b_high = min(b_low, b), max(b_high, b)
    return a_high <= b_low + tolerance or b_high <= a_low + tolerance


@njit(nogil=True, cache=True)
def _edge(t, i):  # type: ignore[no-untyped-def]
    """Unit vector along an edge."""
    j = (i + 1) % 3
    return _unit((t[j, 0] - t[i, 0], t[j, 1] - t[i, 1], t[j, 2] - t[i, 2]))


@njit(nogil=True, cache=True)
def _unit_normal(t):  # type: ignore[no-untyped-def]
    return _unit(_cross_product(_edge(t, 0), _edge(t, 1)))


@njit(nogil=True, cache=True)
def _unit(a):  # type: ignore[no-untyped-def]
    length = np.sqrt(dot(a, a))
    if length < 1e-12:
        return (0.0, 0.0, 0.0)
    return (a[0] / length, a[1] / length, a[2] / length)


@njit(nogil=True, cache=True)
def _cross_product(a, b):  # type: ignore[no-untyped-def]
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )
