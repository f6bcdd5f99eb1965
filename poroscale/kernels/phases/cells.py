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

from poroscale.kernels.phases.byte_scan import lowest_byte, without_byte
from poroscale.kernels.phases.cell_tables import PAIRS, SQUARES
from poroscale.kernels.phases.codes import BEYOND

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
    words = np.zeros(codes.shape[2] // 8 + 1, np.uint64)
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


_ONES = np.uint64(0x0101010101010101)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_GATHER = np.uint64(0x0102040810204080)
_BYTE = np.uint64(0xFF)
_TOP = np.uint64(56)


@njit(nogil=True, cache=True)
def _column(a, b, c, e, x):  # type: ignore[no-untyped-def]
    """Four codes of a cell that lie at x, as every second byte of a word."""
    here = np.uint64(a[x]) | np.uint64(b[x]) << np.uint64(16)
    return here | np.uint64(c[x]) << np.uint64(32) | np.uint64(e[x]) << np.uint64(48)


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
    table = two.reshape(-1)
    for z in range(first[0], nz - 1):
        for y in range(first[1], ny - 1):
            a, b = codes[z, y], codes[z, y + 1]
            c, e = codes[z + 1, y], codes[z + 1, y + 1]
            _mark_mixed(a, b, c, e, mixed)
            begun = first[2]
            for k in range(words.size):
                left = words[k]
                while left != 0:
                    byte = lowest_byte(left)
                    left = without_byte(left, byte)
                    x = 8 * k + byte
                    if x < begun or x >= nx - 1:
                        continue
                    if x > begun and a[begun] < phases:
                        whole[a[begun]] += x - begun
                    begun = x + 1
                    word = _column(a, b, c, e, x) | _column(a, b, c, e, x + 1) << np.uint64(8)
                    place = _place_of_two(word, phases)
                    if place >= 0:
                        table[place] += 1
                        continue
                    for m in range(8):
                        corner[m] = (word >> np.uint64(8 * m)) & _BYTE
                    _add_other(corner, phases, pairs, squares, patterns, contacts, triple, turns)
            if nx - 1 > begun and a[begun] < phases:
                whole[a[begun]] += nx - 1 - begun


@njit(nogil=True, cache=True)
def _place_of_two(word, phases):  # type: ignore[no-untyped-def]
    """Place in the table of a cell of two phases; -1 if it is none.

    The eight codes are the bytes of `word`. All are compared with the first at once; where two
    phases differ by d, the bytes that differ sum up to their number times d. There is no branch
    for each corner: a processor cannot foresee those.
    """
    here = word & _BYTE
    differs = word ^ (_ONES * here)
    others = (((differs & _LOW) + _LOW | differs) >> np.uint64(7)) & _ONES
    count = (others * _ONES) >> _TOP
    difference = ((differs * _ONES) >> _TOP) // count
    other = here ^ difference
    if differs != others * difference or here >= phases or other >= phases:
        return -1
    pattern = ((others ^ _ONES) * _GATHER) >> _TOP
    return np.int64(((here * np.uint64(phases) + other) << np.uint64(8)) | pattern)


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
        if low == BEYOND:
            continue
        if high == BEYOND:
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
