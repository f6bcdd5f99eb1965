import pickle

import numpy as np
import pytest
import tifffile

from poroscale.io.flat.voxels import FlatSource
from poroscale.io.opening import open_source
from poroscale.io.tiff.source import TiffSource


def write_slices(folder, array, **how):
    folder.mkdir()
    for z, plane in enumerate(array):
        tifffile.imwrite(folder / f"slice_{z}.tif", plane, **how)
    return folder


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"rowsperstrip": 4},
        {"compression": "zlib"},
        {"compression": "zlib", "rowsperstrip": 4, "predictor": True},
        {"tile": (16, 16), "compression": "zlib"},
        {"tile": (16, 16)},
    ],
    ids=str,
)
def test_slices(tmp_path, voxels, reads_like, *, dtype, byteorder, how):
    if how.get("predictor") and np.dtype(dtype).kind == "f":
        how = {**how, "predictor": False}
    array = voxels(dtype, (12, 21, 35))
    folder = write_slices(tmp_path / "scan", array, byteorder=byteorder, **how)
    reads_like(open_source(folder), array, examples=10)


@pytest.mark.parametrize("compression", ["lzw", "zstd", "packbits"])
def test_compressions_of_other_programs(tmp_path, voxels, reads_like, compression):
    array = voxels(np.uint16, (3, 21, 35))
    folder = write_slices(tmp_path / "scan", array, compression=compression)
    reads_like(open_source(folder), array)


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_multipage(tmp_path, voxels, reads_like, bigtiff, compression):
    array = voxels(np.uint16)
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, array, bigtiff=bigtiff, compression=compression)
    reads_like(open_source(path), array)


def test_pages_written_one_after_the_other(tmp_path, voxels, reads_like):
    array = voxels(np.uint16)
    with tifffile.TiffWriter(tmp_path / "scan.tif") as file:
        for plane in array:
            file.write(plane, metadata=None)
    source = open_source(tmp_path / "scan.tif")
    assert isinstance(source, TiffSource | FlatSource)
    reads_like(source, array)


def test_imagej_hyperstack_with_its_voxel_size(tmp_path, voxels, reads_like):
    array = voxels(np.uint16)
    tifffile.imwrite(
        tmp_path / "scan.tif",
        array,
        imagej=True,
        resolution=(1 / 4.87, 1 / 3.5),
        metadata={"axes": "ZYX", "spacing": 10.0, "unit": "um"},
    )
    source = open_source(tmp_path / "scan.tif")
    assert source.voxel_size == (10.0, 3.5, 4.87)
    reads_like(source, array)


def test_imagej_stack_with_a_single_directory(tmp_path, voxels, reads_like):
    """As ImageJ writes it beyond 4 GB."""
    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path, imagej=True) as file:
        file.write(voxels(), truncate=True)
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 1
    reads_like(open_source(path), voxels())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"scan\.tif"):
        open_source(path)


def test_ome_voxel_size_with_units(tmp_path, voxels):
    metadata = {
        "axes": "ZYX",
        "PhysicalSizeX": 0.00487,
        "PhysicalSizeXUnit": "mm",
        "PhysicalSizeY": 4870.0,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 9.5,
        "PhysicalSizeZUnit": "µm",
    }
    tifffile.imwrite(tmp_path / "scan.ome.tif", voxels(), ome=True, metadata=metadata)
    assert open_source(tmp_path / "scan.ome.tif").voxel_size == (9.5, 4.87, 4.87)


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        ((10000 / 4.87, 10000 / 4.87), "CENTIMETER", 4.87),
        ((25400 / 3.0, 25400 / 3.0), "INCH", 3.0),
        ((72, 72), "INCH", None),
        ((300, 300), "INCH", None),
        ((118.11, 118.11), "CENTIMETER", None),
        ((1, 1), "NONE", None),
    ],
)
def test_resolution_tags_unless_they_are_an_editors(tmp_path, voxels, resolution, unit, size):
    folder = write_slices(
        tmp_path / "scan", voxels(), resolution=resolution, resolutionunit=unit, metadata=None
    )
    assert open_source(folder).voxel_size == (None if size is None else (size,) * 3)


@pytest.mark.parametrize(("dpi", "size"), [(72, None), (300, None), (5215.6057, 4.87)])
def test_imagejs_inches_are_no_voxel_size_unless_they_can_be(tmp_path, voxels, dpi, size):
    tifffile.imwrite(
        tmp_path / "slice.tif",
        voxels()[0],
        imagej=True,
        resolution=(dpi, dpi),
        metadata={"unit": "inch"},
    )
    found = open_source(tmp_path / "slice.tif").voxel_size
    assert found == (None if size is None else pytest.approx((size,) * 3, rel=1e-6))


def test_one_image_is_one_slice(tmp_path, voxels, reads_like):
    array = voxels()[0]
    tifffile.imwrite(tmp_path / "slice.tif", array)
    reads_like(open_source(tmp_path / "slice.tif"), array[None])


