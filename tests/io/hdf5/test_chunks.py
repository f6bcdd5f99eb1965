"""Chunks that HDF5 would inflate without end, and filters that it lacks."""

import zlib

import h5py
import numpy as np
import pytest

from poroscale.io.hdf5 import chunks as hdf5_chunks
from poroscale.io.opening import open_source


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scan.h5"


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"compression": "lzf", "shuffle": True},
        {"fletcher32": True},
        {"scaleoffset": 0},
    ],
    ids=str,
)
def test_honest_chunks_pass(path, voxels, reads_like, how, monkeypatch):
    monkeypatch.setattr(hdf5_chunks, "_HARMLESS", 0)
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=voxels(), chunks=(3, 4, 5), **how)
    reads_like(open_source(path), voxels(), examples=3)


HOW = [{}, {"shuffle": True}, {"fletcher32": True}]


@pytest.mark.parametrize("how", HOW, ids=str)
def test_a_chunk_that_would_inflate_is_named(path, voxels, how):
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "d", data=voxels(), chunks=(7, 11, 13), compression="gzip", **how
        )
        data.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(80 << 20), 9))
    with pytest.raises(OSError, match=r"scan\.h5::/d: the chunk at \(0, 0, 0\) would decode to"):
        open_source(path)((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize("how", HOW[:2], ids=str)
@pytest.mark.parametrize("left_out", [0, 1, 2, 3])
def test_chunks_for_which_filters_were_left_out(path, voxels, reads_like, how, left_out):
    """As HDF5 does where a chunk does not shrink."""
    array = voxels()[:, :10, :12]
    with h5py.File(path, "w") as file:
        data = file.create_dataset("d", data=array, chunks=(7, 5, 6), compression="gzip", **how)
        _, packed = data.id.read_direct_chunk((0, 5, 0))
        data.id.write_direct_chunk((0, 5, 0), packed, filter_mask=0)
        if left_out and how:
            bytes_of = np.ascontiguousarray(array[:, :5, 6:]).tobytes()
            if not left_out & 1:
                bytes_of = np.frombuffer(bytes_of, "u1").reshape(-1, 2).T.tobytes()
            if not left_out & 2:
                bytes_of = zlib.compress(bytes_of)
            data.id.write_direct_chunk((0, 0, 6), bytes_of, filter_mask=left_out)
    with h5py.File(path) as file:
        theirs = file["d"][...]
    np.testing.assert_array_equal(theirs, array)
    reads_like(open_source(path), theirs, examples=3)


def test_twelve_bits_in_sixteen_are_left_to_hdf5(path, voxels, reads_like):
    kind = h5py.h5t.STD_U16LE.copy()
    kind.set_precision(12)
    kind.set_offset(4)
    with h5py.File(path, "w") as file:
        pipeline = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        pipeline.set_chunk((7, 11, 13))
        pipeline.set_deflate(1)
        space = h5py.h5s.create_simple((7, 11, 13))
        data = h5py.h5d.create(file.id, b"d", kind, space, pipeline)
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, voxels() % 4096)
    reads_like(open_source(path), voxels() % 4096, examples=3)


def test_filters_of_hdf5plugin(path, voxels, reads_like):
    plugin = pytest.importorskip("hdf5plugin")
    for how in (
        plugin.Bitshuffle(),
        plugin.Bitshuffle(cname="none"),
        plugin.Blosc(),
        plugin.Zstd(),
        plugin.LZ4(),
        plugin.Blosc2(),
    ):
        with h5py.File(path, "w") as file:
            file.create_dataset("d", data=voxels(), chunks=(3, 4, 5), **how)
        reads_like(open_source(path), voxels(), examples=2)


def test_a_lie_in_the_header_of_a_filter(path, voxels):
    plugin = pytest.importorskip("hdf5plugin")
    lies = {
        plugin.Bitshuffle(): (1 << 33).to_bytes(8, "big") + bytes(20),
        plugin.LZ4(): (1 << 33).to_bytes(8, "big") + bytes(20),
        plugin.Blosc(): bytes(4) + (1 << 31).to_bytes(4, "little") + bytes(20),
    }
    for how, chunk in lies.items():
        with h5py.File(path, "w") as file:
            data = file.create_dataset("d", data=voxels(), chunks=(7, 11, 13), **how)
            data.id.write_direct_chunk((0, 0, 0), chunk)
        with pytest.raises(OSError, match="would decode to"):
            open_source(path)((0, 0, 0), (1, 1, 1))


def test_a_filter_that_is_not_there_is_named_with_its_package(path, voxels):
    with h5py.File(path, "w") as file:
        pipeline = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        pipeline.set_chunk((7, 11, 13))
        pipeline.set_filter(32030, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((7, 11, 13))
        data = h5py.h5d.create(file.id, b"d", h5py.h5t.NATIVE_UINT16, space, pipeline)
        data.write_direct_chunk((0, 0, 0), voxels().tobytes())
    with pytest.raises(ValueError, match=r"HDF5 filter 32030\), which needs .* hdf5plugin"):
        open_source(path)


def test_a_bomb_in_a_source_of_a_virtual_dataset(path, voxels):
    with h5py.File(path.with_name("b.h5"), "w") as file:
        data = file.create_dataset("d", data=voxels(), chunks=(7, 11, 13), compression="gzip")
        data.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(80 << 20), 9))
    layout = h5py.VirtualLayout((14, 11, 13), "u2")
    with h5py.File(path, "w") as file:
        file["a"] = voxels()
        layout[:7] = h5py.VirtualSource(".", "a", (7, 11, 13))
        layout[7:] = h5py.VirtualSource("b.h5", "d", (7, 11, 13))
        file.create_virtual_dataset("v", layout)
    source = open_source(f"{path}::v")
    source((0, 0, 0), (7, 11, 13))
    with pytest.raises(OSError, match=r"scan\.h5::/v: the chunk at \(0, 0, 0\) would decode to"):
        source((6, 0, 0), (2, 11, 13))
