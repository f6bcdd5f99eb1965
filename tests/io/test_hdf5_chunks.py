"""Chunks that HDF5 would inflate without end, and filters that it lacks."""

import zlib

import h5py
import pytest

from poroscale.io import hdf5_chunks
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


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_chunk_that_would_inflate_is_named(path, voxels, shuffle):
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "d", data=voxels(), chunks=(7, 11, 13), compression="gzip", shuffle=shuffle
        )
        data.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(80 << 20), 9))
    with pytest.raises(OSError, match=r"scan\.h5::/d: the chunk at \(0, 0, 0\) would decode to"):
        open_source(path)((0, 0, 0), (1, 1, 1))


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
