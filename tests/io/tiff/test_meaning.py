import numpy as np
import pytest
import tifffile
from PIL import Image

from poroscale.io.ingest import ingest
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source


def whole(source):
    return source((0, 0, 0), source.shape)


def imagej(path, array, **said):
    tifffile.imwrite(path, array, imagej=True, metadata={"axes": "ZYX", **said})
    return open_source(path)


def test_imagej_axes_with_units_of_their_own(tmp_path, voxels):
    said = {"unit": "nm", "spacing": 4.0, "yunit": "mm", "zunit": "micron"}
    path = tmp_path / "scan.tif"
    tifffile.imwrite(
        path, voxels(), imagej=True, resolution=(0.5, 500), metadata={"axes": "ZYX", **said}
    )
    assert open_source(path).voxel_size == (4.0, 2.0, 0.002)
    said["zunit"] = "slice"
    tifffile.imwrite(
        path, voxels(), imagej=True, resolution=(0.5, 500), metadata={"axes": "ZYX", **said}
    )
    assert open_source(path).voxel_size is None


def test_signed_values_that_imagej_shifts(tmp_path, voxels, reads_like):
    signed = voxels(np.int16)
    stored = (signed.astype(np.int32) + 32768).astype(np.uint16)
    source = imagej(tmp_path / "scan.tif", stored, cf=0, c0=-32768.0, c1=1.0, vunit="Gray Value")
    reads_like(source, signed, examples=5)
    assert "ImageJ's calibration was applied" in source.notes[0]


def test_a_straight_calibration_is_applied(tmp_path, voxels):
    source = imagej(tmp_path / "scan.tif", voxels(), cf=0, c0=-1000.0, c1=0.5)
    assert source.dtype == np.float32
    np.testing.assert_allclose(whole(source), voxels() * 0.5 - 1000.0, rtol=1e-6)


@pytest.mark.parametrize("said", [{"cf": 1, "c0": 0, "c1": 1, "c2": 2}, {"cf": 21}, {"cf": 0}])
def test_another_calibration_is_refused(tmp_path, voxels, said):
    with pytest.raises(ValueError, match=r"scan\.tif: ImageJ's calibration must be a straight"):
        imagej(tmp_path / "scan.tif", voxels(), **said)


@pytest.mark.parametrize("said", [{}, {"cf": 20}, {"cf": 0, "c0": 0.0, "c1": 1.0}])
def test_no_calibration(tmp_path, voxels, reads_like, said):
    reads_like(imagej(tmp_path / "scan.tif", voxels(), **said), voxels(), examples=5)


def test_slices_of_different_calibration_are_refused(tmp_path, voxels):
    for z, plane in enumerate(voxels()):
        c0 = -32768.0 if z < 3 else 0.5
        tifffile.imwrite(
            tmp_path / f"s{z}.tif", plane, imagej=True, metadata={"cf": 0, "c0": c0, "c1": 1.0}
        )
    with pytest.raises(ValueError, match=r"s3\.tif: ImageJ's calibration must be that of s0\.tif"):
        open_source(tmp_path)


def test_white_as_zero_is_said(tmp_path, voxels, reads_like):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, voxels(), photometric="miniswhite")
    source = open_source(path)
    reads_like(source, voxels(), examples=5)
    assert "white as zero" in source.notes[0]
    size = IngestConfig(voxel_size=1, invert=True)
    volume = ingest(path, tmp_path / "out.zarr", config=size)
    np.testing.assert_array_equal(volume.read(), 65535 - voxels())
    assert volume.attributes["source"]["notes"] == list(source.notes)


def palette_tiff(path, indices, colours, **how):
    tifffile.imwrite(path, indices, photometric="palette", colormap=colours, **how)
    return path


RAMP = np.repeat(np.arange(255, -1, -1, dtype=np.uint16)[None], 3, axis=0)


@pytest.mark.parametrize("factor", [257, 256])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_grey_palette_has_the_values(tmp_path, voxels, reads_like, factor, compression):
    indices = voxels(np.uint8)
    path = palette_tiff(tmp_path / "scan.tif", indices, RAMP * factor, compression=compression)
    reads_like(open_source(path), 255 - indices, examples=5)
    reads_like(open_source(path, channel="index"), indices, examples=5)


def test_a_palette_of_sixteen_bits_keeps_them(tmp_path, voxels):
    table = (np.arange(256, dtype=np.uint16) * 200 + 3)[None].repeat(3, 0)
    path = palette_tiff(tmp_path / "scan.tif", voxels(np.uint8), table)
    np.testing.assert_array_equal(whole(open_source(path)), table[0][voxels(np.uint8)])


def test_a_coloured_palette_needs_a_choice(tmp_path, voxels, reads_like):
    indices = voxels(np.uint8)
    colours = RAMP * 257
    colours[1] = 0
    path = palette_tiff(tmp_path / "scan.tif", indices, colours)
    with pytest.raises(ValueError, match=r"scan\.tif: .* palette has colours.*`channel` index"):
        open_source(path)
    reads_like(open_source(path, channel="index"), indices, examples=5)
    reads_like(open_source(path, channel=0), 255 - indices, examples=5)


