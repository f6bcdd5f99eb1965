"""Counts of the 2 x 2 x 2 cells of a block, from which all measures of interfaces follow.

A cell is eight voxels that share a corner. It owns the pairs of neighbours, the squares of four
voxels and the edges that begin at its first corner, so that each of them belongs to exactly one
cell. Counts of all cells of a volume with one voxel around it, `BEYOND`, are those of the volume.

Most cells hold one phase, and are skipped. A cell of two phases adds one to a table by its two
phases and its pattern, and everything else is derived from that table; so does a cell of one phase
and `BEYOND`. Only cells of more phases, and cells that leave the part, are looked at corner by
corner. Where a row holds nothing but the
codes 0 and 1, as nearly all rows of a binary volume do, the patterns of all its cells are computed
at once.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.phases.byte_scan import (
    WORD,
    gather_bits,
    lowest_bit,
    room_for_marks,
    without_lowest,
)
from poroscale.kernels.phases.cell_tables import PAIRS, SQUARES, both
from poroscale.kernels.phases.codes import BEYOND

Codes = NDArray[np.uint8]
CellCounts = dict[str, NDArray[np.int64]]
SHORT = 8
"""In rows of fewer cells each is looked at."""
CELLS = ("whole", "two", "patterns", "contacts", "triple", "triple_turns")
"""Names of the counts, in the order in which the kernel takes them."""


def count_cells(codes: Codes, phases: int, *, into: CellCounts | None = None) -> CellCounts:
    """Counts of the cells that lie in a box.

    Parameters
    ----------
    codes
        uint8 (z, y, x): codes below `phases`, `OUTSIDE` or `BEYOND`.
    phases
        Number of phases, P.
    into
        Counts to which these are added; new ones by default.

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
    counts = no_cells(phases) if into is None else into
    codes = np.ascontiguousarray(codes)
    room = room_for_marks(codes.shape[2])
    binary = np.zeros((4, 256), np.int64)
    edge = np.zeros((phases, 256), np.int64)
    arrays = [counts[name] for name in CELLS]
    _count(codes, phases, *room, binary, edge, PAIRS, SQUARES, *arrays)
    _add_binary(binary.sum(axis=0), counts)
    counts["patterns"] += edge
    within = np.arange(phases)
    counts["contacts"][:, within, within] += both() @ edge.T
    return counts


def _add_binary(found: NDArray[np.int64], counts: CellCounts) -> None:
    """Add cells of the codes 0 and 1, which are known by the pattern of 1."""
    if not found.any():
        return
    counts["whole"][:2] += found[[0, 255]]
    mixed = np.arange(1, 255)
    first_is_one = mixed % 2 == 1
    counts["two"][1, 0][mixed[first_is_one]] += found[mixed[first_is_one]]
    counts["two"][0, 1][255 - mixed[~first_is_one]] += found[mixed[~first_is_one]]


def no_cells(phases: int) -> CellCounts:
    """Counts of `count_cells`, all zero."""
    shapes = {
        "whole": (phases,),
        "two": (phases, phases, 256),
        "patterns": (phases, 256),
        "contacts": (len(PAIRS), phases + 1, phases + 1),
        "triple": (3,),
        "triple_turns": (9,),
    }
    return {name: np.zeros(shape, np.int64) for name, shape in shapes.items()}


@njit(nogil=True, cache=True)
def _mark_mixed(a, b, c, e, mixed):  # type: ignore[no-untyped-def]
    """1 where the cell from four rows is not of one code; loops that vectorise."""
    n = a.size
    for x in range(n):
        mixed[x] = (a[x] ^ b[x]) | (a[x] ^ c[x]) | (a[x] ^ e[x])
    for x in range(n - 1):
        mixed[x] = (mixed[x] | mixed[x + 1] | (a[x] ^ a[x + 1])) != 0
    mixed[n - 1] = 0


@njit(nogil=True, cache=True)
def _are_binary(a, b, c, e):  # type: ignore[no-untyped-def]
    """Whether four rows hold nothing but 0 and 1."""
    every = np.uint8(0)
    for x in range(a.size):
        every |= a[x] | b[x] | c[x] | e[x]
    return every <= 1


@njit(nogil=True, cache=True)
def _mark_patterns(a, b, c, e, marks):  # type: ignore[no-untyped-def]
    """The pattern of 1 in each cell from four rows of 0 and 1."""
    n = a.size
    for x in range(n):
        marks[x] = a[x] | (b[x] << np.uint8(2)) | (c[x] << np.uint8(4)) | (e[x] << np.uint8(6))
    for x in range(n - 1):
        marks[x] |= marks[x + 1] << np.uint8(1)


