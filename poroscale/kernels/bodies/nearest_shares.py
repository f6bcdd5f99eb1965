"""Shares of pore, added up for the labels that they lie nearest to.

A *key* is one number for a squared distance and a label: the distance in its upper 8 bits, the
rank of the label among those of the block in the lower 24. The smaller of two keys is the nearer
one, and of two equally near ones that of the smaller label. So the nearest label of every voxel is
a minimum of keys, taken along x, then along y, then along z; squares of distances add up over the
axes. Planes of keys are made as the sums advance along z, and are kept as long as a later plane
asks for them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.bodies.runs_of_labels import Labels
from poroscale.kernels.grey.partial_volume import OUTSIDE_SHARE, trimmed

BITS = 24
"""Of a rank in a key."""
WIDEST = 11
"""Greatest radius [voxels]: 128 and a square of this stay below 256."""
_NONE = 128 << BITS
"""The key of no label."""
BESIDE = 3
"""Greatest squared distance to a label of the 26 voxels around it."""
SUMS = ("share", "beside", "beside_z", "beside_y", "beside_x")
"""Sums for each label: its shares; those of its own voxels and the voxels beside them,
alone and times the index along each axis. The noise of a voxel moves a centroid by its distance, so
what lies farther than that takes more from a centroid than it gives."""


class Reach(NamedTuple):
    """Reach within which shares are given to a label.

    Attributes
    ----------
    squared
        Greatest squared distance between voxel centres.
    width
        Voxels of neighbourhood that this takes.
    """

    squared: int
    width: int

    @classmethod
    def of(cls, radius: float) -> Reach:
        """Voxels within `radius`, compared in single precision as `distance_to` measures.

        Raises
        ------
        ValueError
            If the radius is not between 0 and `WIDEST`.
        """
        if not 0 <= radius <= WIDEST:
            raise ValueError(f"radius must be between 0 and {WIDEST} voxels, got {radius:g}")
        squares = np.arange((int(radius) + 1) ** 2 + 1)
        near = np.sqrt(squares.astype(np.float32)) <= np.float32(radius)
        squared = int(squares[near].max())
        return cls(squared, int(np.sqrt(squared)))


def share_sums(
    labels: Labels,
    shares: NDArray[np.int8],
    *,
    reach: Reach,
    origin: tuple[int, int, int] = (0, 0, 0),
) -> tuple[Labels, NDArray[np.int64]]:
    """Sums of the shares in a block by the nearest label.

    A voxel gives its share to the label that it has; without one, to the nearest labelled voxel
    within reach, and to the smallest label of several that are equally near. The outside gives
    nothing.

    Parameters
    ----------
    labels
        uint32 (z, y, x) with `reach.width` voxels around the block; 0 is background.
    shares
        int8 of the same shape, hundredths of a voxel; -128 outside.
    reach
        Reach of a label.
    origin
        Index of the block's first voxel, the halo not counted.

    Returns
    -------
    present
        uint32 (k,): labels that were given something, sorted.
    sums
        int64 (k, 5): columns `SUMS`, in hundredths. They add up over the blocks of a volume.

    Raises
    ------
    ValueError
        If the block holds more labels than a key can tell.
    """
    labels = np.ascontiguousarray(labels, np.uint32)
    filled = np.zeros(labels.shape[:2], np.bool_)
    corners = np.empty(_count_corners(labels, filled), np.uint32)
    _find_corners(labels, filled, corners)
    present = np.unique(corners)
    del corners
    if len(present) > 1 << BITS:
        raise ValueError(f"block must hold at most {1 << BITS:,} pores, got {len(present):,}")
    sums = np.zeros((len(present), len(SUMS)), np.int64)
    if len(present):
        given = np.ascontiguousarray(trimmed(shares, reach.width), np.int8)
        place = np.array(origin, np.int64)
        _add_up((labels, filled, present), given, tuple(reach), place, sums)
    some = sums.any(axis=1)
    return present[some], sums[some]


@njit(nogil=True, cache=True)
def _count_corners(labels, filled):  # type: ignore[no-untyped-def]
    """The number of corners; rows along x that have a label are marked in `filled`."""
    corners = 0
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            some = np.uint32(0)
            for x in range(labels.shape[2]):
                some |= labels[z, y, x]
            if some == 0:
                continue
            filled[z, y] = True
            for x in range(labels.shape[2]):
                if labels[z, y, x] and _is_corner(labels, z, y, x):
                    corners += 1
    return corners


@njit(nogil=True, cache=True)
def _is_corner(labels, z, y, x):  # type: ignore[no-untyped-def]
    """True if the three neighbours before a voxel have other labels; each label has a corner."""
    label = labels[z, y, x]
    if x > 0 and labels[z, y, x - 1] == label:
        return False
    if y > 0 and labels[z, y - 1, x] == label:
        return False
    return not (z > 0 and labels[z - 1, y, x] == label)


@njit(nogil=True, cache=True)
def _find_corners(labels, filled, corners):  # type: ignore[no-untyped-def]
    """The labels of the corners, each as often as it has one."""
    k = 0
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            if not filled[z, y]:
                continue
            for x in range(labels.shape[2]):
                if labels[z, y, x] and _is_corner(labels, z, y, x):
                    corners[k] = labels[z, y, x]
                    k += 1


@njit(nogil=True, cache=True)
def _add_up(block, shares, reach, origin, sums):  # type: ignore[no-untyped-def]
    """Sums by nearest label, plane by plane."""
    labels, filled, present = block
    squared, width = reach
    depth, height, across = shares.shape
    planes = 2 * width + 1
    keys = np.empty((planes, height, across), np.uint32)
    live = np.zeros((planes, height), np.bool_)
    ranks = np.empty(labels.shape[2], np.uint32)
    rows = np.empty((labels.shape[1], across), np.uint32)
    best = np.empty(across, np.uint32)
    for v in range(depth + 2 * width):
        for y in range(labels.shape[1]):
            if filled[v, y]:
                _rank(labels[v, y], present, ranks)
                _lower_all(rows[y], ranks, width)
        _keys_of_plane(rows, filled[v], keys[v % planes], live[v % planes])
        z = v - 2 * width
        if z < 0:
            continue
        for y in range(height):
            first, stop = _span(shares[z, y])
            if first == stop:
                continue
            best[first:stop] = _NONE
            for k in range(planes):
                at = (z + k) % planes
                if live[at, y]:
                    _lower(best[first:stop], keys[at, y, first:stop], (k - width) ** 2)
            start = (origin[0] + z, origin[1] + y, origin[2] + first)
            _add_row(shares[z, y, first:stop], best[first:stop], squared, start, sums)


@njit(nogil=True, cache=True)
def _rank(labels, present, ranks):  # type: ignore[no-untyped-def]
    """Keys of the labels of a row at distance 0."""
    last, rank = np.uint32(0), np.uint32(_NONE)
    for x in range(len(labels)):
        if labels[x] == 0:
            ranks[x] = _NONE
            continue
        if labels[x] != last:
            last = labels[x]
            rank = np.uint32(np.searchsorted(present, last))
        ranks[x] = rank


@njit(nogil=True, cache=True)
def _lower_all(best, keys, width):  # type: ignore[no-untyped-def]
    """Least keys within `width` voxels along a row; `keys` is longer by that on both sides."""
    best[:] = _NONE
    for k in range(2 * width + 1):
        _lower(best, keys[k : k + len(best)], (k - width) ** 2)


@njit(nogil=True, cache=True)
def _keys_of_plane(rows, filled, keys, live):  # type: ignore[no-untyped-def]
    """Least keys along y from those along x; a row that nothing is near is not live."""
    width = (len(rows) - len(keys)) // 2
    for y in range(len(keys)):
        live[y] = filled[y : y + 2 * width + 1].any()
        if live[y]:
            keys[y] = _NONE
            for k in range(2 * width + 1):
                if filled[y + k]:
                    _lower(keys[y], rows[y + k], (k - width) ** 2)


@njit(nogil=True, cache=True)
def _lower(best, keys, squared):  # type: ignore[no-untyped-def]
    """The lesser of keys so far and those of a row at a squared distance."""
    more = np.uint32(squared << BITS)
    for x in range(len(best)):
        key = np.uint32(keys[x] + more)
        best[x] = key if key < best[x] else best[x]


@njit(nogil=True, cache=True)
def _span(shares):  # type: ignore[no-untyped-def]
    """First and one past the last voxel of a row that gives something."""
    first, stop = 0, len(shares)
    while first < stop and shares[first] in (0, OUTSIDE_SHARE):
        first += 1
    while stop > first and shares[stop - 1] in (0, OUTSIDE_SHARE):
        stop -= 1
    return first, stop


@njit(nogil=True, cache=True)
def _add_row(shares, best, squared, start, sums):  # type: ignore[no-untyped-def]
    """The shares of a row, whose first voxel is `start`, to the labels of their keys."""
    z, y, x0 = start
    for x in range(len(shares)):
        share = np.int64(shares[x])
        distance = best[x] >> BITS
        if share in (0, OUTSIDE_SHARE) or distance > squared:
            continue
        row = best[x] & ((1 << BITS) - 1)
        sums[row, 0] += share
        if distance <= BESIDE:
            sums[row, 1] += share
            sums[row, 2] += share * z
            sums[row, 3] += share * y
            sums[row, 4] += share * (x0 + x)
