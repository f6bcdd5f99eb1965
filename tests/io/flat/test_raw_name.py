import numpy as np
import pytest

from poroscale.io.flat.raw_name import layout_from_name
from poroscale.io.opening import open_source

SHAPE = (7, 11, 13)


def write(folder, name, array, dtype):
    path = folder / f"{name}.raw"
    path.write_bytes(array.astype(dtype).tobytes())
    return path


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("big part_13x11x7_16bit", "<u2"),
        ("part_be_13x11x7_16bit", "<u2"),
        ("13x11x7_16bit_big", "<u2"),
        ("Be_foam_BIG_13x11x7_uint16", "<u2"),
        ("msbuild_13x11x7_16bit", "<u2"),
        ("13x11x7_16bit_be", ">u2"),
        ("13x11x7_uint16be", ">u2"),
        ("13x11x7_16bit-le", "<u2"),
        ("13x11x7_16bit_little-endian", "<u2"),
        ("bigendian_13x11x7_int16", ">i2"),
        ("13x11x7_16bit-signed", "<i2"),
        ("13x11x7_16-bit_Signed", "<i2"),
        ("13x11x7_16-bit Unsigned", "<u2"),
        ("13x11x7_16bit-unsigned", "<u2"),
        ("13x11x7_32-bit Real", "<f4"),
        ("13x11x7_32bit_signed", "<i4"),
        ("13x11x7_32bit_unsigned", "<u4"),
        ("13x11x7_64-bit_Real", "<f8"),
        ("13x11x7_8-bit", "u1"),
        ("13x11x7_8bit_signed", "i1"),
        ("13\u00d711\u00d77_uint8", "u1"),
        ("bin_2x2x2_13x11x7_16bit", "<u2"),
        ("13x11x7_from_16bit_to_uint8", "u1"),
    ],
)
def test_what_a_name_says(tmp_path, voxels, reads_like, name, dtype):
    array = voxels(np.dtype(dtype).newbyteorder("="), SHAPE)
    source = open_source(write(tmp_path, name, array, dtype))
    assert source.notes[0].startswith("read by its name as 13 x 11 x 7 voxels of")
    assert ("big-endian" in source.notes[0]) == dtype.startswith(">")
    reads_like(source, array, examples=3)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("13x11x7_32bit", "need a side-car"),
        ("13x11x7_16bit_real", "need a side-car"),
        ("13x11x7x2_16bit", "need a side-car"),
        ("13x11x7_uint16_int16", "its name can be read in several ways"),
        ("13x11x7_7x11x13_uint16", "its name can be read in several ways"),
        ("13x11x7_uint16be_little-endian", "its name states both byte orders"),
    ],
)
def test_what_a_name_leaves_open(tmp_path, voxels, name, said):
    path = write(tmp_path, name, voxels(), "<u2")
    with pytest.raises(ValueError, match=said):
        layout_from_name(path)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("13x11x7_uint16_5um", 5.0),
        ("13x11x7_uint16_5 um", 5.0),
        ("10mm_rod_13x11x7_uint16_5um", None),
        ("13x11x7_uint16_5um_again_0.005mm", 5.0),
    ],
)
def test_one_length_is_the_voxel_size(tmp_path, voxels, name, size):
    source = open_source(write(tmp_path, name, voxels(), "<u2"))
    assert source.voxel_size == (size and (size,) * 3)
    assert any("several lengths" in note for note in source.notes) == (size is None)


def test_a_side_car_that_is_wrong_is_one_sentence(tmp_path):
    (tmp_path / "part.raw").write_bytes(b"0" * 2002)
    (tmp_path / "part.json").write_text('{"shape": [7, 11], "dtype": "uint16"}')
    with pytest.raises(ValueError, match=r"^part\.json: not a RAW side-car: [^\n]*$") as said:
        open_source(tmp_path / "part.raw")
    assert "http" not in str(said.value)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("size", "13 11 x"),
        ("bitsperelement", "many"),
        ("skipheader", "-"),
        ("resolution", "1 1 q"),
        ("FileFormat", "tiff"),
    ],
)
def test_a_vgi_that_is_wrong_names_file_and_key(tmp_path, key, said):
    fields = {"size": "13 11 7", "name": "a.vol", "datatype": "float", "bitsperelement": "32"}
    fields |= {"unit": "mm", key: said}
    (tmp_path / "a.vol").write_bytes(b"")
    text = "\n".join(f"{name} = {value}" for name, value in fields.items())
    (tmp_path / "a.vgi").write_text(f"[file1]\n{text}\n")
    with pytest.raises(ValueError, match=rf"a\.vgi: {key} must be"):
        open_source(tmp_path / "a.vgi")
