"""Rows and columns in the header of a JPEG, JPEG 2000 or PNG stream, read before it is decoded.

Their decoders allocate what the stream says, whatever the TIFF page around it does.
"""

from __future__ import annotations

import struct

JPEG = frozenset({6, 7, 33007, 34892})
JPEG_2000 = frozenset({33003, 33004, 33005, 34712})
PNG = frozenset({34933})
UNBOUNDED = frozenset({22610, 34887, 34927, 34934, 48124, 50001, 50002, 52546})
"""TIFF's codes of streams whose size this program does not know how to read beforehand."""

_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_SIZ = b"\xff\x4f\xff\x51"  # start of a code stream, and its sizes


def coded_size(data: bytes, compression: int) -> tuple[int, int] | None:
    """Rows and columns that the stream `data` says; None where it says none, or is no such one."""
    try:
        if compression in JPEG:
            return _jpeg(data)
        if compression in JPEG_2000:
            place = data.find(_SIZ)
            x1, y1, x0, y0 = struct.unpack_from(">4I", data, place + 8)
            return None if place < 0 else (y1 - y0, x1 - x0)
        if compression in PNG:
            width, height = struct.unpack_from(">2I", data, 16)
            return height, width
    except struct.error:
        pass
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 4 <= len(data):
        mark = data[place + 1]
        if data[place] != 0xFF or mark in _ALONE | {0xFF}:
            place += 2 if data[place] == 0xFF and mark != 0xFF else 1
        elif mark in _START_OF_FRAME:
            height, width = struct.unpack_from(">2H", data, place + 5)
            return height, width
        else:
            place += 2 + int(struct.unpack_from(">H", data, place + 2)[0])
    return None
