"""A damaged file is an error with a sentence, or a volume; never a crash, hang or traceback."""

import json
import random

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from poroscale.io.opening import open_source


def _tiff(folder, array):
    tifffile.imwrite(folder / "scan.tif", array, compression="zlib", rowsperstrip=5)
    return folder / "scan.tif"


def _imagej(folder, array):
    tifffile.imwrite(folder / "scan.tif", array, imagej=True)
    return folder / "scan.tif"


def _npy(folder, array):
    np.save(folder / "scan.npy", array)
    return folder / "scan.npy"


def _hdf5(folder, array):
    with h5py.File(folder / "scan.h5", "w") as file:
        file.create_dataset("entry/data", data=array, chunks=(2, 10, 10), compression=1)
    return folder / "scan.h5"


def _mhd(folder, array):
    (folder / "scan.raw").write_bytes(array.tobytes())
    (folder / "scan.mhd").write_text(
        "DimSize = 30 20 6\nElementType = MET_USHORT\nElementDataFile = scan.raw\n"
    )
    return folder / "scan.mhd"


def _vgi(folder, array):
    (folder / "scan.vol").write_bytes(array.tobytes())
    (folder / "scan.vgi").write_text(
        "{volume1}\n[file1]\nSize = 30 20 6\nName = scan.vol\nDatatype = unsigned integer\n"
        "BitsPerElement = 16\n[geometry]\nresolution = 1 1 1\nunit = mm\n"
    )
    return folder / "scan.vgi"


def _json(folder, array):
    (folder / "scan.raw").write_bytes(array.tobytes())
    (folder / "scan.json").write_text(json.dumps({"shape": [6, 20, 30], "dtype": "uint16"}))
    return folder / "scan.json"


def _zarr(folder, array):
    stored = zarr.create_array(
        folder / "scan.zarr", shape=array.shape, chunks=(3, 10, 10), dtype="u2"
    )
    stored[:] = array
    return folder / "scan.zarr" / "zarr.json"


def _shard(folder, array):
    stored = zarr.create_array(
        folder / "scan.zarr", shape=array.shape, chunks=(3, 10, 10), shards=(6, 20, 30), dtype="u2"
    )
    stored[:] = array
    return folder / "scan.zarr" / "c" / "0" / "0" / "0"


def _bmp(folder, array):
    from PIL import Image

    Image.fromarray(array[0].astype(np.uint8)).save(folder / "scan.bmp")
    return folder / "scan.bmp"


WRITERS = [_tiff, _imagej, _npy, _hdf5, _mhd, _vgi, _json, _zarr, _shard, _bmp]


def damaged(data, source):
    """`data` cut short, or with some bytes changed, most of them near its beginning."""
    if source.random() < 0.25:
        return data[: source.randrange(len(data))]
    changed = bytearray(data)
    reach = len(data) if source.random() < 0.4 else min(len(data), 500)
    for _ in range(source.choice((1, 2, 8))):
        changed[source.randrange(reach)] = source.choice((0, 255, source.randrange(256)))
    return bytes(changed)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.filterwarnings("ignore")  # libraries warn on the way to their errors
def test_damage_is_an_error_with_a_sentence(tmp_path, voxels, writer):
    path = writer(tmp_path, voxels(shape=(6, 20, 30)))
    store = next((parent for parent in path.parents if parent.suffix == ".zarr"), path)
    whole, source = path.read_bytes(), random.Random(11)
    said: list[str] = []
    for _ in range(150):
        path.write_bytes(damaged(whole, source))
        try:
            scan = open_source(store)
            scan((0, 0, 0), tuple(min(size, 20) for size in scan.shape))
        except (ValueError, OSError) as error:
            said.append(str(error))
    assert len(said) > 20
    assert all(said)
