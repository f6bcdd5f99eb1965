import numpy as np
import pytest

from poroscale.engine import Run
from poroscale.io.ingest import ingest
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source
from poroscale.io.write.export import ExportConfig, export
from poroscale.volume import Volume

HEAD = "ObjectType = Image\nNDims = {n}\nDimSize = {sizes}\nElementType = {kind}\n"


def write(folder, array, *, extra="", data="scan.raw", kind="MET_USHORT", sizes=None):
    sizes = sizes or array.shape[::-1]
    head = HEAD.format(n=len(sizes), sizes=" ".join(map(str, sizes)), kind=kind)
    (folder / "scan.raw").write_bytes(array.tobytes())
    (folder / "scan.mhd").write_text(f"{head}{extra}ElementDataFile = {data}\n")
    return folder / "scan.mhd"


@pytest.mark.parametrize(
    ("unit", "factor"), [("um", 1), ("mm", 1000), ("cm", 10000), ("?", 1000), ("nm", 0.001)]
)
def test_the_unit_that_is_stated(tmp_path, voxels, unit, factor):
    extra = f"DistanceUnits = {unit}\nElementSpacing = 2 3 4\n"
    source = open_source(write(tmp_path, voxels(), extra=extra))
    assert source.voxel_size == pytest.approx((4 * factor, 3 * factor, 2 * factor))


def test_a_unit_that_is_no_length_is_refused(tmp_path, voxels):
    path = write(tmp_path, voxels(), extra="DistanceUnits = furlong\nElementSpacing = 2 3 4\n")
    with pytest.raises(ValueError, match=r"scan\.mhd: DistanceUnits must be a length, got 'fur"):
        open_source(path)


@pytest.mark.parametrize("key", ["Offset", "Position", "Origin"])
@pytest.mark.parametrize(
    ("places", "origin", "notes"),
    [
        ("20 40 80", (20, 20, 10), 0),  # the first centre of the uncropped volume at zero
        ("21 41 82", (20, 20, 10), 0),  # and at half a voxel
        ("-6 0 0", (0, 0, -3), 0),
        ("20.4 40 80", (20, 20, 10), 1),
        ("0 0 0", (0, 0, 0), 0),
    ],
)
def test_the_position_is_kept(tmp_path, voxels, *, key, places, origin, notes):
    extra = f"DistanceUnits = um\nElementSpacing = 2 2 4\n{key} = {places}\n"
    source = open_source(write(tmp_path, voxels(), extra=extra))
    assert source.origin == origin
    assert len(source.notes) == notes


def test_the_position_of_a_turned_volume_is_left_out_and_said(tmp_path, voxels):
    extra = "ElementSpacing = 1 1 1\nOffset = 5 5 5\nTransformMatrix = 0 1 0 1 0 0 0 0 1\n"
    source = open_source(write(tmp_path, voxels(), extra=extra))
    assert source.origin == (0, 0, 0)
    assert "turned" in source.notes[0]


@pytest.mark.parametrize(
    ("name", "dtype", "how"),
    [
        ("crop.mhd", np.uint16, None),
        ("crop.tif", np.uint16, None),
        ("crop.tif", np.uint16, "bigtiff"),
        ("crop.tif", np.int16, None),
        ("crop.tif", np.int64, None),
        ("crop", np.uint8, None),
        ("crop", np.int32, None),
    ],
)
def test_an_exported_crop_lies_where_it_lay(tmp_path, voxels, *, name, dtype, how):
    np.save(tmp_path / "scan.npy", voxels(dtype, shape=(9, 14, 17)))
    config = IngestConfig(voxel_size=(4.87, 3.5, 2), box=(2, 9, 3, 14, 4, 17))
    crop = ingest(tmp_path / "scan.npy", tmp_path / "crop.zarr", config=config)
    export(crop, tmp_path / name, config=ExportConfig(format=how))
    again = ingest(tmp_path / name, tmp_path / "again.zarr")
    assert again.origin == crop.origin == (2, 3, 4)
    assert again.voxel_size == pytest.approx(crop.voxel_size)
    assert "notes" not in again.attributes["source"]
    np.testing.assert_array_equal(again.read(), crop.read())


def test_half_floats_are_exported_as_floats(tmp_path, voxels):
    from poroscale.engine import fill_blocks
    from poroscale.volume import VolumeSpec

    array = voxels(np.float16)
    volume = fill_blocks(
        lambda origin, shape: array[tuple(slice(o, o + s) for o, s in zip(origin, shape))],  # noqa: B905
        tmp_path / "scores.zarr",
        spec=VolumeSpec(shape=array.shape, dtype=np.dtype(np.float16), voxel_size=(1, 1, 1)),
        recipe={"sampler": "test"},
        run=Run(workers=1),
    )
    export(volume, tmp_path / "scores.raw")
    source = open_source(tmp_path / "scores.raw")
    assert source.dtype == np.float32
    np.testing.assert_array_equal(source((0, 0, 0), array.shape), array)


@pytest.mark.parametrize(("text", "files"), [("LIST", 7), ("LIST 2", 7), ("LIST 2D", 7)])
def test_a_list_of_files(tmp_path, voxels, reads_like, text, files):
    names = [f"plane {z}.raw" for z in range(files)]
    for name, plane in zip(names, voxels(), strict=True):
        (tmp_path / name).write_bytes(plane.tobytes())
    path = write(tmp_path, voxels(), data="\n".join([text, *names]))
    source = open_source(path)
    assert source.slice_name(3) == "plane 3.raw"
    reads_like(source, voxels(), examples=5)
    (tmp_path / "plane 4.raw").write_bytes(b"123")
    with pytest.raises(ValueError, match=r"plane 4\.raw has 3 bytes, but scan\.mhd says"):
        open_source(path)
    (tmp_path / "plane 4.raw").unlink()
    with pytest.raises(FileNotFoundError, match=r"its data file plane 4\.raw does not exist"):
        open_source(path)


