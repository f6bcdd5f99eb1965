"""Chunks read straight from their files are what zarr's own reader gives."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.chunks import ZSTD_LEVEL, decode_chunk, encode_chunk
from tests.strategies import CHUNK, shapes

DTYPES = ("bool", "uint8", "int16", "uint32", "float32", "float64")


@given(data=st.data(), dtype=st.sampled_from(DTYPES), shape=shapes())
def test_any_box_is_what_zarr_reads(data, dtype, shape, as_volume):
    array = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    array[: CHUNK[0]] = 0  # chunks that are left out
    volume = as_volume(array)
    origin = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    size = tuple(data.draw(st.integers(0, n - o)) for o, n in zip(origin, shape, strict=True))
    box = tuple(slice(o, o + n) for o, n in zip(origin, size, strict=True))
    found = volume.read(origin, size)
    assert found.dtype == volume.array.dtype
    np.testing.assert_array_equal(found, volume.array[box])


def test_a_box_is_read_into_part_of_an_array(as_volume):
    array = np.arange(9 * 10 * 20, dtype=np.uint16).reshape(9, 10, 20)
    volume = as_volume(array)
    whole = np.full((11, 12, 22), 7, np.uint16)
    volume.read_into(whole[1:-1, 1:-1, 1:-1], (0, 0, 0))
    np.testing.assert_array_equal(whole, np.pad(array, 1, constant_values=7))


def test_a_box_that_leaves_the_volume_is_refused(as_volume):
    volume = as_volume(np.zeros((4, 5, 6), np.uint8))
    for origin in ((-1, 0, 0), (0, 0, 1)):
        with pytest.raises(IndexError, match="leaves"):
            volume.read(origin, (4, 5, 6))


def test_a_chunk_that_was_exchanged_after_it_was_read_is_found(as_volume):
    """Another valid chunk passes the checksum inside it; only the digest tells them apart."""
    volume = as_volume(np.random.default_rng(2).integers(1, 9, (8, 8, 16), np.uint8))
    chunks = sorted((volume.path / "0/c").rglob("*/*/*"))
    volume.read()
    assert chunks[0].stat().st_size != 0
    chunks[0].write_bytes(encode_chunk(np.ones(volume.chunks, np.uint8), volume.chunks))
    with pytest.raises(OSError, match="is damaged"):
        volume.read()


def test_negative_zero_survives(as_volume):
    array = np.full((4, 4, 4), -0.0, np.float32)
    assert np.signbit(as_volume(array).read()).all()


@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "int64"])
def test_metadata_are_those_that_zarr_writes(dtype, as_volume):
    volume = as_volume(np.ones((5, 6, 9), dtype))
    written: dict[str, zarr.core.buffer.Buffer] = {}
    store = zarr.storage.MemoryStore(written)
    zarr.create_array(
        store,
        shape=volume.shape,
        dtype=volume.dtype,
        chunks=volume.chunks,
        compressors=zarr.codecs.ZstdCodec(level=ZSTD_LEVEL, checksum=True),
        dimension_names=["z", "y", "x"],
        fill_value=np.zeros((), dtype).item(),
    )
    expected = written["zarr.json"].to_bytes()
    assert (volume.path / "0/zarr.json").read_bytes() == expected


def test_a_chunk_of_noise_is_stored_without_a_code_for_bytes():
    shape = (32, 64, 64)
    grey = np.random.default_rng(3).normal(30000, 4000, shape).astype(np.uint16)
    packed = encode_chunk(grey, shape)
    assert 0.98 * grey.nbytes < len(packed) < 1.01 * grey.nbytes
    found = np.empty_like(grey)
    decode_chunk(packed, found)
    np.testing.assert_array_equal(found, grey)
    assert len(encode_chunk((grey > 30000).astype(np.uint16), shape)) < 0.2 * grey.nbytes
