"""Nonzero bytes of a word, found without looking at each: most words of a row hold few."""

from __future__ import annotations

import numpy as np
from numba import njit

_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""Every six consecutive bits of it are different, so that they tell which single bit is set
(Leiserson, Prokop and Randall 1998)."""
_TOP = np.uint64(58)
BYTE = np.uint64(0xFF)
EIGHT = np.uint64(8)


def _byte_by_hash() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    found = np.zeros(64, np.int64)
    for bit in range(64):
        key = (int(_DE_BRUIJN) << bit & (1 << 64) - 1) >> int(_TOP)
        found[key] = bit // 8
    return found


_BYTES = _byte_by_hash()


@njit(nogil=True, cache=True)
def lowest_byte(word):  # type: ignore[no-untyped-def]
    """Place of the first byte that is not zero; the word must not be zero."""
    lowest = word & (~word + np.uint64(1))
    return _BYTES[(lowest * _DE_BRUIJN) >> _TOP]


@njit(nogil=True, cache=True)
def without_byte(word, place):  # type: ignore[no-untyped-def]
    """The word with the byte at `place` set to zero."""
    return word & ~(BYTE << (EIGHT * np.uint64(place)))
