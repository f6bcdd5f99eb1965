"""Damaged files of each container format: an error with a sentence, or what its library reads.

A mutant is cut, has bytes changed, or a piece that is lost or doubled. What is accepted must be
what the format's own library reads from the same mutant; there is no traceback, and no hang.
"""

import json
import random
import zipfile

import h5py
import numpy as np
import pytest
import zarr

from poroscale.io.height_map import read_height_map
from poroscale.io.opening import open_source
from tests.io.flat.test_txm import write_txm
from tests.io.slices.test_dicom import series
from tests.io.test_height_map import al3d, opd

SHAPE = (6, 20, 30)
SEED = 20


def voxels_of(shape=SHAPE):
    return np.random.default_rng(7).integers(0, 4000, shape, np.uint16)


def hdf5_packed(folder):
    path = folder / "scan.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "entry/data", data=voxels_of(), chunks=(2, 10, 10), compression=1, shuffle=True
        )
        data.attrs["element_size_um"] = (1.0, 2.0, 3.0)
    return path


def hdf5_flat(folder):
    path = folder / "scan.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["data"] = voxels_of()
        file["data"].dims[0].label = "z"
        file["data"].dims[1].label = "y"
        file["data"].dims[2].label = "x"
    return path


def read_hdf5(path):
    with h5py.File(path, "r") as file:
        found = []
        file.visititems(lambda _, item: found.append(item) if hasattr(item, "shape") else None)
        (data,) = (item for item in found if len(item.shape) >= 3)
        said = data.attrs.get("DIMENSION_LABELS", ())
        labels = [word if isinstance(word, str) else bytes(word).decode("latin-1") for word in said]
        return data[...], labels if set(labels) == set("zyx") else None


def zarr_group(folder, version):
    path = folder / "scan.zarr"
    group = zarr.create_group(path, zarr_format=version)
    group.create_array("0", data=voxels_of(), chunks=(3, 10, 30))
    scale = {"type": "scale", "scale": [1.0, 2.0, 3.0]}
    datasets = [{"path": "0", "coordinateTransformations": [scale]}]
    axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]
    body = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": datasets}]}
    group.attrs.update(body if version == 2 else {"ome": body})
    return path


def zarr_2(folder):
    return zarr_group(folder, 2)


def zarr_3(folder):
    return zarr_group(folder, 3)


def zarr_shards(folder):
    path = folder / "scan.zarr"
    zarr.create_array(path, data=voxels_of(), chunks=(3, 10, 10), shards=(6, 20, 30))
    return path


def zarr_zip(folder):
    path = zarr_shards(folder)
    target = folder / "scan.zarr.zip"
    with zipfile.ZipFile(target, "w") as packed:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                packed.write(file, file.relative_to(path))
    return target


def read_zarr(path):
    node = zarr.open(zarr.storage.ZipStore(path, mode="r") if path.is_file() else path, mode="r")
    if isinstance(node, zarr.Array):
        return node[...], node.metadata.dimension_names
    image = node.attrs.get("ome", node.attrs).get("multiscales", [None])[0]
    if image is None:
        ((_, array),) = node.arrays()
        return array[...], None
    names = [axis["name"] for axis in image["axes"]]
    return zarr.open_array(path / image["datasets"][0]["path"], mode="r")[...], names


def npz(folder):
    np.savez(folder / "scan.npz", voxels_of())
    return folder / "scan.npz"


def npz_packed(folder):
    np.savez_compressed(folder / "scan.npz", voxels_of())
    return folder / "scan.npz"


def read_npz(path):
    with np.load(path) as file:
        (name,) = file.files
        return file[name], None


def dicom(folder):
    tags = {"RescaleSlope": 1, "RescaleIntercept": -10}
    return series(folder / "scan", voxels_of(), **tags)


def read_dicom(path):
    import pydicom
    from pydicom.pixels import apply_rescale

    slices = [pydicom.dcmread(file) for file in path.iterdir()]
    slices.sort(key=lambda header: float(header.ImagePositionPatient[2]))
    return np.stack([apply_rescale(header.pixel_array, header) for header in slices]), None


def txm(folder):
    return write_txm(folder / "scan.txm", voxels_of((3, 64, 65)))


def read_txm(path):
    import olefile

    with olefile.OleFileIO(path) as ole:
        z, y, x = (
            int.from_bytes(ole.openstream(f"ImageInfo/{name}").read(4), "little")
            for name in ("NoOfImages", "ImageHeight", "ImageWidth")
        )
        kind = {3: "u1", 5: "<u2", 10: "<f4"}[ole.openstream("ImageInfo/DataType").read(1)[0]]
        planes = [ole.openstream(f"ImageData1/Image{k + 1}").read() for k in range(z)]
    return np.stack([np.frombuffer(plane, kind).reshape(y, x) for plane in planes]), None


