import os

import numpy as np
import pytest
import tifffile

from poroscale.io.ingest import ingest
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source

PICTURES = ["png", "bmp", "jpg"]


@pytest.mark.parametrize("suffix", PICTURES)
def test_pictures(tmp_path, voxels, reads_like, suffix):
    from PIL import Image

    array = np.repeat(voxels(np.uint8)[:, :1], 11, axis=1)
    for z, plane in enumerate(array):
        Image.fromarray(plane).save(tmp_path / f"s{z}.{suffix}")
    source = open_source(tmp_path)
    if suffix == "jpg":
        array = np.stack([np.asarray(Image.open(tmp_path / f"s{z}.jpg")) for z in range(7)])
    reads_like(source, array)
    assert open_source(tmp_path / f"s3.{suffix}").shape == (1, 11, 13)


def test_sixteen_bit_pictures(tmp_path, voxels, reads_like):
    from PIL import Image

    for z, plane in enumerate(voxels()):
        Image.fromarray(plane).save(tmp_path / f"s{z}.png")
    reads_like(open_source(tmp_path), voxels())


def test_pictures_of_another_size_or_colour_or_cut_off(tmp_path, voxels):
    from PIL import Image

    for z, plane in enumerate(voxels(np.uint8)):
        Image.fromarray(plane).save(tmp_path / f"s{z}.png")
    whole = (tmp_path / "s4.png").read_bytes()
    Image.fromarray(voxels(np.uint8)[4, 1:]).save(tmp_path / "s4.png")
    with pytest.raises(ValueError, match=r"s4\.png: the picture must be"):
        open_source(tmp_path)
    (tmp_path / "s4.png").write_bytes(whole[:-60])
    with pytest.raises(OSError, match=r"s4\.png: the picture cannot be decoded"):
        open_source(tmp_path)((4, 0, 0), (1, 11, 13))
    (tmp_path / "s4.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"s4\.png: not a picture"):
        open_source(tmp_path)
    colour = np.zeros((11, 13, 3), np.uint8)
    colour[0, 0] = 1, 2, 3
    Image.fromarray(colour).save(tmp_path / "colour.bmp")
    with pytest.raises(ValueError, match="slice 0 is coloured"):
        open_source(tmp_path / "colour.bmp")((0, 0, 0), (1, 11, 13))


REAL = [
    ("ct_battery_cell_48x608x608.tif", (48, 608, 608), np.uint8),
    ("ct_concrete_100.tif", (100, 100, 100), np.uint16),
    ("ct_sandstone_slice_0050.tif", (1, 1024, 996), np.uint8),
    ("electrode_256.tif", (256, 256, 256), np.uint8),
    ("separator_156x75x75.tif", (156, 75, 75), np.uint8),
    ("sofc_1024.tif", (1, 1024, 1024), np.uint8),
]


@pytest.mark.parametrize(("name", "shape", "dtype"), REAL)
def test_real_volumes(shared_data, tmp_path, name, shape, dtype):
    source = open_source(shared_data / name)
    assert (source.shape, source.dtype, source.voxel_size) == (shape, dtype, None)
    whole = tifffile.imread(shared_data / name).reshape(shape)
    box = tuple(size // 3 for size in shape), tuple(max(1, size // 2) for size in shape)
    inside = tuple(slice(o, o + s) for o, s in zip(*box, strict=True))
    np.testing.assert_array_equal(source(*box), whole[inside])
    volume = ingest(
        shared_data / name, tmp_path / "out.zarr", config=IngestConfig(voxel_size=33.97)
    )
    np.testing.assert_array_equal(volume.read(), whole)


def test_real_pictures(shared_data):
    for name, shape in (("swnn_M1.bmp", (1, 128, 128)), ("swnn_M2.bmp", (1, 128, 128))):
        source = open_source(shared_data / name)
        assert source.shape == shape
        assert set(np.unique(source((0, 0, 0), shape))) == {0, 255}
    assert open_source(shared_data / "am_steel_XY.png").shape == (1, 725, 725)
    assert open_source(shared_data / "lpbf_surface_realisation_512.npy").shape == (1, 512, 512)


def test_a_stack_with_a_gap_in_the_real_slices(shared_data, tmp_path):
    for name in ("ct_sandstone_slice_0000.tif", "ct_sandstone_slice_0050.tif"):
        (tmp_path / name).write_bytes((shared_data / name).read_bytes())
    with pytest.raises(ValueError, match="slice number 1-49 is missing between"):
        open_source(tmp_path)


@pytest.mark.parametrize("name", ["scan.h5", "scan.npy", "scan.zarr.zip"])
def test_a_pipe_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=r"must be a file or a folder; it is a pipe or a device"):
        open_source(tmp_path / name)


def test_names_and_channels_where_there_are_none(tmp_path, voxels):
    np.save(tmp_path / "scan.npy", voxels())
    with pytest.raises(ValueError, match=r"scan\.npy holds one volume, .* got ::entry/data"):
        open_source(f"{tmp_path}/scan.npy::entry/data")
    np.savez(tmp_path / "scan.npz", voxels())
    with pytest.raises(ValueError, match=r"scan\.npz: the channel must be 0: there is one, got 1"):
        open_source(tmp_path / "scan.npz", channel=1)


def test_a_folder_without_a_name_is_told_by_its_own(tmp_path, monkeypatch):
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("a_1.tif", "a_2.png"):
        (folder / name).write_bytes(b"")
    monkeypatch.chdir(folder)
    with pytest.raises(ValueError, match=r"^scans: the folder holds several kinds of files"):
        open_source(".")
