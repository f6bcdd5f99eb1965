"""Places of the marked bytes of a row, found without a look at each: most rows hold few.

Marks are bytes of 0 or 1. Those of 64 voxels are gathered into one word of bits, and the loop over
the bits that are set has one end for 64 voxels: a processor foresees few ends of short loops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

WORD = 64
"""Voxels of a word of bits."""
_GATHER = np.uint64(0x0102040810204080)
"""Its product with eight bytes of 0 or 1 has them as the bits of the top byte."""
_TOP, _ONE = np.uint64(56), np.uint64(1)


def room_for_marks(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.uint64]]:
    """Room for `count` marks: as words of eight bytes, as the same bytes, and as words of bits."""
    bits = np.zeros(-(-count // WORD), np.uint64)
    words = np.zeros(8 * len(bits), np.uint64)
    return words, words.view(np.uint8), bits


@njit(nogil=True, cache=True)
def gather_bits(words, bits):  # type: ignore[no-untyped-def]
    """Marks as bits: bit i of word k is byte 64 k + i."""
    for k in range(bits.size):
        word = np.uint64(0)
        for i in range(8):
            byte = (words[8 * k + i] * _GATHER) >> _TOP
            word |= byte << np.uint64(8 * i)
        bits[k] = word


@intrinsic
def lowest_bit(_context: Any, _word: Any) -> tuple[Any, Callable[..., Any]]:
    """Place of the lowest bit that is set of a uint64, which must not be 0."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@njit(nogil=True, cache=True)
def without_lowest(word):  # type: ignore[no-untyped-def]
    """The word with its lowest bit that is set cleared."""
    return word & (word - _ONE)