def test_a_list_that_is_too_short(tmp_path, voxels):
    path = write(tmp_path, voxels(), data="LIST\nscan.raw\nscan.raw")
    with pytest.raises(ValueError, match=r"its voxels must lie in 7 files, it names 2"):
        open_source(path)


@pytest.mark.parametrize(("numbers", "step"), [("4 10 1", 1), ("4 16 2", 2), ("4 10", 1)])
def test_a_pattern_of_numbers_and_a_header_in_each(tmp_path, voxels, reads_like, numbers, step):
    for z, plane in enumerate(voxels()):
        (tmp_path / f"p{4 + z * step:03d}.raw").write_bytes(b"head" + plane.tobytes())
    pattern, extra = f"p%03d.raw {numbers}", "HeaderSize = 4\n"
    source = open_source(write(tmp_path, voxels(), data=pattern, extra=extra))
    reads_like(source, voxels(), examples=5)


@pytest.mark.parametrize("pattern", ["p%03d.raw 4 2 1", "p%03d.raw 0 6 0", "p%03d.raw a 6 1"])
def test_a_pattern_that_is_no_series(tmp_path, voxels, pattern):
    with pytest.raises(ValueError, match=r"scan\.mhd: the numbers of its files must be"):
        open_source(write(tmp_path, voxels(), data=pattern))


def test_data_in_a_folder_below(tmp_path, voxels, reads_like):
    path = write(tmp_path, voxels(), data="data/deep/scan.raw")
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "scan.raw").rename(tmp_path / "data" / "deep" / "scan.raw")
    reads_like(open_source(path), voxels(), examples=3)


def test_data_behind_a_link_is_said(tmp_path, voxels, reads_like):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    path = write(tmp_path / "a", voxels())
    (tmp_path / "a" / "scan.raw").rename(tmp_path / "b" / "far.raw")
    (tmp_path / "a" / "scan.raw").symlink_to(tmp_path / "b" / "far.raw")
    source = open_source(path)
    assert source.notes == ("scan.raw is a link to a file in another folder",)
    reads_like(source, voxels(), examples=3)


@pytest.mark.parametrize(("kind", "dtype"), [("MET_LONG", "<i4"), ("MET_ULONG", "<u4")])
def test_long_has_four_bytes(tmp_path, voxels, reads_like, kind, dtype):
    array = voxels(np.dtype(dtype))
    reads_like(open_source(write(tmp_path, array, kind=kind)), array, examples=3)


def test_one_slice_with_two_spacings(tmp_path, voxels):
    path = write(tmp_path, voxels()[0], extra="ElementSpacing = 0.002 0.002\n")
    source = open_source(path)
    assert (source.shape, source.voxel_size) == ((1, 11, 13), (2, 2, 2))
    path = write(tmp_path, voxels()[0], extra="ElementSpacing = 0.002 0.003\n")
    assert open_source(path).voxel_size is None
    path = write(tmp_path, voxels(), extra="ElementSpacing = 0.002 0.003\n")
    with pytest.raises(ValueError, match=r"ElementSpacing must hold 3 lengths, got 2"):
        open_source(path)


def test_channels(tmp_path, voxels, reads_like):
    array = voxels(np.uint16, (7, 11, 13, 3))
    path = write(tmp_path, array, sizes=(13, 11, 7), extra="ElementNumberOfChannels = 3\n")
    with pytest.raises(ValueError, match=r"scan\.mhd: .* 3 channels: choose one with `channel`"):
        open_source(path)
    reads_like(open_source(path, channel=2), array[..., 2], examples=5)


@pytest.mark.parametrize(("sizes", "channel"), [((13, 11, 7, 1), None), ((13, 11, 7, 2), 1)])
def test_four_axes(tmp_path, voxels, reads_like, sizes, channel):
    array = voxels(np.uint16, sizes[::-1])
    source = open_source(write(tmp_path, array), channel=channel)
    reads_like(source, array[channel or 0], examples=3)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("BinaryData = False\n", "the voxels must be binary"),
        ("HeaderSize = x\n", "HeaderSize must be whole numbers, got 'x'"),
        ("ElementSpacing = a b c\n", "ElementSpacing must be numbers"),
        ("ElementNumberOfChannels = many\n", "ElementNumberOfChannels must be whole"),
        ("ElementToIntensityFunctionSlope = 2\n", "ElementToIntensityFunctionSlope must be 1"),
        ("NDims = 2\n", "DimSize must hold NDims = 2 sizes, got 3"),
        ("DimSize = 13 11 seven\n", "DimSize must be whole numbers, got '13 11 seven'"),
        ("ElementSpacing = 1 1 1\nOffset = nan 0 0\n", "Offset must be finite numbers"),
    ],
)
def test_headers_that_are_wrong_name_the_file_and_the_key(tmp_path, voxels, extra, said):
    with pytest.raises(ValueError, match=rf"scan\.mhd: {said}"):
        open_source(write(tmp_path, voxels(), extra=extra))


def test_the_note_reaches_the_volume(tmp_path, voxels):
    extra = "DistanceUnits = um\nElementSpacing = 2 2 4\nOffset = 20.5 40 80\n"
    ingest(write(tmp_path, voxels(), extra=extra), tmp_path / "out.zarr")
    notes = Volume.open(tmp_path / "out.zarr").attributes["source"]["notes"]
    assert notes == ["its position (80, 40, 20.5) um (z, y, x) was rounded to whole voxels"]
