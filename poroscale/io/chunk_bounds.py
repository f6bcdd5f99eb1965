"""Chunks of a foreign Zarr store, looked at before they are decoded.

Zarr does not bound decoding: 64 kB can inflate to 2 GiB, and a truncated blosc chunk ends the
process. So the size that a chunk's own header states is compared with what the array's metadata
allow. Deflate, bzip2 and LZMA state none, and are unpacked piece by piece into nothing first.
A zstd frame that leaves its size out cannot be checked and is let through.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

_HEAD = 32
_STEP = 1 << 20
_ABSENT = (1 << 64) - 1
_STREAMS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(47),
    "zlib": lambda: zlib.decompressobj(47),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}


@dataclass(frozen=True)
class Piece:
    """A run of compressed bytes in a file, and how many bytes it may decode to."""

    start: int
    length: int
    codec: str
    limit: int


def check_chunks(array: Any, root: Path, where: Sequence[slice]) -> None:
    """Refuse chunks of the zarr `array` at `root` that would decode to more than they may.

    Parameters
    ----------
    where
        A slice with start and stop for each stored axis; only the chunks it touches are read.

    Raises
    ------
    OSError
        Naming the chunk's file.
    """
    outer = array.shards or array.chunks
    ranges = (range(s.start // c, -(-s.stop // c)) for s, c in zip(where, outer, strict=True))
    for index in product(*ranges):
        path = root / array.metadata.encode_chunk_key(index)
        if path.is_file():
            with FileIO(path, "r") as file:
                _check_file(array, file, path)


def _check_file(array: Any, file: FileIO, path: Path) -> None:
    size = path.stat().st_size
    for piece in _pieces(array, file, size):
        if piece.start + piece.length > size:
            raise OSError(f"{path} is truncated: a chunk reaches past its {size} bytes")
        file.seek(piece.start)
        stated = _decoded_size(file, piece, path)
        if stated > piece.limit:
            raise OSError(
                f"{path}: a chunk would decode to {stated} bytes or more, its array's metadata "
                f"allow {piece.limit}"
            )


def _pieces(array: Any, file: FileIO, size: int) -> Iterator[Piece]:
    limit = prod(array.chunks) * array.dtype.itemsize
    if array.metadata.zarr_format == 2:
        codec = array.metadata.compressor
        filtered = bool(array.metadata.filters)
        yield Piece(0, size, codec.codec_id if codec else "", limit * (8 if filtered else 1))
        return
    codecs = [codec.to_dict() for codec in array.metadata.codecs]
    if codecs[0]["name"] != "sharding_indexed":
        yield Piece(0, size, *_outermost(codecs, limit))
        return
    sharding = codecs[0]["configuration"]
    codec_name, limit = _outermost([_as_dict(codec) for codec in sharding["codecs"]], limit)
    for start, length in _shard_index(array, sharding, file, size):
        if start != _ABSENT:
            yield Piece(start, length, codec_name, limit)


def _as_dict(codec: Any) -> dict[str, Any]:
    return dict(codec) if isinstance(codec, dict) else codec.to_dict()


def _outermost(codecs: list[dict[str, Any]], limit: int) -> tuple[str, int]:
    """Name of the codec that a reader undoes first, checksums aside."""
    names = [str(codec["name"]).removeprefix("numcodecs.") for codec in codecs]
    names = [name for name in names if name != "crc32c"]
    plain = all(name in {"bytes", "transpose"} for name in names[:-1])
    return names[-1], limit * (1 if plain else 8)


def _shard_index(
    array: Any, sharding: dict[str, Any], file: FileIO, size: int
) -> list[tuple[int, int]]:
    inner = prod(s // c for s, c in zip(array.shards, array.chunks, strict=True))
    names = [_as_dict(codec)["name"] for codec in sharding["index_codecs"]]
    if names not in (["bytes"], ["bytes", "crc32c"]):
        return []
    length = 16 * inner + (4 if "crc32c" in names else 0)
    if length > size:
        raise OSError(f"{Path(str(file.name))} is truncated: {size} bytes cannot hold its index")
    file.seek(size - length if str(sharding["index_location"]).endswith("end") else 0)
    entries = np.frombuffer(file.read(16 * inner), "<u8").reshape(-1, 2)
    return [(int(start), int(count)) for start, count in entries]


def _decoded_size(file: FileIO, piece: Piece, path: Path) -> int:
    """What the compressed bytes at the file's position say they decode to; 0 where unsaid."""
    if piece.codec in _STREAMS:
        return _streamed_size(file, piece, path)
    head = file.read(min(_HEAD, piece.length))
    if piece.codec == "blosc":
        if len(head) < 16 or int.from_bytes(head[12:16], "little") > piece.length:
            raise OSError(f"{path} is truncated: its blosc header states more bytes than it has")
        return int.from_bytes(head[4:8], "little")
    if piece.codec == "lz4":
        return int.from_bytes(head[:4], "little")
    return _zstd_size(head) if piece.codec == "zstd" else 0


def _zstd_size(head: bytes) -> int:
    """Content size of a zstd frame (RFC 8878, section 3.1.1.1), 0 where it is left out."""
    if len(head) < 6 or head[:4] != b"\x28\xb5\x2f\xfd":
        return 0
    descriptor = head[4]
    single = bool(descriptor & 0x20)
    width = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    start = 5 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3]
    size = int.from_bytes(head[start : start + width], "little")
    return size + 256 if width == 2 else size


def _streamed_size(file: FileIO, piece: Piece, path: Path) -> int:
    decoder, total, left = _STREAMS[piece.codec](), 0, piece.length
    try:
        while left > 0 and not decoder.eof and total <= piece.limit:
            data = file.read(min(_STEP, left))
            left -= len(data)
            while data or _holds_back(decoder):
                total += len(decoder.decompress(data, _STEP))
                data = getattr(decoder, "unconsumed_tail", b"")
                if decoder.eof or total > piece.limit:
                    break
    except (zlib.error, lzma.LZMAError, OSError) as error:
        raise OSError(f"{path} is damaged: {error}") from error
    return total


def _holds_back(decoder: Any) -> bool:
    return not getattr(decoder, "needs_input", True)
