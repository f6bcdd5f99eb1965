import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from poroscale.io.opening import open_source


def whole(source):
    return source((0, 0, 0), source.shape)


def save(path, array, mode=None, **how):
    Image.fromarray(array, mode).save(path, **how)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
@pytest.mark.parametrize("ramp", [1, -1])
def test_a_grey_palette_has_the_values(tmp_path, voxels, reads_like, suffix, ramp):
    indices = voxels(np.uint8)
    table = np.arange(256, dtype=np.uint8)[::ramp]
    for z, plane in enumerate(indices):
        picture = Image.fromarray(plane, mode="L").convert("P")
        picture.putdata(plane.reshape(-1).tolist())
        picture.putpalette(np.repeat(table, 3).tobytes())
        picture.save(tmp_path / f"s{z}{suffix}")
    reads_like(open_source(tmp_path), table[indices], examples=4)
    if ramp < 0:
        reads_like(open_source(tmp_path, channel="index"), indices, examples=4)


def test_a_coloured_palette_needs_a_choice(tmp_path, voxels, reads_like):
    picture = Image.fromarray(voxels(np.uint8)[0], mode="P")
    colours = np.random.default_rng(3).integers(0, 256, (256, 3), np.uint8)
    picture.putpalette(colours.tobytes())
    picture.save(tmp_path / "s.png")
    with pytest.raises(ValueError, match=r"s\.png: .*palette has colours.*`channel` index"):
        open_source(tmp_path / "s.png")
    indices = voxels(np.uint8)[:1]
    reads_like(open_source(tmp_path / "s.png", channel="index"), indices, examples=3)
    reads_like(open_source(tmp_path / "s.png", channel=1), colours[indices, 1], examples=3)


def test_palettes_that_differ_are_refused(tmp_path, voxels):
    for z in range(3):
        picture = Image.fromarray(voxels(np.uint8)[z], mode="P")
        ramp = np.arange(256, dtype=np.uint8)[:: -1 if z == 2 else 1]
        picture.putpalette(np.repeat(ramp, 3).tobytes())
        picture.save(tmp_path / f"s{z}.png")
    with pytest.raises(ValueError, match=r"s2\.png: its palette must be that of s0\.png"):
        open_source(tmp_path)


@pytest.mark.parametrize("mode", ["LA", "RGB", "RGBA"])
def test_grey_as_colour(tmp_path, voxels, reads_like, mode):
    grey = voxels(np.uint8)[:2]
    for z, plane in enumerate(grey):
        Image.fromarray(plane).convert(mode).save(tmp_path / f"s{z}.png")
    reads_like(open_source(tmp_path), grey, examples=6)
    pixels = np.asarray(Image.open(tmp_path / "s1.png")).copy()
    pixels[3, 4, -1] ^= 1
    save(tmp_path / "s1.png", pixels, mode)
    what = "coloured" if mode == "RGB" else "transparent"
    with pytest.raises(ValueError, match=rf"slices must be grey, s1\.png is {what}: .*`channel`"):
        whole(open_source(tmp_path))
    reads_like(open_source(tmp_path, channel=0), grey, examples=4)


def test_sixteen_bits_are_kept(tmp_path, voxels, reads_like):
    save(tmp_path / "s.png", voxels()[0])
    reads_like(open_source(tmp_path / "s.png"), voxels()[:1], examples=4)


def test_sixteen_bits_of_colour_are_refused(tmp_path):
    """Pillow would cut them to eight."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    data = zlib.compress(b"\0" + bytes(12))
    path = tmp_path / "s.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    with pytest.raises(ValueError, match=r"s\.png: a PNG of 16 bits must be grey"):
        open_source(path)


def test_transparent_places_are_refused(tmp_path, voxels):
    Image.fromarray(voxels(np.uint8)[0]).save(tmp_path / "s.png", transparency=7)
    with pytest.raises(ValueError, match=r"s\.png: .* transparent places"):
        open_source(tmp_path / "s.png")


def test_a_picture_is_in_the_memory_plan(tmp_path, voxels):
    save(tmp_path / "s.png", voxels(np.uint8)[0])
    assert open_source(tmp_path / "s.png").per_read >= 2 * 11 * 13


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg"])
@pytest.mark.parametrize("limit", [10, 500])
def test_large_pictures_are_read_without_a_word(tmp_path, monkeypatch, suffix, limit):
    """Pillow warns of more pixels than its limit, and refuses twice as many."""
    path = save(tmp_path / f"large{suffix}", np.full((20, 30), 7, np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    source = open_source(path)
    assert source.shape == (1, 20, 30)
    np.testing.assert_array_equal(whole(source), np.full((1, 20, 30), 7))


def test_the_plan_knows_the_size_of_a_large_picture(tmp_path):
    """Of a header alone: 600 million pixels are refused by what memory holds, if at all."""
    save(tmp_path / "s.png", np.zeros((2, 2), np.uint8))
    data = (tmp_path / "s.png").read_bytes()
    head = b"IHDR" + struct.pack(">II", 30000, 20000) + data[24:29]
    (tmp_path / "s.png").write_bytes(
        data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
    )
    source = open_source(tmp_path / "s.png")
    assert source.shape == (1, 20000, 30000)
    assert source.per_read == 2 * 20000 * 30000