def test_colours_of_imagej_are_a_display(tmp_path, voxels, reads_like):
    indices = voxels(np.uint8)[:1]
    colours = (RAMP * 257).astype(np.uint16)
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, indices[0], imagej=True, colormap=colours)
    reads_like(open_source(path), indices, examples=5)


def test_slices_of_another_palette_or_meaning_are_refused(tmp_path, voxels):
    for z, plane in enumerate(voxels(np.uint8)):
        palette_tiff(tmp_path / f"s{z}.tif", plane, RAMP * (256 if z == 4 else 257))
    with pytest.raises(ValueError, match=r"s4\.tif: the palette must be that as in s0\.tif"):
        open_source(tmp_path)
    tifffile.imwrite(tmp_path / "s2.tif", voxels(np.uint8)[2], photometric="miniswhite")
    with pytest.raises(ValueError, match=r"s2\.tif: the photometric tag must be"):
        open_source(tmp_path)


GREY_AS = {
    "rgb": {"photometric": "rgb", "planarconfig": "contig"},
    "planes": {"photometric": "rgb", "planarconfig": "separate"},
    "tiles": {"photometric": "rgb", "planarconfig": "contig", "tile": (16, 16)},
    "tiled planes": {"photometric": "rgb", "planarconfig": "separate", "tile": (16, 16)},
    "strips": {"photometric": "rgb", "planarconfig": "contig", "rowsperstrip": 3},
    "strip planes": {"photometric": "rgb", "planarconfig": "separate", "rowsperstrip": 3},
}


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kind", GREY_AS)
@pytest.mark.parametrize("alpha", [False, True])
def test_grey_as_colour(tmp_path, voxels, reads_like, *, kind, compression, alpha):
    grey, how = voxels(np.uint8, (3, 21, 34)), dict(GREY_AS[kind])
    axis = 1 if how["planarconfig"] == "separate" else -1
    parts = [grey, grey, grey] + [np.full_like(grey, 255)] * alpha
    path = tmp_path / "scan.tif"

    def write():
        with tifffile.TiffWriter(path) as file:
            for page in np.stack(parts, axis=axis):
                file.write(page, compression=compression, metadata=None, **how)

    write()
    reads_like(open_source(path), grey, examples=4)
    parts[1] = 255 - grey
    write()
    with pytest.raises(ValueError, match=r"slices must be grey, slice 0 is coloured: .*`channel`"):
        whole(open_source(path))
    reads_like(open_source(path, channel=1), 255 - grey, examples=4)
    if alpha:
        parts[1], parts[3] = grey, np.full_like(grey, 200)
        write()
        with pytest.raises(ValueError, match="slice 0 is transparent"):
            whole(open_source(path))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("axes", ["ZCYX", "TZYX", "CZYX"])
def test_one_channel_of_a_stack(tmp_path, voxels, reads_like, *, axes, compression):
    array = voxels(np.uint16, (3, 2, 11, 13))
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, array, metadata={"axes": axes}, compression=compression)
    first = 0 if axes[0] in "CT" else 1
    for channel in range(array.shape[first]):
        source = open_source(path, channel=channel)
        reads_like(source, array.take(channel, axis=first), examples=3)
    with pytest.raises(ValueError, match=r"scan\.tif: .*`channel` 0 to"):
        open_source(path)
    with pytest.raises(ValueError, match=r"the channel must be 0 to \d, got 7"):
        open_source(path, channel=7)


def test_one_channel_of_an_imagej_hyperstack(tmp_path, voxels, reads_like):
    array = voxels(np.uint16, (5, 2, 11, 13))
    tifffile.imwrite(tmp_path / "scan.tif", array, imagej=True, metadata={"axes": "ZCYX"})
    reads_like(open_source(tmp_path / "scan.tif", channel=1), array[:, 1], examples=5)


def test_a_choice_where_there_is_none(tmp_path, voxels):
    tifffile.imwrite(tmp_path / "scan.tif", voxels())
    assert open_source(tmp_path / "scan.tif", channel=0).shape == voxels().shape
    with pytest.raises(ValueError, match=r"scan\.tif: the channel must be 0: there is one, got 1"):
        open_source(tmp_path / "scan.tif", channel=1)


