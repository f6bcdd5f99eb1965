"""Counts of the 2 x 2 x 2 cells of a block, from which all measures of interfaces follow.

A cell is eight voxels that share a corner. A block owns the cell of each of its voxels: the voxel
is the first corner, and the other seven lie one step on. Every pair of neighbours, every square of
four voxels and every cell of the lattice then belongs to exactly one block, so that counts of
disjoint blocks add up to the counts of the volume.

Most cells hold one phase. They are skipped eight at a time. A cell of two phases adds one to a
table by its two phases and its pattern, and everything else is derived from that table. Only cells
of more phases, and cells that leave the part, are looked at corner by corner.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.phases.cell_tables import PAIRS, SQUARES

OUTSIDE, BEYOND = 255, 253
"""Codes of voxels that are not part, and that are not in the volume."""

Codes = NDArray[np.uint8]
CellCounts = dict[str, NDArray[np.int64]]


def count_cells(
    codes: Codes, phases: int, *, starts: tuple[bool, bool, bool] = (False, False, False)
) -> CellCounts:
    """Counts of the cells of a block.

    Parameters
    ----------
    codes
        uint8 (z + 2, y + 2, x + 2): codes of the block with one voxel around it, below `phases`,
        `OUTSIDE` or `BEYOND`.
    phases
        Number of phases, P.
    starts
        Whether the block is the first along z, y, x. It then also owns the cells that begin before
        its first voxel.

    Returns
    -------
    dict of int64 arrays
        whole (P,)
            Cells of one phase.
        two (P, P, 256)
            Cells of two phases, none of them outside: by the phase of the first corner, the other
            phase, and the pattern of the first.
        patterns (P, 256)
            All other cells, by the pattern of each phase that they hold.
        contacts (13, P + 1, P + 1)
            In those other cells, pairs of neighbours by direction and phases, the lower code first;
            P stands for voxels that are not part.
        triple (3,)
            Edges of voxels along z, y, x at which three phases or more meet.
        triple_turns (9,)
            Corners of voxels that exactly two of those edges share: straight along z, y, x, and
            bent in zy, zx, yx. Then the ends of edges along z, y, x at all other corners.
    """
    codes = np.ascontiguousarray(codes)
    counts = {
        "whole": np.zeros(phases, np.int64),
        "two": np.zeros((phases, phases, 256), np.int64),
        "patterns": np.zeros((phases, 256), np.int64),
        "contacts": np.zeros((len(PAIRS), phases + 1, phases + 1), np.int64),
        "triple": np.zeros(3, np.int64),
        "triple_turns": np.zeros(9, np.int64),
    }
    words = np.zeros(codes.shape[2] // 8 + 2, np.uint64)
    first = tuple(0 if start else 1 for start in starts)
    _count(codes, first, phases, words, words.view(np.uint8), PAIRS, SQUARES, *counts.values())
    return counts


@njit(nogil=True, cache=True)
def _mark_mixed(a, b, c, e, mixed):  # type: ignore[no-untyped-def]
    """Nonzero where the cell from four rows is not of one code; loops that vectorise."""
    n = a.size
    for x in range(n):
        mixed[x] = (a[x] ^ b[x]) | (a[x] ^ c[x]) | (a[x] ^ e[x])
    for x in range(n - 1):
        mixed[x] = mixed[x] | mixed[x + 1] | (a[x] ^ a[x + 1])


@njit(nogil=True, cache=True)
def _count(  # type: ignore[no-untyped-def]
    codes,
    first,
    phases,
    words,
    mixed,
    pairs,
    squares,
    whole,
    two,
    patterns,
    contacts,
    triple,
    turns,
):
    nz, ny, nx = codes.shape
    corner = np.empty(8, np.uint8)
    for z in range(first[0], nz - 1):
        for y in range(first[1], ny - 1):
            a, b = codes[z, y], codes[z, y + 1]
            c, e = codes[z + 1, y], codes[z + 1, y + 1]
            _mark_mixed(a, b, c, e, mixed)
            begun = x = first[2]
            while x < nx - 1:
                if words[x >> 3] == 0:
                    x = (x | 7) + 1
                    continue
                if mixed[x] == 0:
                    x += 1
                    continue
                if x > begun and a[begun] < phases:
                    whole[a[begun]] += x - begun
                corner[0], corner[1], corner[2], corner[3] = a[x], a[x + 1], b[x], b[x + 1]
                corner[4], corner[5], corner[6], corner[7] = c[x], c[x + 1], e[x], e[x + 1]
                if not _add_two(corner, phases, two):
                    _add_other(corner, phases, pairs, squares, patterns, contacts, triple, turns)
                x += 1
                begun = x
            if nx - 1 > begun and a[begun] < phases:
                whole[a[begun]] += nx - 1 - begun


_ONES = np.uint64(0x0101010101010101)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_GATHER = np.uint64(0x0102040810204080)
_SHIFTS = np.arange(0, 64, 8, dtype=np.uint64)


@njit(nogil=True, cache=True)
def _add_two(corner, phases, two):  # type: ignore[no-untyped-def]
    """Count a cell of two phases; False if it is none.

    The eight codes are compared as the bytes of one word, without a branch for each.
    """
    here, word = corner[0], np.uint64(0)
    for k in range(8):
        word |= np.uint64(corner[k]) << np.uint64(8 * k)
    differs = word ^ (_ONES * np.uint64(here))
    other_bytes = (((differs & _LOW) + _LOW | differs) >> np.uint64(7)) & _ONES
    place = 1
    while not (other_bytes >> _SHIFTS[place]) & np.uint64(1):
        place += 1
    other = corner[place]
    if differs != other_bytes * np.uint64(here ^ other) or here >= phases or other >= phases:
        return False
    pattern = ((other_bytes ^ _ONES) * _GATHER) >> np.uint64(56)
    two[here, other, pattern] += 1
    return True


@njit(nogil=True, cache=True)
def _add_other(  # type: ignore[no-untyped-def]
    corner, phases, pairs, squares, patterns, contacts, triple, turns
):
    """Count a cell of three phases or more, or one that leaves the part."""
    seen = 0
    for k in range(8):
        code = corner[k]
        if code >= phases:
            continue
        pattern, is_first = 0, True
        for m in range(8):
            if corner[m] == code:
                pattern |= 1 << m
                is_first = is_first and m >= k
        if is_first:
            patterns[code, pattern] += 1
            seen += 1
    for i in range(pairs.shape[0]):
        low, high = corner[pairs[i, 0]], corner[pairs[i, 1]]
        if low == 253 or high == 253:
            continue
        low, high = min(low, phases), min(high, phases)
        contacts[i, min(low, high), max(low, high)] += 1
    if seen >= 3:
        _add_triple(corner, phases, squares, triple, turns)


@njit(nogil=True, cache=True)
def _add_triple(corner, phases, squares, triple, turns):  # type: ignore[no-untyped-def]
    """Count the edges at which three phases meet, and how they go on from edge to edge."""
    meets = np.zeros(6, np.uint8)
    count = 0
    for i in range(6):
        kinds = 0
        for k in range(4):
            code = corner[squares[i, k]]
            new = code < phases
            for m in range(k):
                new = new and corner[squares[i, m]] != code
            kinds += new
        if kinds >= 3:
            meets[i] = 1
            count += 1
            if i % 2 == 0:
                triple[i // 2] += 1
    if count != 2:
        for i in range(6):
            turns[6 + i // 2] += meets[i]
        return
    one, another = -1, -1
    for i in range(6):
        if meets[i]:
            one, another = another, i // 2
    if one == another:
        turns[one] += 1
    else:
        turns[2 + one + another] += 1
