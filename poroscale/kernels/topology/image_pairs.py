"""Persistence pairs of an image: all of its diagram (H0 and H1) in two sweeps over sorted pixels.

A pixel that is added joins those of its eight neighbours that are there. Neighbours that touch
each other are one component already, so a table from the eight bits says with which few of them
the pixel must be joined: mostly one. The sweep from above over the rest of the image has the
opposite bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
"""Neighbours of a pixel (y, x) in turn; the odd ones share an edge with it."""


def image_pairs(keys: NDArray[Any], *, wide: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Components and holes of the sub-level sets of an image.

    Parameters
    ----------
    keys
        (ny, nx) integers as `order_keys` gives them.
    wide
        True: 8 neighbours in the sets, 4 in the rest; False: the reverse.

    Returns
    -------
    components, holes
        int64 (2, p) and (2, q): keys of birth and death, no two equal.
    """
    components, _, holes, _ = pairs_of_images(keys[None], wide=wide)
    return components, holes


def pairs_of_images(
    keys: NDArray[Any], *, wide: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Components and holes of many images of one shape.

    Parameters
    ----------
    keys
        (n, ny, nx) integers as `order_keys` gives them.
    wide
        As of `image_pairs`.

    Returns
    -------
    components, component_counts, holes, hole_counts
        int64 (2, p), the pairs of all images one after the other, and int64 (n,), how many there
        are of each; the same of holes.
    """
    n, _, nx = keys.shape
    flat = keys.reshape(n, -1)
    # numpy sorts small integers by counting, if the order of equal ones is to be kept
    order = np.argsort(flat, axis=1, kind="stable" if keys.itemsize <= 2 else None)
    steps = np.array([y * (nx + 2) + x for y, x in RING])
    low, high = (JOINED_8, JOINED_4) if wide else (JOINED_4, JOINED_8)
    components = np.empty((2, keys.size), np.int64)
    holes, counts = np.empty((2, keys.size), np.int64), np.empty((2, n), np.int64)
    found = _sweep_all(keys, order, steps, low, high, components, holes, counts)
    return components[:, : found[0]].copy(), counts[0], holes[:, : found[1]].copy(), counts[1]


def _joined(*, wide: bool) -> NDArray[np.int8]:
    """(256, 5) for each set of neighbours: how many to join, and which of them (-1: none)."""
    table = np.full((256, 5), -1, np.int8)
    for bits in range(256):
        there = [i for i in range(8) if bits >> i & 1]
        chosen: list[int] = []
        while there:
            group = _touching(there, wide=wide)
            edges = [i for i in group if i % 2]
            if wide or edges:
                chosen.append(edges[0] if edges else group[0])
            there = [i for i in there if i not in group]
        table[bits, 0] = len(chosen)
        table[bits, 1 : 1 + len(chosen)] = chosen
    return table


def _touching(there: list[int], *, wide: bool) -> list[int]:
    """The first of some neighbours and those that are joined to it around the ring."""
    group, grown = [there[0]], True
    while grown:
        grown = False
        for i in there:
            if i not in group and any(_touch(i, j, wide=wide) for j in group):
                group.append(i)
                grown = True
    return sorted(group)


def _touch(i: int, j: int, *, wide: bool) -> bool:
    (a, b), (c, d) = RING[i], RING[j]
    steps = abs(a - c), abs(b - d)
    return max(steps) == 1 if wide else sum(steps) == 1


JOINED_8, JOINED_4 = _joined(wide=True), _joined(wide=False)


@njit(nogil=True, cache=True)
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(nogil=True, cache=True)
def _sweep_all(keys, orders, steps, low, high, components, holes, counts):  # type: ignore[no-untyped-def]
    n, ny, nx = keys.shape
    framed = np.zeros((ny + 2, nx + 2), keys.dtype)
    flat = framed.reshape(-1)
    parent, bits = np.empty(flat.size, np.int32), np.zeros(flat.size, np.uint8)
    order = np.empty(ny * nx, np.int64)
    ends, closed = 0, 0
    for i in range(n):
        framed[1:-1, 1:-1] = keys[i]
        parent[:] = 0  # the frame: one component, which is node 0
        for k in range(order.size):
            order[k] = orders[i, k] + orders[i, k] // nx * 2 + nx + 3  # its place in the frame
            parent[order[k]] = order[k]
        counts[0, i] = _sweep_up(flat, order, steps, low, parent, components[:, ends:], bits)
        parent[order] = order
        counts[1, i] = _sweep_down(flat, order, steps, high, parent, holes[:, closed:], bits)
        ends += counts[0, i]
        closed += counts[1, i]
    return ends, closed


@njit(nogil=True, cache=True)
def _sweep_up(flat, order, steps, joined, parent, pairs, bits):  # type: ignore[no-untyped-def]
    """Components from the lowest pixel on; `bits` get the neighbours that were there."""
    count = 0
    there = np.zeros(flat.size, np.uint8)
    for here in order:
        seen = 0
        for i in range(8):
            seen |= there[here + steps[i]] << i
        bits[here], there[here] = seen, 1
        root = here
        for k in range(joined[seen, 0]):
            other = _root(parent, here + steps[joined[seen, 1 + k]])
            if other == root:
                continue
            if flat[other] > flat[root]:  # `other` is the older one
                other, root = root, other
            if flat[root] < flat[here]:
                pairs[0, count], pairs[1, count] = flat[root], flat[here]
                count += 1
            parent[root] = other
            root = other
    return count


@njit(nogil=True, cache=True)
def _sweep_down(flat, order, steps, joined, parent, pairs, bits):  # type: ignore[no-untyped-def]
    """Components of the rest from the highest pixel on; the frame, node 0, never ends."""
    count = 0
    for place in range(order.size - 1, -1, -1):
        here = order[place]
        absent = 255 - bits[here]
        root = here
        for k in range(joined[absent, 0]):
            other = _root(parent, here + steps[joined[absent, 1 + k]])
            if other == root:
                continue
            if root == 0 or (other != 0 and flat[other] < flat[root]):
                other, root = root, other
            if flat[root] > flat[here]:
                pairs[0, count], pairs[1, count] = flat[here], flat[root]
                count += 1
            parent[root] = other
            root = other
    return count
