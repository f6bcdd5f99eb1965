import tracemalloc

import h5py
import numpy as np
import pytest
import tifffile

from poroscale.io.opening import open_source
from poroscale.io.read.cast import Cast
from poroscale.io.read.source import as_shape
from poroscale.io.read.wrappers import Crop, Masked, rotated

SHAPE = (64, 200, 300)


def sources(folder, array):
    """One source of every kind that does its own reading."""
    np.save(folder / "scan.npy", array)
    yield "flat", open_source(folder / "scan.npy")
    (folder / "slices").mkdir()
    for z, plane in enumerate(array):
        tifffile.imwrite(folder / "slices" / f"{z}.tif", plane, compression="zlib")
    yield "slices", open_source(folder / "slices")
    tifffile.imwrite(folder / "stack.tif", array, compression="zlib", rowsperstrip=16)
    yield "stack", open_source(folder / "stack.tif")
    with h5py.File(folder / "scan.h5", "w") as file:
        file.create_dataset("data", data=array, chunks=(8, 50, 50), compression=1)
    yield "hdf5", open_source(folder / "scan.h5")
    flat = open_source(folder / "scan.npy")
    yield "turned", rotated(flat, "y")
    yield "masked", Masked.of(flat, flat, 0)
    scale = {"overflow": "scale", "levels": (0, 65535)}
    yield "scaled", Cast.of(flat, np.dtype("u1"), **scale)
    yield "clipped", Cast.of(flat, np.dtype("u1"), overflow="clip")


def peak_of(source, origin, shape):
    source(origin, shape)  # imports and caches are no working memory
    tracemalloc.start()
    try:
        source(origin, shape)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("part", [1, 2])
def test_a_read_takes_no_more_than_it_states(tmp_path, voxels, part):
    for name, source in sources(tmp_path, voxels(np.uint16, SHAPE)):
        shape = tuple(max(1, n // part) for n in source.shape)
        allowed = np.prod(shape) * (source.dtype.itemsize + source.temporary)
        plane = 4 * SHAPE[1] * SHAPE[2]
        assert peak_of(source, (0, 0, 0), shape) < allowed + plane + 200_000, name


def test_a_thin_box_does_not_pull_in_the_volume(tmp_path, voxels):
    array = voxels(np.uint16, SHAPE)
    for name, source in sources(tmp_path, array):
        if name == "turned":
            continue  # a slice across the stored ones touches all of them
        assert peak_of(source, (7, 0, 0), (1, *SHAPE[1:])) < array.nbytes / 6, name


def test_crops_stack(tmp_path, voxels, reads_like):
    np.save(tmp_path / "scan.npy", voxels())
    crop = Crop.of(rotated(open_source(tmp_path / "scan.npy"), "x"), (3, 1, 2), (5, 4, 6))
    reads_like(crop, voxels().transpose(2, 0, 1)[3:8, 1:5, 2:8])


@pytest.mark.parametrize(
    ("sizes", "shape"), [((5, 6), (1, 5, 6)), ((4, 5, 6), (4, 5, 6)), ((1, 1, 4, 5, 6), (4, 5, 6))]
)
def test_shapes(sizes, shape):
    assert as_shape(sizes, "f") == shape


@pytest.mark.parametrize("sizes", [(5,), (2, 3, 4, 5), (0, 3, 4), ()])
def test_shapes_of_no_volume(sizes):
    with pytest.raises(ValueError, match="f: "):
        as_shape(sizes, "f")
