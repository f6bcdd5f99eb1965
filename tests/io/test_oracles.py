"""h5py and zarr as oracles: any shape, dtype, byte order, chunking, order of axes and channel."""

from itertools import permutations

import h5py
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poroscale.io.opening import open_source

DTYPES = [f"{order}{kind}" for order in "<>" for kind in ("u2", "i4", "u8", "f4", "f8")]
DTYPES += ["u1", "i1", "<f2"]
QUICK = settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def stored(draw):
    """Names, sizes, chunks and dtype of a stored array, and the channel that is taken."""
    names = list(draw(st.sampled_from(list(permutations("zyx")))))
    sizes = {axis: draw(st.integers(1, 6)) for axis in "zyx"}
    others = draw(st.sampled_from([(), ("c",), ("t", "c")]))
    for other in others:
        names.insert(draw(st.integers(0, len(names))), other)
        sizes[other] = 1
    channel = None
    if "c" in others and draw(st.booleans()):
        sizes["c"] = draw(st.integers(2, 3))
        channel = draw(st.integers(0, sizes["c"] - 1))
    shape = tuple(sizes[name] for name in names)
    chunks = tuple(draw(st.integers(1, size)) for size in shape)
    return tuple(names), shape, chunks, np.dtype(draw(st.sampled_from(DTYPES))), channel


def values(shape, dtype):
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return (numbers % 120 - (20 if dtype.kind != "u" else 0)).astype(dtype)


def meant(array, names, channel):
    """What numpy makes of it: one channel, then z, y, x."""
    for number in sorted(range(len(names)), reverse=True):
        if names[number] not in "zyx":
            array = array.take(channel if names[number] == "c" and channel else 0, axis=number)
    left = [name for name in names if name in "zyx"]
    return array.transpose([left.index(axis) for axis in "zyx"])


def compare(source, theirs, data):
    assert source.shape == theirs.shape
    assert source.dtype == theirs.dtype.newbyteorder("=")
    np.testing.assert_array_equal(source((0, 0, 0), source.shape), theirs)
    corner = tuple(data.draw(st.integers(0, n - 1)) for n in source.shape)
    size = tuple(
        data.draw(st.integers(1, n - o)) for n, o in zip(source.shape, corner, strict=True)
    )
    box = tuple(slice(o, o + n) for o, n in zip(corner, size, strict=True))
    found = source(corner, size)
    assert found.flags.c_contiguous
    assert found.flags.writeable
    np.testing.assert_array_equal(found, theirs[box])


@QUICK
@given(stored(), st.sampled_from([None, "gzip", "lzf"]), st.data())
def test_hdf5(tmp_path, case, compression, data):
    names, shape, chunks, dtype, channel = case
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset(
            "d", data=values(shape, dtype), chunks=chunks, compression=compression
        )
        for dim, name in zip(made.dims, names, strict=True):
            dim.label = name
    source = open_source(path, dataset="d", channel=channel)
    with h5py.File(path) as file:
        compare(source, meant(file["d"][...], names, channel), data)


@QUICK
@given(stored(), st.sampled_from([2, 3]), st.data())
def test_zarr(tmp_path, case, version, data):
    names, shape, chunks, dtype, channel = case
    path = tmp_path / "scan.zarr"
    made = zarr.create_array(
        path,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        zarr_format=version,
        dimension_names=names if version == 3 else None,
        overwrite=True,
    )
    made[...] = values(shape, dtype)
    if version == 2:
        made.attrs["_ARRAY_DIMENSIONS"] = list(names)
    source = open_source(path, channel=channel)
    compare(source, meant(zarr.open_array(path, mode="r")[...], names, channel), data)


@pytest.mark.parametrize("order", ["C", "F"])
@QUICK
@given(
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    dtype=st.sampled_from(DTYPES),
    packed=st.booleans(),
    data=st.data(),
)
def test_npz(tmp_path, order, shape, dtype, packed, data):
    path = tmp_path / "scan.npz"
    array = np.asarray(values(shape, np.dtype(dtype)), order=order)
    (np.savez_compressed if packed else np.savez)(path, array)
    with np.load(path) as file:
        compare(open_source(path, scratch=tmp_path / "scratch"), file["arr_0"], data)
