"""Height maps of profilometers, written here as their readers describe them."""

import struct

import numpy as np
import pytest

from poroscale.io.height_map import read_height_map


@pytest.fixture
def heights():
    """(5, 7) heights [um] with a place that was not measured."""
    array = np.random.default_rng(3).normal(size=(5, 7)).astype(np.float32)
    array[2, 3] = np.nan
    return array


def opd(path, stored, bad, *, wavelength=600.0, mult=2, aspect=1.0, rows=None):
    """`stored` (rows, columns) in units of wavelength / mult."""
    flipped = stored[::-1].T
    values = np.where(np.isnan(flipped), bad, flipped)
    kind = "<i2" if isinstance(bad, int) else "<f4"
    array = struct.pack("<HHH", values.shape[0], rows or values.shape[1], int(kind[-1]))
    blocks = [
        ("Pixel_size", 7, struct.pack("<f", 0.004)),
        ("RAW_DATA", 3, array + values.astype(kind).tobytes()),
        ("Wavelength", 7, struct.pack("<f", wavelength)),
        ("Mult", 6, struct.pack("<h", mult)),
        ("Aspect", 7, struct.pack("<f", aspect)),
    ]
    entry = struct.Struct("<16sHIH")
    size = entry.size * (len(blocks) + 1)
    head = b"\1\0" + entry.pack(b"Directory", 1, size, 0xFFFF)
    head += b"".join(entry.pack(name.encode(), kind, len(body), 0) for name, kind, body in blocks)
    path.write_bytes(head + b"".join(body for _, _, body in blocks))
    return path


def al3d(path, heights, *, invalid="1e10", padded=True, **tags):
    rows, columns = heights.shape
    stored = np.where(np.isnan(heights), np.float32(invalid), heights * 1e-6).astype("<f4")
    width = columns + (columns % 2 if padded else 0)
    lines = np.zeros((rows, width), "<f4")
    lines[:, :columns] = stored
    known = {
        "Cols": columns,
        "Rows": rows,
        "DepthImageOffset": 900,
        "InvalidPixelValue": invalid,
        "PixelSizeXMeter": 2e-6,
        "PixelSizeYMeter": 3e-6,
    } | tags
    texts = {"Version": 1, "TagCount": len(known)} | known
    head = b"AliconaImaging\x00\r\n"
    for key, value in texts.items():
        head += struct.pack("<20s30s2s", key.encode(), str(value).encode(), b"\r\n")
    path.write_bytes(head.ljust(900, b"\0") + lines.tobytes())
    return path


def test_opd_of_floats(tmp_path, heights):
    found = read_height_map(opd(tmp_path / "a.opd", heights / 0.3, 2e38, aspect=1.5))
    np.testing.assert_allclose(found.heights, heights, rtol=1e-5)
    np.testing.assert_allclose(found.pitch, (6.0, 4.0))


def test_opd_of_shorts(tmp_path, heights):
    counts = np.rint(heights * 1000)
    for bad in (32767, 32766, -32768):
        found = read_height_map(opd(tmp_path / "a.opd", counts, bad, mult=600))
        np.testing.assert_allclose(found.heights, counts * 1e-3, rtol=1e-5)


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("invalid", ["1e10", "nan"])
def test_al3d(tmp_path, heights, padded, invalid):
    found = read_height_map(al3d(tmp_path / "a.al3d", heights, invalid=invalid, padded=padded))
    np.testing.assert_allclose(found.heights, heights, rtol=1e-5)
    np.testing.assert_allclose(found.pitch, (3.0, 2.0))


def test_what_is_no_height_map(tmp_path, heights):
    with pytest.raises(FileNotFoundError, match=r"a\.opd does not exist"):
        read_height_map(tmp_path / "a.opd")
    whole = opd(tmp_path / "a.opd", heights, 2e38).read_bytes()
    for broken, sentence in (
        (whole[:-1], "its block Aspect is cut short"),
        (whole[:40], "not a complete OPD file"),
        (b"nothing of the kind at all, nothing", "it does not begin with a directory"),
        (whole.replace(b"RAW_DATA", b"NO__DATA"), "it must hold heights, got the blocks Pixel"),
    ):
        (tmp_path / "a.opd").write_bytes(broken)
        with pytest.raises(ValueError, match=sentence):
            read_height_map(tmp_path / "a.opd")
    with pytest.raises(ValueError, match="RAW_DATA holds 140 bytes for 63 heights"):
        read_height_map(opd(tmp_path / "a.opd", heights, 2e38, rows=9))
    with pytest.raises(ValueError, match=r"Wavelength must be positive, got 0.0"):
        read_height_map(opd(tmp_path / "a.opd", heights, 2e38, wavelength=0.0))
    with pytest.raises(ValueError, match=r"a\.al3d: not a complete AL3D file: 500 x 7 heights"):
        read_height_map(al3d(tmp_path / "a.al3d", heights, Rows=500))
    with pytest.raises(ValueError, match="its spacing must be positive"):
        read_height_map(al3d(tmp_path / "a.al3d", heights, PixelSizeXMeter=0))
