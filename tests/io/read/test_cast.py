import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from poroscale.io.ingest import ingest
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source
from poroscale.io.read.cast import Cast
from poroscale.io.read.levels import clipped_to_dtype, fits, limits, rescaled

NARROW = ["uint8", "int8", "uint16", "int16", "uint32", "int32"]


def source_of(tmp_path, values):
    np.save(tmp_path / "scan.npy", np.asarray(values)[None, None])
    return open_source(tmp_path / "scan.npy")


def read(source):
    return source((0, 0, 0), source.shape).ravel()


def test_what_fits_is_kept(tmp_path):
    source = source_of(tmp_path, np.array([0, 7, 255], np.uint16))
    cast = Cast.of(source, np.dtype("u1"))
    assert cast.dtype == np.uint8
    np.testing.assert_array_equal(read(cast), [0, 7, 255])


@pytest.mark.parametrize(
    "values",
    [np.array([0, 256], np.uint16), np.array([-1, 5], np.int16), np.array([0.5], np.float32)],
    ids=str,
)
def test_what_does_not_fit_is_refused_not_wrapped(tmp_path, values):
    source = source_of(tmp_path, values)
    with pytest.raises(ValueError, match=r"scan\.npy: values .* do not fit uint8"):
        read(Cast.of(source, np.dtype("u1")))


def test_clip_and_scale(tmp_path):
    source = source_of(tmp_path, np.array([-5.0, 0.4, 100.6, 300.0], np.float32))
    clip = Cast.of(source, np.dtype("u1"), overflow="clip")
    np.testing.assert_array_equal(read(clip), [0, 0, 101, 255])
    scale = Cast.of(source, np.dtype("u2"), overflow="scale", levels=(-5, 300))
    np.testing.assert_array_equal(read(scale)[[0, 3]], [0, 65535])
    unit = Cast.of(source, np.dtype("f4"), overflow="scale", levels=(0, 100))
    np.testing.assert_allclose(read(unit), [0, 0.004, 1, 1], rtol=1e-6)


@pytest.mark.parametrize(
    "how",
    [
        {"dtype": np.dtype("u1"), "overflow": "scale"},
        {"dtype": np.dtype("u1"), "levels": (0, 1)},
        {"dtype": np.dtype("u1"), "overflow": "scale", "levels": (3, 3)},
        {"dtype": np.dtype("i8")},
        {"dtype": np.dtype("c8")},
    ],
    ids=str,
)
def test_settings_that_do_not_go_together(tmp_path, how):
    with pytest.raises(ValueError, match="must"):
        Cast.of(source_of(tmp_path, np.array([1], np.uint8)), how.pop("dtype"), **how)


@given(
    hnp.arrays(
        st.sampled_from([*NARROW, "uint64", "int64", "float32", "float64"]),
        5,
        elements=None,
        fill=st.nothing(),
    ).filter(lambda values: bool(np.isfinite(values).all())),
    st.sampled_from(NARROW),
)
def test_clipped_is_the_nearest_value(values, name):
    dtype = np.dtype(name)
    low, high = limits(dtype)
    expected = [min(max(round(value), low), high) for value in values.tolist()]
    assert clipped_to_dtype(values, dtype).tolist() == expected
    whole = all(value == round(value) for value in values.tolist())
    inside = all(low <= value <= high for value in values.tolist())
    assert fits(values, dtype) == (whole and inside)


@given(st.integers(-1000, 1000), st.integers(1, 1000), st.sampled_from(NARROW))
def test_rescaled_maps_the_ends_onto_the_ends(low, width, name):
    dtype = np.dtype(name)
    ends = np.array([low - 1, low, low + width, low + width + 1], np.int32)
    assert rescaled(ends, (low, low + width), dtype).tolist() == [
        limits(dtype)[0],
        limits(dtype)[0],
        limits(dtype)[1],
        limits(dtype)[1],
    ]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32])
def test_inverted_values(tmp_path, voxels, reads_like, dtype):
    from poroscale.io.read.cast import Inverted

    array = voxels(dtype)
    np.save(tmp_path / "scan.npy", array)
    if array.dtype.kind == "u":
        expected = np.iinfo(dtype).max - array
    else:
        expected = -array if array.dtype.kind == "f" else -1 - array
    inner = open_source(tmp_path / "scan.npy")
    source = Inverted.of(inner)
    reads_like(source, expected.astype(dtype), examples=4)
    assert source.fingerprint() != inner.fingerprint()


@pytest.mark.parametrize("kind", [bool, np.uint8])
def test_a_mask_is_not_inverted(tmp_path, kind):
    np.save(tmp_path / "mask.npy", np.random.default_rng(1).integers(0, 2, (3, 4, 5)).astype(kind))
    config = IngestConfig(voxel_size=1, invert=True)
    with pytest.raises(ValueError, match=r"mask\.npy: .* this is a mask of 0 and 1"):
        ingest(tmp_path / "mask.npy", tmp_path / "out.zarr", config=config)
    assert not (tmp_path / "out.zarr").exists()
