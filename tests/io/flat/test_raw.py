import json

import numpy as np
import pytest

from poroscale.io.flat.metaimage import ELEMENT_TYPES
from poroscale.io.flat.raw import layout_from_name
from poroscale.io.opening import open_source


def write_mhd(folder, array, *, msb=False, extra="", local=False, spacing="0.00487 0.0035 0.01"):
    z, y, x = array.shape
    head = (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = {msb}\n"
        f"ElementSpacing = {spacing}\nDimSize = {x} {y} {z}\n{extra}"
        f"ElementType = {ELEMENT_TYPES[array.dtype]}\n"
    )
    data = array.astype(array.dtype.newbyteorder(">" if msb else "<")).tobytes()
    if local:
        path = folder / "scan.mha"
        path.write_bytes((head + "ElementDataFile = LOCAL\n").encode() + data)
        return path
    (folder / "scan.raw").write_bytes(data)
    (folder / "scan.mhd").write_text(head + "ElementDataFile = scan.raw\n")
    return folder / "scan.mhd"


@pytest.mark.parametrize("msb", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_metaimage_beside_its_data(tmp_path, voxels, reads_like, dtype, msb):
    path = write_mhd(tmp_path, voxels(dtype), msb=msb)
    source = open_source(path)
    assert source.voxel_size == (10.0, 3.5, 4.87)
    reads_like(source, voxels(dtype))
    assert open_source(tmp_path / "scan.raw") == source


def test_metaimage_in_front_of_its_data(tmp_path, voxels, reads_like):
    reads_like(open_source(write_mhd(tmp_path, voxels(), local=True)), voxels())


def test_metaimage_with_a_header_to_skip(tmp_path, voxels, reads_like):
    path = write_mhd(tmp_path, voxels(), extra="HeaderSize = -1\n")
    data = (tmp_path / "scan.raw").read_bytes()
    (tmp_path / "scan.raw").write_bytes(b"x" * 37 + data)
    reads_like(open_source(path), voxels())


def test_size_that_disagrees_names_both_numbers(tmp_path, voxels):
    path = write_mhd(tmp_path, voxels())
    (tmp_path / "scan.raw").write_bytes(b"x" * 1999)
    with pytest.raises(ValueError, match=r"scan\.raw has 1999 bytes.*which is 2002 bytes"):
        open_source(path)


@pytest.mark.parametrize("name", ["../scan.raw", "/etc/passwd", ""])
def test_data_elsewhere_is_refused(tmp_path, voxels, name):
    path = write_mhd(tmp_path, voxels())
    path.write_text(path.read_text().replace("scan.raw", name))
    with pytest.raises(ValueError, match="beside the header"):
        open_source(path)


def test_missing_data_file(tmp_path, voxels):
    path = write_mhd(tmp_path, voxels())
    (tmp_path / "scan.raw").unlink()
    with pytest.raises(FileNotFoundError, match=r"its data file scan\.raw does not exist"):
        open_source(path)


@pytest.mark.parametrize("size", ["-0.1 1 1", "nan 1 1", "0 0 0"])
def test_a_voxel_size_that_cannot_be(tmp_path, voxels, size):
    path = write_mhd(tmp_path, voxels(), spacing=size)
    if size.startswith("-"):  # MetaImage allows a mirrored axis
        assert open_source(path).voxel_size == (1000, 1000, 100)
    else:
        with pytest.raises(ValueError, match=r"scan\.mhd: the voxel size must be"):
            open_source(path)


@pytest.mark.parametrize(
    ("stem", "shape", "dtype", "size"),
    [
        ("part_13x11x7_4.87um_16bit", (7, 11, 13), "<u2", 4.87),
        ("part_13x11x7_4p87um_8bit", (7, 11, 13), "|u1", 4.87),
        ("part-7-13x11x7-500nm-float32", (7, 11, 13), "<f4", 0.5),
        ("13x11x7_0.01mm_int16_be", (7, 11, 13), ">i2", 10.0),
        ("a_13X11X7_uint16_big-endian", (7, 11, 13), ">u2", None),
    ],
)
def test_names_that_say_it_all(tmp_path, voxels, reads_like, *, stem, shape, dtype, size):
    array = voxels(np.dtype(dtype).newbyteorder("="), shape)
    path = tmp_path / f"{stem}.raw"
    path.write_bytes(array.astype(dtype).tobytes())
    source = open_source(path)
    assert source.voxel_size == (None if size is None else (size,) * 3)
    reads_like(source, array)


@pytest.mark.parametrize("stem", ["part", "part_13x11x7", "part_16bit", "13x11x7_32bit"])
def test_names_that_do_not(tmp_path, stem):
    (tmp_path / f"{stem}.raw").write_bytes(b"")
    with pytest.raises(ValueError, match="need a side-car"):
        layout_from_name(tmp_path / f"{stem}.raw")


VGI = """{{volume1}}
[representation]
size = {x} {y} {z}
datatype = unsigned integer
bitsperelement = 16
[file1]
SkipHeader = 0
FileFormat = raw
Size = {x} {y} {z}
Name = part.vol
Datatype = unsigned integer
datarange = 0 -1
BitsPerElement = 16
[geometry]
resolution = 0.00487 0.00487 0.01
unit = mm
"""


@pytest.mark.parametrize("opened", ["part.vgi", "part.vol"])
def test_vgi(tmp_path, voxels, reads_like, opened):
    z, y, x = voxels().shape
    (tmp_path / "part.vol").write_bytes(voxels().tobytes())
    (tmp_path / "part.vgi").write_text(VGI.format(x=x, y=y, z=z))
    source = open_source(tmp_path / opened)
    assert source.voxel_size == (10.0, 4.87, 4.87)
    reads_like(source, voxels())


def test_json_side_car(tmp_path, voxels, reads_like):
    said = {
        "shape": voxels().shape,
        "dtype": "uint16",
        "voxel_size": [10, 5, 5],
        "unit": "nm",
        "byte_order": "big",
        "offset": 16,
    }
    (tmp_path / "part.raw").write_bytes(b"0" * 16 + voxels().astype(">u2").tobytes())
    (tmp_path / "part.json").write_text(json.dumps(said))
    source = open_source(tmp_path / "part.raw")
    assert source.voxel_size == (0.01, 0.005, 0.005)
    reads_like(source, voxels())
    assert open_source(tmp_path / "part.json") == source


@pytest.mark.parametrize(
    "change", [{"shap": 1}, {"dtype": "colour"}, {"unit": "pixel"}, {"byte_order": "middle"}]
)
def test_json_side_car_that_is_wrong(tmp_path, change):
    said = {"shape": [7, 11, 13], "dtype": "uint16", "voxel_size": 5, **change}
    (tmp_path / "part.raw").write_bytes(b"0" * 2002)
    (tmp_path / "part.json").write_text(json.dumps(said))
    with pytest.raises(ValueError, match=r"part\.json: "):
        open_source(tmp_path / "part.raw")


def test_a_side_car_of_another_file_is_not_taken(tmp_path, voxels):
    path = write_mhd(tmp_path, voxels())
    path.write_text(path.read_text().replace("scan.raw", "other.raw"))
    with pytest.raises(ValueError, match=r"scan\.raw: its side-car scan\.mhd describes other\.raw"):
        open_source(tmp_path / "scan.raw")
