"""Chunks of a foreign Zarr store, looked at before they are decoded.

Zarr does not bound decoding: 64 kB can inflate to 2 GiB, and a truncated blosc chunk ends the
process. So the size that a chunk's own header states is compared with what the array's metadata
allow. Deflate, bzip2, LZMA, and zstd frames that leave their size out, are unpacked piece by piece
into nothing first. Codecs that are not known to keep the size are refused, and pickles with them.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from poroscale.io.zarr_stores.store import ChunkFile, ZarrStore
from poroscale.io.zarr_stores.zstd_frames import zstd_decoded_size

_HEAD = 32
_STEP = 1 << 20
_ABSENT = (1 << 64) - 1
_STREAMS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(47),
    "zlib": lambda: zlib.decompressobj(47),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
_PACKING = {*_STREAMS, "zstd", "lz4", "blosc"}
_PLAIN = {
    "bytes",
    "transpose",
    "crc32c",
    "crc32",
    "adler32",
    "fletcher32",
    "jenkins_lookup3",
    "shuffle",
    "delta",
    "fixedscaleoffset",
    "quantize",
    "bitround",
    "packbits",
    "astype",
}
"""Codecs that change the number of bytes eightfold at the most."""


@dataclass(frozen=True)
class Piece:
    """A run of compressed bytes in a file, and how many bytes it may decode to."""

    start: int
    length: int
    codec: str
    limit: int


def check_codecs(array: Any, name: str) -> None:
    """Refuse an array whose chunks pass through codecs that are not known to be bounded.

    Raises
    ------
    ValueError
        Naming the codec, or the several that pack the chunk one after the other.
    """
    names = _codec_names(array)
    unknown = [codec for codec in names if codec not in _PACKING | _PLAIN]
    if unknown:
        raise ValueError(f"{name}: chunks with the codec {unknown[0]!r} are not read")
    packing = [codec for codec in names if codec in _PACKING]
    if len(packing) > 1:
        raise ValueError(f"{name}: chunks packed twice, by {' and '.join(packing)}, are not read")


def _codec_names(array: Any) -> list[str]:
    if array.metadata.zarr_format == 2:
        codecs = [*(array.metadata.filters or ()), array.metadata.compressor]
        return [_v2_name(codec) for codec in codecs if codec is not None]
    codecs = [_as_dict(codec) for codec in array.metadata.codecs]
    if codecs and codecs[0]["name"] == "sharding_indexed":
        if len(codecs) > 1:
            return ["codecs around shards"]
        codecs = [_as_dict(codec) for codec in codecs[0]["configuration"]["codecs"]]
    return [str(codec["name"]).removeprefix("numcodecs.") for codec in codecs]


def _v2_name(codec: Any) -> str:
    return str(getattr(codec, "codec_id", None) or codec.to_dict().get("name", codec))


def check_zarr_chunks(array: Any, store: ZarrStore, inside: str, where: Sequence[slice]) -> None:
    """Refuse chunks of the zarr `array` that would decode to more than they may.

    Parameters
    ----------
    store, inside
        Store, and path of the array in it.
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
        with store.chunk(inside, array.metadata.encode_chunk_key(index)) as chunk:
            if chunk is not None:
                _check_file(array, chunk)


def _check_file(array: Any, chunk: ChunkFile) -> None:
    for piece in _pieces(array, chunk):
        if piece.start + piece.length > chunk.size:
            raise OSError(f"{chunk.name} is truncated: a chunk reaches past its {chunk.size} bytes")
        if piece.length > 2 * piece.limit + _STEP:
            raise OSError(
                f"{chunk.name} is damaged: {piece.length} bytes for a chunk of {piece.limit}"
            )
        chunk.file.seek(piece.start)
        stated = _decoded_size(chunk, piece)
        if stated > piece.limit:
            raise OSError(
                f"{chunk.name}: a chunk would decode to {stated} bytes or more, its array's "
                f"metadata allow {piece.limit}"
            )


def _pieces(array: Any, chunk: ChunkFile) -> Iterator[Piece]:
    limit = prod(array.chunks) * array.dtype.itemsize
    if array.metadata.zarr_format == 2:
        codec = array.metadata.compressor
        filtered = bool(array.metadata.filters)
        name = "" if codec is None else _v2_name(codec)
        yield Piece(0, chunk.size, name, limit * (8 if filtered else 1))
        return
    codecs = [codec.to_dict() for codec in array.metadata.codecs]
    if codecs[0]["name"] != "sharding_indexed":
        yield Piece(0, chunk.size, *_outermost(codecs, limit))
        return
    sharding = codecs[0]["configuration"]
    codec_name, limit = _outermost([_as_dict(codec) for codec in sharding["codecs"]], limit)
    for start, length in _shard_index(array, sharding, chunk):
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


def _shard_index(array: Any, sharding: dict[str, Any], chunk: ChunkFile) -> list[tuple[int, int]]:
    inner = prod(s // c for s, c in zip(array.shards, array.chunks, strict=True))
    names = [_as_dict(codec)["name"] for codec in sharding["index_codecs"]]
    if names not in (["bytes"], ["bytes", "crc32c"]):
        raise OSError(f"{chunk.name}: an index of shards with the codecs {names} is not read")
    length = 16 * inner + (4 if "crc32c" in names else 0)
    if length > chunk.size:
        raise OSError(f"{chunk.name} is truncated: {chunk.size} bytes cannot hold its index")
    at_end = str(sharding["index_location"]).endswith("end")
    chunk.file.seek(chunk.size - length if at_end else 0)
    entries = np.frombuffer(chunk.file.read(16 * inner), "<u8").reshape(-1, 2)
    return [(int(start), int(count)) for start, count in entries]


def _decoded_size(chunk: ChunkFile, piece: Piece) -> int:
    """Decoded size of the compressed bytes at the file's position; 0 if they do not state it."""
    if piece.codec in _STREAMS:
        return _streamed_size(chunk, piece)
    if piece.codec == "zstd":
        return zstd_decoded_size(chunk.file.read(piece.length), piece.limit)
    head = chunk.file.read(min(_HEAD, piece.length))
    if piece.codec == "blosc":
        if len(head) < 16 or int.from_bytes(head[12:16], "little") > piece.length:
            raise OSError(f"{chunk.name} is truncated: its blosc header states more than it has")
        return int.from_bytes(head[4:8], "little")
    return int.from_bytes(head[:4], "little") if piece.codec == "lz4" else 0


def _streamed_size(chunk: ChunkFile, piece: Piece) -> int:
    decoder, total, left = _STREAMS[piece.codec](), 0, piece.length
    try:
        while left > 0 and not decoder.eof and total <= piece.limit:
            data = chunk.file.read(min(_STEP, left))
            left -= len(data)
            while data or _holds_back(decoder):
                total += len(decoder.decompress(data, _STEP))
                data = getattr(decoder, "unconsumed_tail", b"")
                if decoder.eof or total > piece.limit:
                    break
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        raise OSError(f"{chunk.name} is damaged: {error}") from error
    return total


def _holds_back(decoder: Any) -> bool:
    return not getattr(decoder, "needs_input", True)
