import numpy as np
import pytest

from poroscale.io.opening import open_source

nrrd = pytest.importorskip("nrrd", reason="pynrrd writes the files of these tests")

SPACED = {"spacings": [0.00487, 0.0035, 0.01], "units": ["mm", "mm", "mm"]}


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("suffix", [".nrrd", ".nhdr"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_what_pynrrd_writes(tmp_path, voxels, reads_like, *, encoding, suffix, dtype):
    array = voxels(dtype)
    path = tmp_path / f"scan{suffix}"
    nrrd.write(str(path), array, {**SPACED, "encoding": encoding}, index_order="C")
    source = open_source(path, scratch=tmp_path / "scratch")
    assert source.voxel_size == (10.0, 3.5, 4.87)
    reads_like(source, array, examples=5)


def test_directions_in_microns(tmp_path, voxels):
    header = {
        "space dimension": 3,
        "space units": ["um", "um", "um"],
        "space directions": [[3.0, 4.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, -7.0]],
    }
    nrrd.write(
        str(tmp_path / "scan.nrrd"), voxels(), {**header, "encoding": "raw"}, index_order="C"
    )
    assert open_source(tmp_path / "scan.nrrd").voxel_size == (7.0, 2.0, 5.0)


def test_without_units_there_is_no_size(tmp_path, voxels):
    path = tmp_path / "scan.nrrd"
    nrrd.write(str(path), voxels(), {"spacings": [1, 1, 1], "encoding": "raw"}, index_order="C")
    assert open_source(path).voxel_size is None


def test_truncated_or_foreign(tmp_path, voxels):
    path = tmp_path / "scan.nrrd"
    nrrd.write(str(path), voxels(), {"encoding": "raw"}, index_order="C")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"scan\.nrrd has \d+ bytes, but"):
        open_source(path)
    path.write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"scan\.nrrd: not an NRRD file"):
        open_source(path)


CHANNELS = {
    "interleaved": ({"kinds": ["vector", "domain", "domain", "domain"]}, -1),
    "volumes": ({"kinds": ["domain", "domain", "domain", "list"]}, 0),
    "directions": ({"space dimension": 3, "space directions": np.eye(4, 3, -1)}, -1),
}


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_one_channel(tmp_path, voxels, reads_like, name, encoding):
    header, axis = CHANNELS[name]
    if name == "directions":
        header["space directions"][0] = np.nan  # none
    array = np.moveaxis(voxels(np.int16, (3, 7, 11, 13)), 0, axis)
    path = tmp_path / "scan.nrrd"
    nrrd.write(str(path), array, {**header, "encoding": encoding}, index_order="C")
    with pytest.raises(ValueError, match=r"scan\.nrrd: .* 3 channels: choose one with `channel`"):
        open_source(path)
    source = open_source(path, channel=2, scratch=tmp_path / "scratch")
    reads_like(source, array.take(2, axis=axis), examples=3)


def test_grey_as_colour(tmp_path, voxels, reads_like):
    grey = voxels(np.uint8)
    header = {"kinds": ["RGB-color", "domain", "domain", "domain"], "encoding": "raw"}
    array = np.stack([grey] * 3, axis=-1)
    nrrd.write(str(tmp_path / "scan.nrrd"), array, header, index_order="C")
    reads_like(open_source(tmp_path / "scan.nrrd"), grey, examples=3)


@pytest.mark.parametrize("shape", [(1, 7, 11, 13), (7, 11, 13, 1)])
def test_a_further_axis_of_one(tmp_path, voxels, reads_like, shape):
    path = tmp_path / "scan.nrrd"
    nrrd.write(str(path), voxels().reshape(shape), {"encoding": "raw"}, index_order="C")
    reads_like(open_source(path), voxels(), examples=3)


def test_four_axes_that_are_not_named_are_refused(tmp_path, voxels):
    path = tmp_path / "scan.nrrd"
    nrrd.write(str(path), voxels(shape=(2, 7, 4, 5)), {"encoding": "raw"}, index_order="C")
    with pytest.raises(ValueError, match=r"scan\.nrrd: the header must name two or three axes"):
        open_source(path)


