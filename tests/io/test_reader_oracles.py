"""What a format's own library reads is what is read here, for any shape, type and layout."""

import numpy as np
import pytest
import tifffile
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from poroscale.io.flat.metaimage import ELEMENT_TYPES
from poroscale.io.opening import open_source

INTEGERS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
FLOATS = ["f4", "f8"]
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 19), st.integers(1, 19))
many = settings(max_examples=60, deadline=None, database=None)


def array_of(shape, dtype, seed):
    dtype = np.dtype(dtype)
    random = np.random.default_rng(seed)
    if dtype.kind == "f":
        return random.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def whole(source):
    return source((0, 0, 0), source.shape)


def same(source, expected):
    assert source.shape == expected.shape
    assert source.dtype == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(whole(source), expected)
    z, y, x = (size // 2 for size in source.shape)
    part = source((z, y, x), tuple(np.subtract(source.shape, (z, y, x)).tolist()))
    np.testing.assert_array_equal(part, expected[z:, y:, x:])


@many
@given(
    SHAPES,
    st.sampled_from([*INTEGERS, *FLOATS, "f2"]),
    st.sampled_from(["plain", "one by one", "imagej", "ome", "bigtiff"]),
    st.sampled_from("<>"),
    st.sampled_from([None, "zlib", "lzw", "packbits", "zstd"]),
    st.sampled_from([{}, {"rowsperstrip": 3}, {"tile": (16, 16)}]),
    st.booleans(),
    st.integers(0, 9),
)
def test_tiff(
    tmp_path_factory, shape, dtype, kind, byteorder, compression, layout, predicted, seed
):
    array = array_of(shape, dtype, seed)
    how = {"compression": compression, "photometric": "minisblack", **layout}
    if predicted and compression in {"zlib", "lzw"} and dtype not in {"f2", "f4", "f8"}:
        how["predictor"] = 2
    if kind == "imagej":
        assume(dtype in {"u1", "u2", "f4"} and compression is None and not layout)
    if kind == "ome":
        assume(dtype not in {"u8", "i8", "f2"})
    assume(min(shape[1:]) > 1 or kind == "one by one")  # tifffile writes other planes then
    path = tmp_path_factory.getbasetemp() / "oracle.tif"
    with tifffile.TiffWriter(
        path,
        imagej=kind == "imagej",
        ome=kind == "ome",
        bigtiff=kind == "bigtiff",
        byteorder=byteorder,
    ) as file:
        if kind == "one by one":
            for plane in array:
                file.write(plane, metadata=None, **how)
        else:
            file.write(array, metadata={"axes": "ZYX"}, **how)
    expected = tifffile.imread(path)
    np.testing.assert_array_equal(expected.reshape(shape), array)
    same(open_source(path), array)


@many
@given(
    st.permutations("ZYX"),
    SHAPES,
    st.sampled_from(["u1", "u2", "f4"]),
    st.sampled_from([None, "zlib"]),
    st.integers(0, 9),
)
def test_tiff_axes(tmp_path_factory, axes, shape, dtype, compression, seed):
    array = array_of(shape, dtype, seed)
    assume(compression is None or min(shape) > 1)  # tifffile writes other planes then
    order = ["ZYX".index(axis) for axis in axes]
    path = tmp_path_factory.getbasetemp() / "axes.tif"
    tifffile.imwrite(
        path,
        np.ascontiguousarray(array.transpose(order)),
        metadata={"axes": "".join(axes)},
        compression=compression,
        photometric="minisblack",
    )
    with tifffile.TiffFile(path) as file:
        assume(file.series[0].axes == "".join(axes) and len(file.series) == 1)
    same(open_source(path), array)


@many
@given(
    st.lists(st.integers(1, 7), min_size=3, max_size=5),
    st.sampled_from([*INTEGERS, *FLOATS]),
    st.sampled_from("<>"),
    st.sampled_from([".nii", ".nii.gz", ".img"]),
    st.sampled_from([1, 2]),
    st.integers(0, 9),
)
def test_nifti(tmp_path_factory, shape, dtype, byteorder, suffix, version, seed):
    nibabel = pytest.importorskip("nibabel", reason="the extra 'io' is not installed")
    assume(np.prod(shape[3:], dtype=int) <= 4)
    array = array_of(shape, dtype, seed)
    kinds = {1: (nibabel.Nifti1Image, nibabel.Nifti1Pair), 2: (nibabel.Nifti2Image,) * 2}
    kind = kinds[version][suffix == ".img"]
    assume(not (version == 2 and suffix == ".img"))
    folder = tmp_path_factory.mktemp("nifti")
    path = folder / f"scan{suffix}"
    header = kind.header_class(endianness=byteorder)
    header.set_data_dtype(np.dtype(dtype).newbyteorder(byteorder))
    nibabel.save(kind(array, np.eye(4), header), path)
    volumes = int(np.prod(shape[3:], dtype=int))
    found = np.asarray(nibabel.load(path).dataobj).reshape(*shape[:3], volumes, order="F")
    for channel in range(volumes):
        source = open_source(
            path, channel=channel if volumes > 1 else None, scratch=folder / "scratch"
        )
        same(source, found[..., channel].T)


@many
@given(
    SHAPES,
    st.sampled_from([*INTEGERS, *FLOATS]),
    st.sampled_from("<>"),
    st.sampled_from(["raw", "gzip", "bzip2"]),
    st.sampled_from([".nrrd", ".nhdr"]),
    st.sampled_from("CF"),
    st.integers(0, 9),
)
def test_nrrd(tmp_path_factory, shape, dtype, byteorder, encoding, suffix, order, seed):
    nrrd = pytest.importorskip("nrrd", reason="the extra 'io' is not installed")
    array = array_of(shape, dtype, seed).astype(np.dtype(dtype).newbyteorder(byteorder))
    folder = tmp_path_factory.mktemp("nrrd")
    path = str(folder / f"scan{suffix}")
    nrrd.write(path, array, {"encoding": encoding}, index_order=order)
    found = nrrd.read(path, index_order="C")[0]
    same(open_source(path, scratch=folder / "scratch"), found)


@many
@given(
    SHAPES,
    st.sampled_from([*INTEGERS, *FLOATS]),
    st.booleans(),
    st.sampled_from([".mha", ".mhd"]),
    st.integers(0, 9),
)
def test_metaimage(tmp_path_factory, shape, dtype, packed, suffix, seed):
    itk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")
    array = array_of(shape, dtype, seed)
    image = itk.GetImageFromArray(array)
    image.SetSpacing((0.002, 0.003, 0.004))
    image.SetOrigin((0.004, 0.009, 0.02))
    folder = tmp_path_factory.mktemp("metaimage")
    path = folder / f"scan{suffix}"
    itk.WriteImage(image, str(path), useCompression=packed)
    source = open_source(path, scratch=folder / "scratch")
    assert source.voxel_size == (4.0, 3.0, 2.0)
    assert source.origin == (5, 3, 2)
    same(source, itk.GetArrayFromImage(itk.ReadImage(str(path))))


@many
@given(
    SHAPES,
    st.sampled_from([*INTEGERS, *FLOATS]),
    st.booleans(),
    st.sampled_from(["one", "in front", "list", "pattern", "header of any length"]),
    st.integers(0, 9),
)
def test_metaimage_by_its_specification(tmp_path_factory, shape, dtype, big, how, seed):
    array = array_of(shape, dtype, seed)
    stored = array.astype(array.dtype.newbyteorder(">" if big else "<"))
    folder = tmp_path_factory.mktemp("metaimage")
    head = f"ObjectType = Image\nNDims = 3\nBinaryDataByteOrderMSB = {big}\n"
    head += f"DimSize = {' '.join(map(str, shape[::-1]))}\n"
    head += f"ElementType = {ELEMENT_TYPES[array.dtype]}\n"
    names = [f"p{z:02d}.raw" for z in range(shape[0])]
    for name, plane in zip(names, stored, strict=True):
        (folder / name).write_bytes(plane.tobytes())
    skipped = b"x" * 37 if how == "header of any length" else b""
    (folder / "all.raw").write_bytes(skipped + stored.tobytes())
    data = {
        "one": "all.raw",
        "list": "\n".join(["LIST", *names]),
        "pattern": f"p%02d.raw 0 {shape[0] - 1} 1",
        "header of any length": "all.raw",
    }
    if how == "in front":
        (folder / "scan.mha").write_bytes(
            (head + "ElementDataFile = LOCAL\n").encode() + stored.tobytes()
        )
        same(open_source(folder / "scan.mha"), array)
        return
    head += "HeaderSize = -1\n" if skipped else ""
    (folder / "scan.mhd").write_text(f"{head}ElementDataFile = {data[how]}\n")
    same(open_source(folder / "scan.mhd"), array)


@many
@given(
    SHAPES,
    st.sampled_from(["1", "L", "LA", "RGB", "RGBA", "I;16", "P"]),
    st.sampled_from([".png", ".bmp", ".tif"]),
    st.integers(0, 9),
)
def test_pictures(tmp_path_factory, shape, mode, suffix, seed):
    assume(suffix == ".png" or mode in {"L", "RGB"} or (suffix == ".tif" and mode == "I;16"))
    grey = array_of(shape[1:], "u2" if mode == "I;16" else "u1", seed)
    if mode == "1":
        grey = (grey > 99).astype(np.uint8)
        picture = Image.fromarray(grey.astype(bool))
    else:
        picture = Image.fromarray(grey)
    if mode in {"LA", "RGB", "RGBA", "P"}:
        picture = picture.convert(mode)
    path = tmp_path_factory.getbasetemp() / f"picture{suffix}"
    picture.save(path)
    found = np.asarray(Image.open(path).convert("L")) if mode != "I;16" else grey
    same(open_source(path), (found // 255 if mode == "1" else found)[None])
