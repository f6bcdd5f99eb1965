import bz2
import gzip
import json
import os
import shutil
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


def rle_frame(blocks):
    """A zstd frame without content size whose blocks of 4 bytes stand for 128 KiB each."""
    frame = b"\x28\xb5\x2f\xfd\x00\x38"
    for number in range(blocks):
        header = int(number == blocks - 1) | 1 << 1 | (1 << 17) << 3
        frame += header.to_bytes(3, "little") + b"\0"
    return frame


SKIPPABLE = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"


@pytest.mark.parametrize("before", [b"", SKIPPABLE, bytes(Zstd().encode(bytes(100)))], ids=len)
def test_zstd_frames_that_leave_their_size_out(tmp_path, before):
    path = v2_store(tmp_path / "a.zarr", Zstd())
    (path / "1.0.0").write_bytes(before + rle_frame(4000))
    with pytest.raises(OSError, match=r"1\.0\.0: a chunk would decode to .* allow 512"):
        open_source(path)((3, 0, 0), (2, 8, 8))


def test_honest_zstd_streams_without_a_size(tmp_path, reads_like):
    """As streaming writers leave them: several frames, frames without a size, skippable ones."""
    data = np.zeros((8, 256, 256), "u1")
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=data.shape, chunks=(4, 256, 256), dtype="u1", zarr_format=2,
        compressors=Zstd(),
    )  # fmt: skip
    array[:] = 1
    half = bytes(Zstd().encode(bytes(1 << 17)))
    (tmp_path / "a.zarr" / "0.0.0").write_bytes(SKIPPABLE + half + half)
    (tmp_path / "a.zarr" / "1.0.0").write_bytes(rle_frame(2))
    reads_like(open_source(tmp_path / "a.zarr"), data, examples=2)


def test_what_is_no_file_in_place_of_a_chunk(tmp_path):
    for number, place in enumerate((os.mkfifo, os.mkdir)):
        path = v2_store(tmp_path / f"{number}.zarr", Zstd())
        (path / "1.0.0").unlink()
        place(path / "1.0.0")
        with pytest.raises(OSError, match=r"1\.0\.0 must be a file, it is (no file|a folder)"):
            open_source(path)((3, 0, 0), (2, 8, 8))
        (path / ".zattrs").unlink(missing_ok=True)
        place(path / ".zattrs")
        with pytest.raises(ValueError, match=r"\.zattrs must be a file"):
            open_source(path)


def test_a_file_in_place_of_a_folder_of_chunks(tmp_path):
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=np.ones((4, 4, 4), "u1"), chunks=(2, 4, 4))
    shutil.rmtree(path / "c" / "1")
    (path / "c" / "1").write_bytes(b"")
    with pytest.raises(OSError, match="a file lies in place of one of its folders"):
        open_source(path)((0, 0, 0), (4, 4, 4))


def test_links_out_of_the_store(tmp_path, reads_like):
    path = v2_store(tmp_path / "a.zarr", Zstd())
    (path / "1.0.0").rename(path / "inner")
    (path / "1.0.0").symlink_to("inner")
    reads_like(open_source(path), np.arange(512, dtype="u2").reshape(8, 8, 8), examples=2)
    (path / "inner").rename(tmp_path / "outer")
    for target in (tmp_path / "outer", tmp_path / "nowhere"):
        (path / "1.0.0").unlink()
        (path / "1.0.0").symlink_to(target)
        with pytest.raises(OSError, match=r"1\.0\.0 is a link to .*, outside the store"):
            open_source(path)((3, 0, 0), (2, 8, 8))


def test_codecs_that_are_not_read(tmp_path):
    from numcodecs import Base64

    path = v2_store(tmp_path / "a.zarr", Zstd())
    meta = json.loads((path / ".zarray").read_text())
    (path / ".zarray").write_text(json.dumps({**meta, "compressor": Base64().get_config()}))
    with pytest.raises(ValueError, match="chunks with the codec 'base64' are not read"):
        open_source(path)
    (path / ".zarray").write_text(json.dumps({**meta, "filters": [GZip().get_config()]}))
    with pytest.raises(ValueError, match="packed twice, by gzip and zstd"):
        open_source(path)