@pytest.mark.parametrize("axes", ["ZYX", "YXZ", "XYZ", "XZY", "YZX", "ZXY"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_axes_in_the_order_that_the_file_names(tmp_path, voxels, reads_like, *, axes, compression):
    stored = voxels().transpose(["ZYX".index(axis) for axis in axes])
    tifffile.imwrite(
        tmp_path / "scan.tif",
        np.ascontiguousarray(stored),
        metadata={"axes": axes},
        compression=compression,
        photometric="minisblack",
    )
    reads_like(open_source(tmp_path / "scan.tif"), voxels(), examples=4)


@pytest.mark.parametrize("shape", [(1, 7, 11, 13), (7, 11, 13, 1), (1, 1, 7, 11, 13)])
def test_a_further_axis_of_one(tmp_path, voxels, reads_like, shape):
    array = voxels().reshape(shape)
    tifffile.imwrite(tmp_path / "scan.tif", array, photometric="minisblack")
    reads_like(open_source(tmp_path / "scan.tif"), voxels(), examples=3)
    np.save(tmp_path / "scan.npy", array)
    reads_like(open_source(tmp_path / "scan.npy"), voxels(), examples=3)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_integers_of_64_bits(tmp_path, voxels, dtype, compression):
    array = voxels(dtype)
    tifffile.imwrite(
        tmp_path / "labels.tif", array, compression=compression, photometric="minisblack"
    )
    size = IngestConfig(voxel_size=1)
    volume = ingest(tmp_path / "labels.tif", tmp_path / "out.zarr", config=size)
    np.testing.assert_array_equal(volume.read(), array)


def test_jpeg_in_tiff(tmp_path):
    smooth = np.add.outer(np.arange(33), np.arange(41)).astype(np.uint8) * 2
    Image.fromarray(smooth).save(tmp_path / "slice.tif", compression="jpeg")
    found = whole(open_source(tmp_path / "slice.tif"))[0]
    assert np.abs(found.astype(int) - smooth).max() <= 8


def test_deflate_that_cannot_hold_what_its_header_says(tmp_path, voxels):
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, voxels(np.uint8)[0], compression="zlib", rowsperstrip=11)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        for tag in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            tiff.pages.first.tags[tag].overwrite(60000)
    with pytest.raises(ValueError, match=r"bomb\.tif.* bytes of deflate hold at most \d+, its"):
        open_source(path)


def test_a_strip_is_in_the_memory_plan(tmp_path):
    from poroscale.engine import Run

    path = tmp_path / "large.tif"
    page = np.random.default_rng(0).integers(0, 2, (4000, 9000), np.uint8)
    tifffile.imwrite(path, page, compression="packbits", rowsperstrip=4000)
    source = open_source(path)
    assert page.nbytes < source.per_read < 3 * page.nbytes
    with pytest.raises(
        MemoryError, match=r"large\.tif is decoded \d+ MiB at a time by each worker"
    ):
        ingest(
            path,
            tmp_path / "out.zarr",
            config=IngestConfig(voxel_size=1),
            run=Run(memory="50MiB", workers=1),
        )


def test_nothing_is_logged_before_the_sentence(tmp_path, voxels, capfd):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, voxels(), compression="zlib")
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(ValueError, match=r"scan\.tif"):
        open_source(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("codec", "code"), [("jpeg", 7), ("jpeg2k", 34712), ("png", 34933)])
def test_a_stream_that_says_more_than_its_page(tmp_path, codec, code):
    imagecodecs = pytest.importorskip("imagecodecs", reason="the extra 'io' is not installed")
    encode = getattr(imagecodecs, f"{codec}_encode")
    small, large = (np.zeros((size, size), np.uint8) for size in (32, 320))
    path = tmp_path / "page.tif"
    for image, whole_file in ((small, True), (large, False)):
        tifffile.imwrite(
            path,
            iter([encode(image)]),
            shape=(32, 32),
            dtype=np.uint8,
            compression=code,
            rowsperstrip=32,
            photometric="minisblack",
        )
        source = open_source(path)
        if whole_file:
            np.testing.assert_array_equal(whole(source)[0], image)
        else:
            with pytest.raises(OSError, match=r"it says 320 x 320 pixels, its page 32 x 32"):
                whole(source)


def test_a_compression_without_a_bound_is_refused(tmp_path, voxels):
    path = tmp_path / "page.tif"
    tifffile.imwrite(path, voxels(np.uint8)[0], compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["Compression"].overwrite(50002)
    with pytest.raises(ValueError, match=r"page\.tif, page 1: JPEGXL compression is not"):
        open_source(path)


def test_a_turned_page_is_said(tmp_path, voxels, reads_like):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, voxels()[0], extratags=[(274, 3, 1, 3, True)])
    source = open_source(path)
    assert source.notes == ("its Orientation tag (3) was left out; rows are as stored",)
    reads_like(source, voxels()[:1], examples=3)


def test_a_strip_without_bytes_is_empty_only_where_it_lies_nowhere(tmp_path, voxels):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, voxels()[0], compression="zlib", rowsperstrip=4)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tags = tiff.pages.first.tags
        offsets, counts = list(tags["StripOffsets"].value), list(tags["StripByteCounts"].value)
        counts[1] = 0
        tags["StripByteCounts"].overwrite(counts)
    with pytest.raises(OSError, match=r"scan\.tif: segment 1 has no bytes"):
        whole(open_source(path))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        offsets[1] = 0
        tiff.pages.first.tags["StripOffsets"].overwrite(offsets)
    expected = voxels()[:1]
    expected[:, 4:8] = 0
    np.testing.assert_array_equal(whole(open_source(path)), expected)
