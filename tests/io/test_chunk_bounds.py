import bz2
import gzip
import zlib

import numcodecs
import numpy as np
import pytest
import zarr
from numcodecs import BZ2 as Bz2
from numcodecs import LZ4, LZMA, Blosc, GZip, Zlib, Zstd

from poroscale.io.opening import open_source

BOMB = bytes(3_000_000)
CODECS = [
    Blosc(cname="lz4"),
    Blosc(cname="zstd"),
    Zstd(),
    GZip(),
    Zlib(),
    LZ4(),
    Bz2(),
    LZMA(),
    None,
]


def v2_store(path, compressor):
    array = zarr.create_array(
        path,
        shape=(8, 8, 8),
        chunks=(4, 8, 8),
        dtype="u2",
        zarr_format=2,
        compressors=compressor,
    )
    array[:] = np.arange(512, dtype="u2").reshape(8, 8, 8)
    return path


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_honest_chunks_pass(tmp_path, reads_like, codec):
    path = v2_store(tmp_path / "a.zarr", codec)
    reads_like(open_source(path), np.arange(512, dtype="u2").reshape(8, 8, 8), examples=3)


@pytest.mark.parametrize("codec", CODECS[:-1], ids=str)
def test_a_chunk_that_would_inflate_is_named(tmp_path, codec):
    path = v2_store(tmp_path / "a.zarr", codec)
    (path / "1.0.0").write_bytes(codec.encode(BOMB))
    source = open_source(path)
    source((0, 0, 0), (4, 8, 8))
    with pytest.raises(OSError, match=r"1\.0\.0: a chunk would decode to .* allow 512"):
        source((3, 0, 0), (2, 8, 8))


@pytest.mark.parametrize("codec", [Blosc(cname="lz4"), Blosc(cname="zstd")], ids=str)
@pytest.mark.parametrize("keep", [0, 3, 15, 17, 40])
def test_a_truncated_blosc_chunk_does_not_end_the_process(tmp_path, codec, keep):
    path = v2_store(tmp_path / "a.zarr", codec)
    (path / "0.0.0").write_bytes((path / "0.0.0").read_bytes()[:keep])
    with pytest.raises(OSError, match=r"0\.0\.0 is truncated"):
        open_source(path)((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize("codec", [GZip(), Zlib(), Zstd(), Bz2()], ids=str)
def test_other_damage_is_an_error(tmp_path, codec):
    path = v2_store(tmp_path / "a.zarr", codec)
    data = (path / "0.0.0").read_bytes()
    (path / "0.0.0").write_bytes(data[:10] + b"\xff\x00\xff" + data[13:-9])
    with pytest.raises(OSError, match=r"a\.zarr"):
        open_source(path)((0, 0, 0), (1, 1, 1))


def test_version_3_with_and_without_shards(tmp_path, reads_like):
    from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, ZstdCodec

    data = np.arange(512, dtype="u2").reshape(8, 8, 8)
    for number, compressors in enumerate(
        ([ZstdCodec()], [BloscCodec()], [GzipCodec()], [ZstdCodec(), Crc32cCodec()])
    ):
        for shards in (None, (8, 8, 8)):
            path = tmp_path / f"{number}-{bool(shards)}.zarr"
            array = zarr.create_array(
                path,
                shape=data.shape,
                chunks=(4, 4, 4),
                shards=shards,
                dtype="u2",
                compressors=compressors,
            )
            array[:] = data
            reads_like(open_source(path), data, examples=2)


def test_a_bomb_inside_a_shard(tmp_path):
    path = tmp_path / "a.zarr"
    array = zarr.create_array(path, shape=(8, 8, 8), chunks=(8, 8, 8), shards=(8, 8, 8), dtype="u2")
    array[:] = 1
    bomb = Zstd().encode(BOMB)
    index = np.array([0, len(bomb)], "<u8").tobytes()
    checksum = numcodecs.crc32c.CRC32C().encode(index) if hasattr(numcodecs, "crc32c") else None
    if checksum is None:
        import google_crc32c

        checksum = index + google_crc32c.value(index).to_bytes(4, "little")
    (path / "c" / "0" / "0" / "0").write_bytes(bomb + bytes(checksum))
    with pytest.raises(OSError, match="would decode to 3000000 bytes or more"):
        open_source(path)((0, 0, 0), (1, 1, 1))


def test_streams_are_counted_not_kept():
    assert len(gzip.compress(BOMB)) < 5000
    assert len(zlib.compress(BOMB)) < 5000
    assert len(bz2.compress(BOMB)) < 5000