def vol_info(folder):
    text = "! PyHST_SLAVE VOLUME INFO FILE\nNUM_X = 30\nNUM_Y = 20\nNUM_Z = 6\nDATA_TYPE = uint16\n"
    (folder / "scan.vol").write_bytes(voxels_of().tobytes())
    (folder / "scan.vol.info").write_text(text)
    return folder / "scan.vol.info"


def read_vol_info(path):
    lines = path.read_text("latin-1").splitlines()
    entries = dict(map(str.strip, line.lower().split("=", 1)) for line in lines if "=" in line)
    sizes = [int(entries[f"num_{axis}"]) for axis in "zyx"]
    voxels = np.fromfile(path.with_name("scan.vol"), entries.get("data_type", "uint16"))
    return voxels.reshape(sizes), None


VOLUMES = {
    hdf5_packed: read_hdf5,
    hdf5_flat: read_hdf5,
    zarr_2: read_zarr,
    zarr_3: read_zarr,
    zarr_shards: read_zarr,
    zarr_zip: read_zarr,
    npz: read_npz,
    npz_packed: read_npz,
    dicom: read_dicom,
    txm: read_txm,
    vol_info: read_vol_info,
}


def mutant(data, source):
    """`data` cut short, with bytes changed, or with a piece lost or doubled."""
    kind = source.random()
    if kind < 0.15:
        return data[: source.randrange(len(data))]
    if kind < 0.3:
        start = source.randrange(len(data))
        piece = data[start : start + source.randrange(1, 40)]
        rest = data[start + len(piece) :]
        return data[:start] + (piece + piece if source.random() < 0.5 else b"") + rest
    changed = bytearray(data)
    reach = len(data) if source.random() < 0.6 else min(len(data), 600)
    for _ in range(source.choice((1, 1, 2, 8))):
        changed[source.randrange(reach)] = source.choice((0, 255, 48, source.randrange(256)))
    return bytes(changed)


def as_volume(array, names):
    """What a library read, as (z, y, x)."""
    if names is not None and {"y", "x"} <= set(names):
        array = array.transpose([list(names).index(axis) for axis in "zyx" if axis in names])
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    return array[None] if array.ndim == 2 else array


def judge(path, scratch, read):
    """True for a file that is read as its library reads it, None for one refused in words."""
    try:
        source = open_source(path, scratch=scratch)
        shape = tuple(min(size, 70) for size in source.shape)
        found = source((0, 0, 0), shape)
    except (ValueError, OSError) as error:
        return None if str(error).strip() else False
    theirs = as_volume(*read(path))
    assert source.shape == theirs.shape
    box = tuple(slice(0, size) for size in shape)
    np.testing.assert_array_equal(found, theirs[box])
    return True


def try_mutants(folder, write, count):
    path = write(folder)
    files = sorted(file for file in ([path] if path.is_file() else path.rglob("*")))
    files = [file for file in files if file.is_file()]
    source, accepted, scratch = random.Random(SEED), 0, folder / "scratch"
    assert judge(path, scratch, VOLUMES[write])
    for number in range(count):
        file = source.choice(files)
        whole = file.read_bytes()
        file.write_bytes(mutant(whole, source))
        try:
            verdict = judge(path, scratch / str(number), VOLUMES[write])
            if verdict is False:
                raise AssertionError("it is refused without a word")
            accepted += verdict is not None
        except Exception as error:
            (folder / "mutant").write_bytes(file.read_bytes())
            raise AssertionError(f"mutant {number} of {file.name}: {error!r}") from error
        file.write_bytes(whole)
    return accepted


@pytest.mark.filterwarnings("ignore")  # libraries warn on the way to their errors
@pytest.mark.parametrize("write", VOLUMES, ids=lambda write: write.__name__)
def test_some_mutants(tmp_path, write):
    assert try_mutants(tmp_path, write, 12) < 12


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("write", VOLUMES, ids=lambda write: write.__name__)
def test_many_mutants(tmp_path, write):
    assert try_mutants(tmp_path, write, 200) < 200


@pytest.mark.parametrize("write", [opd, al3d], ids=lambda write: write.__name__)
def test_mutants_of_height_maps(tmp_path, write):
    heights = np.random.default_rng(3).normal(size=(5, 7)).astype(np.float32)
    path = tmp_path / f"map.{write.__name__}"
    write(path, heights, *([2e38] if write is opd else []))
    whole, source, refused = path.read_bytes(), random.Random(SEED), 0
    for _ in range(200):
        path.write_bytes(mutant(whole, source))
        try:
            found = read_height_map(path)
        except ValueError as error:
            refused += str(error).startswith(path.name)
        else:
            assert found.heights.ndim == 2
            assert min(found.pitch) > 0
    assert refused > 20


def test_mutants_of_json_are_reproducible():
    data = json.dumps({"a": list(range(50))}).encode()
    first, second = (mutant(data, random.Random(SEED)) for _ in range(2))
    assert first == second != data