@pytest.mark.parametrize(
    ("directions", "origin", "notes"),
    [
        (np.diag([2.0, 2.0, 4.0]), (20, 20, 10), 0),
        (np.diag([2.0, 2.0, -4.0]), (0, 0, 0), 1),
        (np.array([[0, 2.0, 0], [2.0, 0, 0], [0, 0, 4.0]]), (0, 0, 0), 1),
    ],
    ids=["upright", "mirrored", "turned"],
)
def test_the_position_is_kept(tmp_path, voxels, directions, origin, notes):
    header = {
        "space dimension": 3,
        "space units": ["um"] * 3,
        "space directions": directions,
        "space origin": [20.0, 40.0, 80.0],
        "encoding": "raw",
    }
    path = tmp_path / "scan.nrrd"
    nrrd.write(str(path), np.ascontiguousarray(voxels()), header, index_order="C")
    source = open_source(path)
    assert source.voxel_size == (4.0, 2.0, 2.0)
    assert source.origin == origin
    assert len(source.notes) == notes


def detached(folder, array, data, **fields):
    lines = [
        "NRRD0005",
        "type: uint16",
        *([] if "dimension" in fields else ["dimension: 3"]),
        f"sizes: {' '.join(map(str, array.shape[::-1]))}",
        "encoding: raw",
        "endian: little",
        *(f"{key.replace('_', ' ')}: {value}" for key, value in fields.items()),
        f"data file: {data}",
    ]
    (folder / "scan.nhdr").write_text("\n".join(lines) + "\n")
    return folder / "scan.nhdr"


LISTED = "LIST 2\n" + "\n".join(f"p{number:02d}.raw" for number in range(3, 10))


@pytest.mark.parametrize("data", ["p%02d.raw 3 9 1", LISTED])
def test_files_of_their_own_for_each_slice(tmp_path, voxels, reads_like, data):
    for z, plane in enumerate(voxels()):
        (tmp_path / f"p{z + 3:02d}.raw").write_bytes(plane.tobytes())
    path = detached(tmp_path, voxels(), data)
    reads_like(open_source(path), voxels(), examples=4)


@pytest.mark.parametrize("spelled", ["line skip", "lineskip"])
def test_lines_and_bytes_to_skip(tmp_path, voxels, reads_like, spelled):
    (tmp_path / "scan.raw").write_bytes(b"a line\nanother\n" + b"xyz" + voxels().tobytes())
    path = detached(tmp_path, voxels(), "scan.raw", **{spelled: 2, "byte_skip": 3})
    reads_like(open_source(path), voxels(), examples=4)


def test_units_of_their_own(tmp_path, voxels):
    header = {"spacings": [0.002, 3.0, 4000.0], "units": ["mm", "um", "nm"], "encoding": "raw"}
    nrrd.write(str(tmp_path / "scan.nrrd"), voxels(), header, index_order="C")
    assert open_source(tmp_path / "scan.nrrd").voxel_size == (4.0, 3.0, 2.0)


@pytest.mark.parametrize(
    ("key", "value"), [("dimension", "many"), ("byte_skip", "q"), ("spacings", "1 1 a")]
)
def test_numbers_that_are_none_name_file_and_key(tmp_path, voxels, key, value):
    (tmp_path / "scan.raw").write_bytes(voxels().tobytes())
    path = detached(tmp_path, voxels(), "scan.raw", **{key: value})
    with pytest.raises(ValueError, match=rf"scan\.nhdr: {key.replace('_', '')} must be"):
        open_source(path)


def test_a_key_that_is_stated_twice(tmp_path, voxels):
    (tmp_path / "scan.raw").write_bytes(voxels().tobytes())
    path = detached(tmp_path, voxels(), "scan.raw", type="int16")
    with pytest.raises(ValueError, match=r"scan\.nhdr: the header states 'type' twice"):
        open_source(path)