@pytest.mark.parametrize("compression", [None, "packbits"])
def test_one_bit_images_become_zero_and_one(tmp_path, reads_like, compression):
    mask = np.random.default_rng(1).random((3, 16, 21)) < 0.5
    folder = write_slices(tmp_path / "mask", mask, compression=compression)
    reads_like(open_source(folder), mask.astype(np.uint8))
    tifffile.imwrite(tmp_path / "mask.tif", mask, compression=compression)
    reads_like(open_source(tmp_path / "mask.tif"), mask.astype(np.uint8))


def test_a_source_can_be_sent_to_another_process(tmp_path, voxels):
    folder = write_slices(tmp_path / "scan", voxels(), compression="zlib")
    source = open_source(folder)
    again = pickle.loads(pickle.dumps(source))
    assert again == source
    np.testing.assert_array_equal(again((1, 2, 3), (2, 3, 4)), source((1, 2, 3), (2, 3, 4)))


def test_fingerprint_has_no_path_and_sees_another_size(tmp_path, voxels):
    folder = write_slices(tmp_path / "scan", voxels())
    before = open_source(folder).fingerprint()
    assert str(tmp_path) not in str(before)
    tifffile.imwrite(folder / "slice_3.tif", voxels()[3], compression="zlib")
    assert open_source(folder).fingerprint() != before


def test_a_file_of_another_frame_is_read_by_itself(tmp_path, reads_like):
    voxels = np.arange(4 * 6 * 8, dtype=np.uint16).reshape(4, 6, 8)
    for k, image in enumerate(voxels):
        text = "a longer description" if k == 2 else "short"
        options = {"compression": "zlib"} if k == 3 else {}
        tifffile.imwrite(tmp_path / f"s_{k}.tif", image, description=text, metadata=None, **options)
    reads_like(open_source(tmp_path), voxels)


def test_other_shape_or_dtype_is_named(tmp_path, voxels):
    folder = write_slices(tmp_path / "scan", voxels())
    tifffile.imwrite(folder / "slice_4.tif", voxels()[4, :-1])
    with pytest.raises(ValueError, match=r"slice_4\.tif: the shape must be \(11, 13\) as in"):
        open_source(folder)
    tifffile.imwrite(folder / "slice_4.tif", voxels(np.uint8)[4])
    with pytest.raises(ValueError, match=r"slice_4\.tif: the dtype must be uint16"):
        open_source(folder)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("keep", [0, 4, 60, 0.5, 0.98])
def test_truncated_slice_is_named(tmp_path, voxels, compression, keep):
    folder = write_slices(tmp_path / "scan", voxels(shape=(4, 64, 64)), compression=compression)
    whole = (folder / "slice_2.tif").read_bytes()
    length = keep if isinstance(keep, int) else int(keep * len(whole))
    (folder / "slice_2.tif").write_bytes(whole[:length])
    with pytest.raises(ValueError, match=r"slice_2\.tif"):
        open_source(folder)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("how", [{}, {"metadata": None}, {"imagej": True}])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_truncated_stack_is_no_shorter_volume(tmp_path, voxels, compression, how, keep):
    if "imagej" in how and compression:
        pytest.skip("ImageJ stacks are not compressed")
    array = voxels(shape=(9, 40, 40))
    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path, imagej="imagej" in how) as file:
        if how.get("metadata", 0) is None:
            for plane in array:
                file.write(plane, compression=compression, metadata=None)
        else:
            file.write(array, compression=compression)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(ValueError, match=r"scan\.tif"):
        open_source(path)


def test_a_slice_with_two_pages_is_refused(tmp_path, voxels):
    folder = write_slices(tmp_path / "scan", voxels())
    tifffile.imwrite(folder / "slice_3.tif", voxels()[:2])
    with pytest.raises(ValueError, match=r"slice_3\.tif: a slice must hold one page, got"):
        open_source(folder)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colour_and_channels_are_refused(tmp_path, compression):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(
        path, np.zeros((8, 8, 3), np.uint8), photometric="rgb", compression=compression
    )
    coloured = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    tifffile.imwrite(path, coloured, photometric="rgb", compression=compression)
    with pytest.raises(ValueError, match=r"scan\.tif: slices must be grey, slice 0 is coloured"):
        open_source(path)((0, 0, 0), (1, 8, 8))
    channels = np.zeros((4, 2, 8, 8), np.uint8)
    tifffile.imwrite(path, channels, compression=compression, metadata={"axes": "ZCYX"})
    with pytest.raises(ValueError, match=r"scan\.tif: .*one grey volume"):
        open_source(path)


def test_pages_of_different_shape_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "mixed.tif") as file:
        file.write(np.zeros((8, 8), np.uint8))
        file.write(np.zeros((8, 9), np.uint8))
    with pytest.raises(ValueError, match=r"mixed\.tif, page 2: the shape must be"):
        open_source(tmp_path / "mixed.tif")
