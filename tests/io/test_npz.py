import zipfile

import numpy as np
import pytest

from poroscale.io.ingest import ingest
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scan.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.float32, bool])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_only_array(path, tmp_path, voxels, reads_like, *, save, dtype, order):
    array = (
        (voxels() % 2).astype(dtype) if dtype is bool else voxels(np.dtype(dtype).newbyteorder("="))
    )
    save(path, np.asarray(array, dtype, order=order))
    native = np.dtype(np.uint8 if dtype is bool else dtype).newbyteorder("=")
    assert open_source(path).shape == array.shape
    source = open_source(path, scratch=tmp_path / "scratch")
    assert source.fingerprint()["file"] == "scan.npz"
    reads_like(source, array.astype(native), examples=3)


def test_one_of_several_by_name(path, voxels, reads_like):
    np.savez(path, a=voxels(), b=voxels()[::-1])
    with pytest.raises(ValueError, match=r"scan\.npz: .* got a, b; name it: scan\.npz::name"):
        open_source(path)
    reads_like(open_source(f"{path}::b"), voxels()[::-1], examples=3)


def test_ingest_unpacks_and_tidies_up(path, tmp_path, voxels):
    np.savez_compressed(path, voxels())
    with pytest.raises(ValueError, match="is compressed and cannot be read box by box"):
        open_source(path)((0, 0, 0), (1, 1, 1))
    volume = ingest(path, tmp_path / "out.zarr", config=IngestConfig(voxel_size=1.0))
    np.testing.assert_array_equal(volume.read(), voxels())
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out.zarr", "scan.npz"]


def test_damaged_or_foreign(path, tmp_path, voxels):
    np.savez(path, voxels())
    whole = path.read_bytes()
    for broken in (whole[:-40], b"nothing of the kind"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"scan\.npz: not a complete \.npz file"):
            open_source(path)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.npy", whole[:20])
    with pytest.raises(ValueError, match=r"scan\.npz: not a \.npy file"):
        open_source(path)
    with zipfile.ZipFile(path, "w") as packed:
        np.save(tmp_path / "a.npy", voxels())
        packed.writestr("a.npy", (tmp_path / "a.npy").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"scan\.npz is truncated: a\.npy needs"):
        open_source(path)


def test_nothing_is_unpickled(path):
    np.savez(path, np.array([{"a": 1}], object))
    with pytest.raises(ValueError, match="voxels must be integers or floats, got object"):
        open_source(path)


def test_trailing_axes_of_length_one(path, voxels, reads_like):
    np.savez(path, voxels()[..., None])
    reads_like(open_source(path), voxels(), examples=3)