@njit(nogil=True, cache=True)
def _count_patterns(words, marks, cells, found):  # type: ignore[no-untyped-def]
    """Add one for the pattern of each cell; eight cells of one phase at a time.

    Four tables in turn: the next sum need not wait for the last, which often has the same place.
    """
    full = cells // 8
    zeros, ones = 0, 0
    for k in range(full):
        word = words[k]
        if word == 0:
            zeros += 8
        elif word == _FULL:
            ones += 8
        else:
            for i in range(8):
                found[i & 3, (word >> np.uint64(8 * i)) & _BYTE] += 1
    for x in range(8 * full, cells):
        found[0, marks[x]] += 1
    found[0, 0] += zeros
    found[0, 255] += ones


_ONES = np.uint64(0x0101010101010101)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_GATHER = np.uint64(0x0102040810204080)
_BYTE = np.uint64(0xFF)
_FULL, _NONE = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0)
_TOP = np.uint64(56)


@njit(nogil=True, cache=True)
def _column(a, b, c, e, x):  # type: ignore[no-untyped-def]
    """Four codes of a cell that lie at x, as every second byte of a word."""
    here = np.uint64(a[x]) | np.uint64(b[x]) << np.uint64(16)
    return here | np.uint64(c[x]) << np.uint64(32) | np.uint64(e[x]) << np.uint64(48)


@njit(nogil=True, cache=True)
def _count(  # type: ignore[no-untyped-def]
    codes,
    phases,
    words,
    marks,
    bits,
    binary,
    edge,
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
    cells = nx - 1
    corner = np.empty(8, np.uint8)
    table, edges = two.reshape(-1), edge.reshape(-1)
    bits[:] = _FULL if cells < SHORT else _NONE
    bits[0] = bits[0] & ((np.uint64(1) << np.uint64(cells)) - np.uint64(1))
    for z in range(nz - 1):
        for y in range(ny - 1):
            a, b = codes[z, y], codes[z, y + 1]
            c, e = codes[z + 1, y], codes[z + 1, y + 1]
            if cells >= SHORT:
                if phases >= 2 and _are_binary(a, b, c, e):
                    _mark_patterns(a, b, c, e, marks)
                    _count_patterns(words, marks, cells, binary)
                    continue
                _mark_mixed(a, b, c, e, marks)
                marks[nx:] = 0
                gather_bits(words, bits)
            begun = np.int64(0)
            for k in range(bits.size):
                left = bits[k]
                while left != 0:
                    x = WORD * k + np.int64(lowest_bit(left))
                    left = without_lowest(left)
                    if x > begun and a[begun] < phases:
                        whole[a[begun]] += x - begun
                    begun = x + 1
                    word = _column(a, b, c, e, x) | _column(a, b, c, e, x + 1) << np.uint64(8)
                    code = word & _BYTE
                    if word == _ONES * code:
                        if code < phases:
                            whole[code] += 1
                        continue
                    place, at_edge = _place_of_two(word, phases)
                    if place >= 0:
                        table[place] += 1
                    elif at_edge >= 0:
                        edges[at_edge] += 1
                    else:
                        for m in range(8):
                            corner[m] = (word >> np.uint64(8 * m)) & _BYTE
                        _add_other(
                            corner, phases, pairs, squares, patterns, contacts, triple, turns
                        )
            if cells > begun and a[begun] < phases:
                whole[a[begun]] += cells - begun


@njit(nogil=True, cache=True)
def _place_of_two(word, phases):  # type: ignore[no-untyped-def]
    """Places of a cell of two kinds in the tables of two phases and of the edge; -1 in neither.

    The eight codes are the bytes of `word`, which must not all be equal. All are compared with the
    first at once; where there are two kinds, all that differ do so by the same bits. There is no
    branch for each corner: a processor cannot foresee those.
    """
    here = word & _BYTE
    differs = word ^ (_ONES * here)
    others = (((differs & _LOW) + _LOW | differs) >> np.uint64(7)) & _ONES
    difference = (differs >> lowest_bit(others)) & _BYTE
    other = here ^ difference
    if differs != others * difference:
        return -1, -1
    pattern = ((others ^ _ONES) * _GATHER) >> _TOP
    if here < phases and other < phases:
        return np.int64(((here * np.uint64(phases) + other) << np.uint64(8)) | pattern), -1
    if here < phases and other == BEYOND:
        return -1, np.int64(here << np.uint64(8) | pattern)
    if here == BEYOND and other < phases:
        return -1, np.int64(other << np.uint64(8) | (_BYTE ^ pattern))
    return -1, -1


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
