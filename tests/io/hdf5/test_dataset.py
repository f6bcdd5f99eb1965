import h5py
import numpy as np
import pytest

from poroscale.io.opening import open_source


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scan.h5"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float32])
@pytest.mark.parametrize("how", [{}, {"chunks": (3, 4, 5), "compression": "gzip"}], ids=str)
def test_the_only_volume_is_found(path, voxels, reads_like, dtype, how):
    array = voxels(np.dtype(dtype).newbyteorder("="))
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/data", data=array.astype(dtype), **how)
        file["entry/angles"] = np.arange(7.0)
    reads_like(open_source(path), array)


def test_one_of_several_by_name(path, voxels, reads_like):
    with h5py.File(path, "w") as file:
        file["a"], file["b"] = voxels(), voxels()[:, ::-1]
    with pytest.raises(ValueError, match=r"scan\.h5: .*got several \(/a, /b\).*scan\.h5::"):
        open_source(path)
    with pytest.raises(ValueError, match=r"there is no dataset '/c'; volumes: /a, /b"):
        open_source(f"{path}::/c")
    reads_like(open_source(f"{path}::/b"), voxels()[:, ::-1])
    assert open_source(path, dataset="b") == open_source(f"{path}::/b")


def test_one_plane_and_leading_axes(path, voxels, reads_like):
    with h5py.File(path, "w") as file:
        file["volume"] = voxels()[None, None]
        file["plane"] = voxels()[0]
    reads_like(open_source(path), voxels())
    reads_like(open_source(f"{path}::plane"), voxels()[:1])


def write(path, array, **attributes):
    with h5py.File(path, "w") as file:
        file["data"] = array
        file["data"].attrs.update(attributes)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"element_size_um": [10.0, 3.5, 4.87]}, (10.0, 3.5, 4.87)),
        ({"voxel_size": 0.00487, "units": "mm"}, (4.87,) * 3),
        ({"pixel_size": [500, 500, 700], "unit": b"nm"}, (0.5, 0.5, 0.7)),
        ({"resolution": [2.0], "resolution_units": "um"}, (2.0,) * 3),
        ({"voxel_size": 3.0}, None),
        ({}, None),
    ],
)
def test_voxel_size_on_the_dataset(path, voxels, attributes, size):
    write(path, voxels(), **attributes)
    assert open_source(path).voxel_size == size


def test_voxel_size_from_nexus_axes(path, voxels):
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/data")
        group["data"] = voxels()
        group.attrs["axes"] = ["z", "y", "x"]
        for axis, step, size in zip("zyx", (0.01, 0.0035, 0.00487), (7, 11, 13), strict=True):
            group[axis] = 5 + step * np.arange(size)
            group[axis].attrs["units"] = "mm"
    assert open_source(path).voxel_size == (10.0, 3.5, 4.87)


def test_voxel_size_beside_the_dataset(path, voxels):
    with h5py.File(path, "w") as file:
        file["entry/data"] = voxels()
        file["entry/pixel_size"] = 4.87e-6
        file["entry/pixel_size"].attrs["units"] = "m"
        file["entry/z_pixel_size"] = 9.0
        file["entry/z_pixel_size"].attrs["units"] = "um"
    assert open_source(path).voxel_size == (9.0, 4.87, 4.87)


def test_truncated_or_foreign(path, voxels):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=voxels(), chunks=(1, 11, 13))
    whole = path.read_bytes()
    for broken in (whole[:100], whole[:-50], b"nothing of the kind"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"scan\.h5: not a complete HDF5 file"):
            open_source(path)


def test_no_volume(path):
    with h5py.File(path, "w") as file:
        file["text"] = "hello"
    with pytest.raises(ValueError, match="must hold one volume, got none"):
        open_source(path)


def test_chunks_beyond_a_gibibyte(path):
    size = 1 << 31
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", (1, 1, size), np.uint8, chunks=(1, 1, size))
        data.id.write_direct_chunk((0, 0, 0), b"x", filter_mask=0)
    with pytest.raises(ValueError, match="chunks must be at most 1 GiB, got 2147483648"):
        open_source(path, dataset="data")
