"""Volumes of Xradia: an OLE file, written here as far as its readers look.

Streams below 4096 bytes would lie in small sectors, so slices are larger, and numbers padded.
"""

import struct

import numpy as np
import pytest

from poroscale.io.opening import open_source

pytest.importorskip("olefile")

SHAPE = (7, 64, 65)
SECTOR, FREE, LAST, FAT = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


class CompoundFile:
    """A compound file of version 3 without small sectors: folders, and streams in a row each."""

    def __init__(self):
        self.sectors, self.fat, self.entries = [], [], []

    def stored(self, data):
        """First sector of `data`, written in whole sectors one after the other."""
        count = -(-len(data) // SECTOR)
        first = len(self.sectors)
        for k in range(count):
            self.sectors.append(data[k * SECTOR : (k + 1) * SECTOR].ljust(SECTOR, b"\0"))
            self.fat.append(first + k + 1 if k < count - 1 else LAST)
        return first if count else LAST

    def add(self, name, kind, *, data=b"", child=FREE, right=FREE):
        spelled = name.encode("utf-16-le") + b"\0\0"
        entry = spelled.ljust(64, b"\0") + struct.pack("<HBB", len(spelled), kind, 1)
        entry += struct.pack("<III", FREE, right, child) + bytes(36)
        entry += struct.pack("<IQ", self.stored(data), len(data))
        self.entries.append(entry)
        return len(self.entries) - 1

    def chain(self, items):
        """Siblings as a list: each is the right one of the one before, in the order of names."""
        right = FREE
        for name, content in sorted(items, key=lambda item: (len(item[0]), item[0]), reverse=True):
            if isinstance(content, dict):
                child = self.chain(content.items())
                right = self.add(name, 1, child=child, right=right)
            else:
                right = self.add(name, 2, data=content, right=right)
        return right

    def save(self, path, tree):
        child = self.chain(tree.items())
        root = self.add("Root Entry", 5, child=child)
        swap = {0: root, root: 0}  # the root comes first
        moved = [self._renumbered(self.entries[swap.get(k, k)], swap) for k in range(root + 1)]
        table = b"".join(moved) + bytes(128) * (-len(moved) % 4)
        folder = self.stored(table)
        count = 1
        while (len(self.sectors) + count) * 4 > count * SECTOR:
            count += 1
        places = [len(self.sectors) + k for k in range(count)]
        fat = np.array([*self.fat, *[FAT] * count], "<u4").tobytes()
        fat = fat.ljust(count * SECTOR, b"\xff")
        head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
        head += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
        head += struct.pack("<IIIIIIIII", 0, count, folder, 0, 0, LAST, 0, LAST, 0)
        head += np.array([*places, *[FREE] * (109 - count)], "<u4").tobytes()
        path.write_bytes(head + b"".join(self.sectors) + fat)
        return path

    @staticmethod
    def _renumbered(entry, swap):
        links = struct.unpack_from("<III", entry, 68)
        return entry[:68] + struct.pack("<III", *(swap.get(k, k) for k in links)) + entry[80:]


def write_txm(path, array, *, kind=None, pixel_size=4.87, slices=None):
    kinds = {"u1": 3, "u2": 5, "f4": 10}
    info = {
        "ImageHeight": struct.pack("<I", array.shape[1]),
        "ImageWidth": struct.pack("<I", array.shape[2]),
        "NoOfImages": struct.pack("<I", array.shape[0]),
        "DataType": struct.pack("<I", kind or kinds[array.dtype.str[1:]]),
        "PixelSize": struct.pack("<f", pixel_size),
    }
    tree = {"ImageInfo": {name: data.ljust(4096, b"\0") for name, data in info.items()}}
    for k, plane in enumerate(array[:slices]):
        tree.setdefault(f"ImageData{1 + k // 100}", {})[f"Image{k + 1}"] = plane.tobytes()
    return CompoundFile().save(path, tree)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_volume(tmp_path, voxels, reads_like, dtype):
    source = open_source(write_txm(tmp_path / "scan.txm", voxels(dtype, SHAPE)))
    assert source.voxel_size == (4.87,) * 3
    reads_like(source, voxels(dtype, SHAPE), examples=5)


def test_more_than_a_hundred_slices(tmp_path, reads_like):
    array = np.arange(205, dtype=np.uint16)[:, None, None] + np.zeros((1, 64, 32), np.uint16)
    reads_like(open_source(write_txm(tmp_path / "scan.txm", array)), array, examples=5)


def test_what_is_no_volume(tmp_path, voxels):
    path = tmp_path / "scan.txm"
    with pytest.raises(ValueError, match=r"DataType must be one of \[3, 5, 10\], got 7"):
        open_source(write_txm(path, voxels(shape=SHAPE), kind=7))
    with pytest.raises(ValueError, match="slice 5 must have 8320 bytes in ImageData1/Image6"):
        open_source(write_txm(path, voxels(shape=SHAPE), slices=5))
    with pytest.raises(ValueError, match=r"scan\.txrm: it holds projections, no volume"):
        open_source(write_txm(tmp_path / "scan.txrm", voxels(shape=SHAPE)))
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"scan\.txm: not a complete TXM file"):
        open_source(path)


def test_the_package_is_named_where_it_is_lacking(tmp_path, voxels, monkeypatch):
    path = write_txm(tmp_path / "scan.txm", voxels(shape=SHAPE))
    monkeypatch.setitem(__import__("sys").modules, "olefile", None)
    with pytest.raises(
        ValueError, match=r"needs the package olefile: pip install 'poroscale\[txm\]'"
    ):
        open_source(path)
