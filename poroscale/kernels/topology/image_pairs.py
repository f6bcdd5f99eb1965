"""Persistence pairs of an image: all of its diagram (H0 and H1) in two sweeps over its saddles.

Eight bits say which neighbours of a pixel are lower. Neighbours that touch each other belong to one
component before the pixel comes, so a table from the bits says how many components meet there. At
none the pixel is a minimum; at one it belongs to what its neighbour belongs to; the others are
saddles, and only they are sorted and joined. The sweep from above has the opposite bits.
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
    n = len(keys)
    low, high = (JOINED_8, JOINED_4) if wide else (JOINED_4, JOINED_8)
    components = np.empty((2, keys.size), np.int64)
    holes, counts = np.empty((2, keys.size), np.int64), np.empty((2, n), np.int64)
    found = _sweep_all(keys, low, high, components, holes, counts)
    return components[:, : found[0]].copy(), counts[0], holes[:, : found[1]].copy(), counts[1]


def hole_places(
    keys: NDArray[Any], *, wide: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where the holes of many images are born and closed: pixels that a gradient can go to.

    Parameters
    ----------
    keys
        (n, ny, nx) integers as `order_keys` gives them.
    wide
        As of `image_pairs`.

    Returns
    -------
    births, deaths, counts
        int64 (p,): the saddle that makes a hole of a basin's rest, and the highest pixel in it, as
        places in the flat stack; and int64 (n,), how many holes each image has.
    """
    n, ny, nx = keys.shape
    places, counts = np.empty((4, keys.size), np.int64), np.empty(n, np.int64)
    found = _sweep_holes(keys, JOINED_4 if wide else JOINED_8, places, counts)
    y, x = np.divmod(places[2:, :found], nx + 2)
    image = np.repeat(np.arange(n), counts)
    deaths, births = (image * ny + y - 1) * nx + x - 1
    return births, deaths, counts


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
def _sweep_all(keys, low, high, components, holes, counts):  # type: ignore[no-untyped-def]
    n, ny, nx = keys.shape
    framed = np.zeros((ny + 2, nx + 2), keys.dtype)
    bits = np.zeros((ny + 2, nx + 2), np.uint8)
    parent = np.empty(framed.size, np.int32)
    ends, closed = 0, 0
    for i in range(n):
        framed[1:-1, 1:-1] = keys[i]
        _find_lower(framed, bits)
        found = _sweep(framed, bits, 0, low, parent, components[:, ends:])
        counts[0, i], ends = found, ends + found
        found = _sweep(framed, bits, 255, high, parent, holes[:, closed:])
        counts[1, i], closed = found, closed + found
    return ends, closed


@njit(nogil=True, cache=True)
def _sweep_holes(keys, high, places, counts):  # type: ignore[no-untyped-def]
    n, ny, nx = keys.shape
    framed = np.zeros((ny + 2, nx + 2), keys.dtype)
    bits = np.zeros((ny + 2, nx + 2), np.uint8)
    parent = np.empty(framed.size, np.int32)
    closed = 0
    for i in range(n):
        framed[1:-1, 1:-1] = keys[i]
        _find_lower(framed, bits)
        counts[i] = _sweep(framed, bits, 255, high, parent, places[:, closed:])
        closed += counts[i]
    return closed


@njit(nogil=True, cache=True)
def _find_lower(framed, bits):  # type: ignore[no-untyped-def]
    """Bit i of a pixel: its i-th neighbour is lower; of equal ones, the earlier in memory is."""
    ny, nx = framed.shape[0] - 2, framed.shape[1] - 2
    for y in range(1, ny + 1):
        above, here, below = framed[y - 1], framed[y], framed[y + 1]
        row = bits[y]
        for x in range(1, nx + 1):
            key = here[x]
            seen = (above[x - 1] <= key) | (above[x] <= key) << 1 | (above[x + 1] <= key) << 2
            seen |= (here[x + 1] < key) << 3 | (below[x + 1] < key) << 4 | (below[x] < key) << 5
            row[x] = seen | (below[x - 1] < key) << 6 | (here[x - 1] <= key) << 7
        row[1] &= 0b00111110  # the frame is never lower
        row[nx] &= 0b11100011
    for x in range(1, nx + 1):
        bits[1, x] &= 0b11111000
        bits[ny, x] &= 0b10001111


@njit(nogil=True, cache=True)
def _sweep(framed, bits, flip, joined, parent, pairs):  # type: ignore[no-untyped-def]
    """Components from below (flip 0), or of the rest from above (255), which the frame outlives.

    If `pairs` has four rows, the last two get the places of the extremum and of the saddle.
    """
    width = framed.shape[1]
    flat, seen = framed.reshape(-1), bits.reshape(-1)
    steps = np.array((-width - 1, -width, 1 - width, 1, width + 1, width, width - 1, -1))
    saddles = np.empty(flat.size, np.int32)
    many = 0
    parent[:] = 0
    for y in range(1, framed.shape[0] - 1):
        for here in range(y * width + 1, y * width + width - 1):
            lower = seen[here] ^ flip
            groups = joined[lower, 0]
            parent[here] = here if groups == 0 else here + steps[joined[lower, 1]]
            if groups > 1:
                saddles[many] = here
                many += 1
    _point_to_root(parent, width)
    order = _by_level(flat, saddles[:many])
    count = 0
    for k in range(many):
        here = saddles[order[k] if flip == 0 else order[many - 1 - k]]
        lower = seen[here] ^ flip
        root = _root(parent, here)
        for i in range(2, joined[lower, 0] + 1):
            other = _root(parent, here + steps[joined[lower, i]])
            if other == root:
                continue
            if flip == 0:
                older = flat[other] > flat[root]
            else:
                older = root == 0 or (other != 0 and flat[other] < flat[root])
            if older:  # `root` is, and the other one ends
                other, root = root, other
            if flat[root] != flat[here]:
                pairs[0, count] = min(flat[root], flat[here])
                pairs[1, count] = max(flat[root], flat[here])
                if pairs.shape[0] == 4:
                    pairs[2, count] = root
                    pairs[3, count] = here
                count += 1
            parent[root] = other
            root = other
    return count


@njit(nogil=True, cache=True)
def _by_level(flat, saddles):  # type: ignore[no-untyped-def]
    """Order of rising levels, of equal ones by place: counted byte by byte, the lowest first.

    Numba takes seconds to compile a sort.
    """
    order, sorted_ = np.arange(saddles.size), np.empty(saddles.size, np.int64)
    starts, last = np.empty(257, np.int64), flat.itemsize - 1
    for byte in range(flat.itemsize):
        # Keys of four and of eight bytes are signed: negative ones come first.
        sign = 128 if byte == last and last > 1 else 0
        starts[:] = 0
        for here in saddles:
            starts[(np.int64(flat[here]) >> 8 * byte & 255 ^ sign) + 1] += 1
        for k in range(256):
            starts[k + 1] += starts[k]
        for i in order:
            level = np.int64(flat[saddles[i]]) >> 8 * byte & 255 ^ sign
            sorted_[starts[level]] = i
            starts[level] += 1
        order, sorted_ = sorted_, order
    return order


@njit(nogil=True, cache=True)
def _point_to_root(parent, width):  # type: ignore[no-untyped-def]
    for i in range(width, parent.size):
        root = parent[i]
        while parent[root] != root:
            root = parent[root]
        here = i
        while parent[here] != root:
            following = parent[here]
            parent[here] = root
            here = following


@njit(nogil=True, cache=True)
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i
