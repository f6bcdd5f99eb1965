import numpy as np
import pytest

from poroscale.io.opening import open_source


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "|u1", "<f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_numpy_writes(tmp_path, voxels, reads_like, dtype, order):
    array = voxels(np.dtype(dtype).newbyteorder("="))
    np.save(tmp_path / "scan.npy", np.array(array.astype(dtype), order=order))
    source = open_source(tmp_path / "scan.npy")
    assert source.voxel_size is None
    reads_like(source, array)


def test_one_plane_and_booleans(tmp_path, voxels, reads_like):
    mask = voxels(np.uint8)[0] > 100
    np.save(tmp_path / "mask.npy", mask)
    reads_like(open_source(tmp_path / "mask.npy"), mask[None].astype(np.uint8))


@pytest.mark.parametrize(
    "array",
    [np.zeros(5), np.zeros((2, 3, 4, 5)), np.zeros((0, 3, 4)), np.zeros((2, 2, 2), complex)],
    ids=["1D", "4D", "empty", "complex"],
)
def test_what_is_no_volume(tmp_path, array):
    np.save(tmp_path / "scan.npy", array)
    with pytest.raises(ValueError, match=r"scan\.npy: "):
        open_source(tmp_path / "scan.npy")


def test_pickles_are_never_read(tmp_path):
    np.save(tmp_path / "scan.npy", np.array([[[{}]]], object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"scan\.npy: voxels must be integers or floats"):
        open_source(tmp_path / "scan.npy")


def test_truncated(tmp_path, voxels):
    np.save(tmp_path / "scan.npy", voxels())
    whole = (tmp_path / "scan.npy").read_bytes()
    for length in (0, 5, 40, len(whole) - 1):
        (tmp_path / "scan.npy").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"scan\.npy"):
            open_source(tmp_path / "scan.npy")


def test_file_cut_while_it_is_open(tmp_path, voxels):
    np.save(tmp_path / "scan.npy", voxels())
    source = open_source(tmp_path / "scan.npy")
    (tmp_path / "scan.npy").write_bytes((tmp_path / "scan.npy").read_bytes()[:900])
    for box in (((0, 0, 0), source.shape), ((6, 1, 1), (1, 2, 3))):
        with pytest.raises(OSError, match=r"scan\.npy: the file ends"):
            source(*box)


@pytest.mark.parametrize(
    "box", [((-1, 0, 0), (1, 1, 1)), ((0, 0, 0), (8, 1, 1)), ((0, 0, 0), (1, 0, 1))]
)
def test_boxes_outside(tmp_path, voxels, box):
    np.save(tmp_path / "scan.npy", voxels())
    with pytest.raises(ValueError, match="the box must lie inside"):
        open_source(tmp_path / "scan.npy")(*box)
