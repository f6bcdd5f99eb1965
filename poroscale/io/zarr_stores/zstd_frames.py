"""Decoded size of a zstd stream, found without decoding it into memory.

A frame may state its size (RFC 8878, section 3.1.1.1), and need not. Frames may follow one another,
with skippable ones among them. Where one frame with a size is not all there is, the stream is
decoded piece by piece and counted.
"""

from __future__ import annotations

_MAGIC = b"\x28\xb5\x2f\xfd"
_STEP = 1 << 20
_RLE = 1


def zstd_decoded_size(data: bytes, limit: int) -> int:
    """Bytes that `data` decodes to; counted no further than just above `limit`.

    0 where it is no zstd stream: the decoder says so.
    """
    stated = _single_frame_size(data)
    return _counted(data, limit) if stated is None else stated


def _single_frame_size(data: bytes) -> int | None:
    """The size that the one frame of `data` states; None where there is more, or no size."""
    if len(data) < 6 or data[:4] != _MAGIC:
        return None
    descriptor = data[4]
    single = bool(descriptor & 0x20)
    width = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    start = 5 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3]
    size = int.from_bytes(data[start : start + width], "little")
    end = _frame_end(data, start + width, checksum=bool(descriptor & 4))
    if width == 0 or end != len(data):
        return None
    return size + 256 if width == 2 else size


def _frame_end(data: bytes, place: int, *, checksum: bool) -> int:
    """End of the frame whose first block is at `place`."""
    last = False
    while not last and place + 3 <= len(data):
        header = int.from_bytes(data[place : place + 3], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        place += 3 + (1 if kind == _RLE else size)
    return place + (4 if checksum else 0)


def _counted(data: bytes, limit: int) -> int:
    import pyarrow as pa

    total = 0
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            while total <= limit and (piece := stream.read(_STEP)):
                total += len(piece)
    except (OSError, pa.ArrowException):
        return total  # the decoder says what is wrong with it
    return total
