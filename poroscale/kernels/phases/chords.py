"""Chords: runs of voxels of one phase along an axis, within a block and across blocks.

A line of a block is a sequence of runs. The runs between its first and its last are whole, and go
to a histogram at once. The first and the last may go on in the blocks before and behind, so their
lengths are kept for each line, and joined with those of the neighbours when these are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from poroscale.kernels.phases.codes import OUTSIDE

PHASES, PART = "phases", "part"
"""Chords of each phase, and of the part as a whole where it does not fill the volume."""
WHOLE, CUT = 0, 1
"""Kinds of runs: between two other phases, or ended by the edge of the volume or of the part."""

Codes = NDArray[np.uint8]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Ends:
    """First and last runs of the lines of a block along one axis; all arrays (lines, lines).

    Attributes
    ----------
    first_code, last_code
        uint8: codes of the first and of the last voxel.
    first, last
        int32: lengths of the first and the last run. A line of one run has both of its length.
    after_first, before_last
        uint8: codes of the voxels that end the first run, and come before the last.
    """

    first_code: Codes
    last_code: Codes
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    after_first: Codes
    before_last: Codes


def count_chords(codes: Codes, phases: int, axis: int) -> tuple[Counts, Ends]:
    """Runs of a block along an axis.

    Parameters
    ----------
    codes
        uint8 (z, y, x): codes below `phases`, or `OUTSIDE`.
    phases
        Number of phases, P.
    axis
        0, 1, 2 for z, y, x.

    Returns
    -------
    histogram
        int64 (P, 2, n + 1): runs that are neither first nor last in their line, by phase, kind
        (`WHOLE`, `CUT`) and length [voxels].
    ends
        First and last runs of all lines.
    """
    shape = codes.shape[:axis] + codes.shape[axis + 1 :]
    counts = np.zeros((phases, 2, codes.shape[axis] + 1), np.int64)
    first, last = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    after, before = np.full(shape, OUTSIDE, np.uint8), np.full(shape, OUTSIDE, np.uint8)
    lines = (codes, codes.swapaxes(0, 1), codes)[axis]
    room = room_for_marks(codes.shape[2])
    (_along_x if axis == 2 else _across)(lines, *room, counts, first, last, after, before)
    along = np.moveaxis(codes, axis, 0)
    return counts, Ends(along[0], along[-1], first, last, after, before)


def block_chords(codes: Codes, phases: int, *, masked: bool) -> dict[str, NDArray[Any]]:
    """Runs of a block along all axes, as `count_chords` gives them, in one mapping.

    Returns
    -------
    dict
        Histograms as "KIND/AXIS" and ends as "KIND/AXIS/NAME of `Ends`"; the kinds are `PHASES`,
        and `PART` if `masked`.
    """
    kinds = {PHASES: (codes, phases)}
    if masked:
        kinds[PART] = ((codes == OUTSIDE).view(np.uint8) * np.uint8(OUTSIDE), 1)
    found: dict[str, NDArray[Any]] = {}
    for kind, (lines, count) in kinds.items():
        for axis in range(3):
            histogram, ends = count_chords(lines, count, axis)
            found[f"{kind}/{axis}"] = histogram
            found |= {f"{kind}/{axis}/{name}": array for name, array in vars(ends).items()}
    return found


def ends_of(found: Mapping[str, NDArray[Any]], kind: str, axis: int) -> Ends:
    """The ends along an axis that `block_chords` has put in its mapping."""
    return Ends(**{name: found[f"{kind}/{axis}/{name}"] for name in Ends.__annotations__})


@njit(nogil=True, cache=True)
def _close(code, before, after, length, counts):  # type: ignore[no-untyped-def]
    """Count a run; unsigned places need no look at whether they count from the end."""
    if code < counts.shape[0]:
        cut = np.uint64(max(before, after) == OUTSIDE)
        counts[code, cut, np.uint64(length)] += 1


@njit(nogil=True, cache=True)
def _along_x(  # type: ignore[no-untyped-def]
    codes, words, changes, bits, counts, first, last, after, before
):
    nz, ny, nx = codes.shape
    one = np.uint64(1)
    for z in range(nz):
        for y in range(ny):
            row = codes[z, y]
            for x in range(1, nx):
                changes[x] = row[x] != row[x - 1]
            gather_bits(words, bits)
            begun = np.uint64(0)
            for k in range(bits.size):
                word = bits[k]
                while word != 0:
                    place = np.uint64(WORD * k) + lowest_bit(word)
                    word = without_lowest(word)
                    if begun == 0:
                        first[z, y], after[z, y] = place, row[place]
                    else:
                        _close(row[begun], row[begun - one], row[place], place - begun, counts)
                    begun = place
            last[z, y] = np.uint64(nx) - begun
            if begun == 0:
                first[z, y] = nx
            else:
                before[z, y] = row[begun - one]


@njit(nogil=True, cache=True)
def _across(  # type: ignore[no-untyped-def]
    codes, words, changes, bits, counts, first, last, after, before
):
    """Runs along the first axis of `codes`, for all lines of a plane at a time.

    `begun` holds where the run of each line began, negative if what comes before is not part: the
    code there would have to be fetched from far away.
    """
    n, ny, nx = codes.shape
    begun = np.zeros((ny, nx), np.int32)
    for z in range(1, n):
        for y in range(ny):
            row, row_before, starts = codes[z, y], codes[z - 1, y], begun[y]
            for x in range(nx):
                changes[x] = row[x] != row_before[x]
            gather_bits(words, bits)
            for k in range(bits.size):
                word = bits[k]
                while word != 0:
                    place = np.uint64(WORD * k) + lowest_bit(word)
                    word = without_lowest(word)
                    start, code = starts[place], row_before[place]
                    if start == 0:
                        first[y, place], after[y, place] = z, row[place]
                    elif code < counts.shape[0]:
                        cut = np.uint64(start < 0 or row[place] == OUTSIDE)
                        counts[code, cut, np.uint64(z - abs(start))] += 1
                    starts[place] = -z if code == OUTSIDE else z
    for y in range(ny):
        for x in range(nx):
            start = abs(begun[y, x])
            last[y, x] = n - start
            if start == 0:
                first[y, x] = n
            else:
                before[y, x] = codes[start - 1, y, x]


class OpenRuns:
    """Runs that have begun in the blocks seen so far and may go on, along one axis.

    Attributes
    ----------
    code, before
        uint8: phase of the run of each line, and the code before it; `OUTSIDE` at the edge of the
        volume.
    length
        int32: its length so far [voxels].
    """

    BYTES = 6
    """Bytes of a line."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.code = np.full(shape, OUTSIDE, np.uint8)
        self.before = np.full(shape, OUTSIDE, np.uint8)
        self.length = np.zeros(shape, np.int32)

    def join(self, lines: tuple[slice, slice], ends: Ends, extent: int, counts: Counts) -> None:
        """Go on through a block of `extent` voxels along the axis; runs that end are counted."""
        _join(
            self.code[lines], self.before[lines], self.length[lines],
            ends.first_code, ends.last_code, ends.first, ends.last,
            ends.after_first, ends.before_last, extent, counts,
        )  # fmt: skip

    def close(self, lines: tuple[slice, slice], counts: Counts) -> None:
        """End the runs at the edge of the volume."""
        _close_all(self.code[lines], self.before[lines], self.length[lines], counts)


@njit(nogil=True, cache=True)
def _join(  # type: ignore[no-untyped-def]
    code, before, length, first_code, last_code, first, last, after, before_last, extent, counts
):
    for i in range(code.shape[0]):
        for j in range(code.shape[1]):
            whole = first[i, j] == extent
            if first_code[i, j] == code[i, j]:
                length[i, j] += first[i, j]
            else:
                _close(code[i, j], before[i, j], first_code[i, j], length[i, j], counts)
                before[i, j] = code[i, j]
                code[i, j] = first_code[i, j]
                length[i, j] = first[i, j]
            if not whole:
                _close(code[i, j], before[i, j], after[i, j], length[i, j], counts)
                before[i, j] = before_last[i, j]
                code[i, j] = last_code[i, j]
                length[i, j] = last[i, j]


@njit(nogil=True, cache=True)
def _close_all(code, before, length, counts):  # type: ignore[no-untyped-def]
    for i in range(code.shape[0]):
        for j in range(code.shape[1]):
            _close(code[i, j], before[i, j], OUTSIDE, length[i, j], counts)
            code[i, j], before[i, j], length[i, j] = OUTSIDE, OUTSIDE, 0
