import json

import numpy as np
import pytest
import zarr

from poroscale.engine import volume_from_array
from poroscale.io.opening import open_source
from poroscale.volume import VolumeSpec


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.float32])
def test_bare_arrays(tmp_path, voxels, reads_like, version, dtype):
    array = voxels(np.dtype(dtype).newbyteorder("="))
    stored = zarr.create_array(
        tmp_path / "a.zarr", shape=array.shape, chunks=(3, 4, 5), dtype=dtype, zarr_format=version
    )
    stored[:] = array
    reads_like(open_source(tmp_path / "a.zarr"), array)


def test_shards(tmp_path, voxels, reads_like):
    stored = zarr.create_array(
        tmp_path / "a.zarr", shape=(7, 11, 13), chunks=(2, 2, 2), shards=(4, 4, 4), dtype="u2"
    )
    stored[:] = voxels()
    source = open_source(tmp_path / "a.zarr")
    assert source.preferred_block == (4, 4, 4)
    reads_like(source, voxels())


def test_groups_with_one_volume_or_more(tmp_path, voxels, reads_like):
    group = zarr.create_group(tmp_path / "g.zarr")
    group.create_array("a", data=voxels())
    reads_like(open_source(tmp_path / "g.zarr"), voxels())
    group.create_array("b", data=voxels()[::-1])
    with pytest.raises(ValueError, match="must hold one volume"):
        open_source(tmp_path / "g.zarr")
    reads_like(open_source(f"{tmp_path}/g.zarr::b"), voxels()[::-1])
    with pytest.raises(ValueError, match="there is no array 'c'"):
        open_source(f"{tmp_path}/g.zarr::c")


def write_image(path, array, *, version, axes, scale, units, level="0", image=None):
    group = zarr.create_group(path, zarr_format=version)
    group.create_array(level, data=array, chunks=(4,) * array.ndim)
    multiscale = {
        "axes": [
            {"name": axis, "type": "space", **({"unit": units} if units else {})} for axis in axes
        ],
        "datasets": [
            {
                "path": level,
                "coordinateTransformations": [{"type": "scale", "scale": scale}],
            }
        ],
        **(image or {}),
    }
    body = {"multiscales": [multiscale]}
    group.attrs.update(body if version == 2 else {"ome": {"version": "0.5", **body}})


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("units", "size"),
    [
        ("micrometer", (10.0, 3.5, 4.87)),
        ("nanometer", (0.01, 0.0035, 0.00487)),
        ("millimeter", (10000.0, 3500.0, 4870.0)),
        (None, None),
    ],
)
def test_ome_zarr(tmp_path, voxels, reads_like, *, version, units, size):
    path = tmp_path / "image.zarr"
    write_image(path, voxels(), version=version, axes="zyx", scale=[10, 3.5, 4.87], units=units)
    source = open_source(path)
    assert source.voxel_size == size
    reads_like(source, voxels(), examples=5)


def test_ome_zarr_with_time_and_channel_of_one_and_a_scale_for_all(tmp_path, voxels, reads_like):
    whole = {"coordinateTransformations": [{"type": "scale", "scale": [1, 1, 2, 2, 2]}]}
    write_image(
        tmp_path / "image.zarr",
        voxels()[None, None],
        version=3,
        axes="tczyx",
        scale=[1, 1, 5, 3, 3],
        units="micrometer",
        image=whole,
    )
    source = open_source(tmp_path / "image.zarr")
    assert source.voxel_size == (10.0, 6.0, 6.0)
    reads_like(source, voxels())


def test_a_channel_and_another_order_of_axes(tmp_path, voxels, reads_like):
    two = np.stack([voxels(), voxels()[::-1]])
    write_image(
        tmp_path / "two.zarr", two, version=3, axes="czyx", scale=[1] * 4, units="micrometer"
    )
    write_image(
        tmp_path / "xyz.zarr", voxels(), version=3, axes="xyz", scale=[1] * 3, units="micrometer"
    )
    with pytest.raises(ValueError, match=r"two\.zarr/0: .* the axis c of 2 .* with `channel`"):
        open_source(tmp_path / "two.zarr")
    reads_like(open_source(tmp_path / "two.zarr", channel=1), two[1], examples=3)
    with pytest.raises(ValueError, match="`channel` must be from 0 to 1, got 2"):
        open_source(tmp_path / "two.zarr", channel=2)
    reads_like(open_source(tmp_path / "xyz.zarr"), voxels().transpose(2, 1, 0), examples=5)


def test_a_level_outside_the_store_is_refused(tmp_path, voxels):
    zarr.create_array(tmp_path / "secret.zarr", shape=(2, 2, 2), dtype="u1")
    path = tmp_path / "image.zarr"
    write_image(path, voxels(), version=3, axes="zyx", scale=[1] * 3, units="micrometer")
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(text.replace('"path": "0"', '"path": "../secret.zarr"'))
    with pytest.raises(ValueError, match="must lie inside the store"):
        open_source(path)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"zarr_format": 3}', "[]"])
def test_broken_metadata(tmp_path, text):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.zarr"):
        open_source(tmp_path / "a.zarr")


def test_a_volume_of_ours_is_verified(tmp_path, voxels, reads_like):
    spec = VolumeSpec((7, 11, 13), np.dtype("u2"), (10.0, 3.5, 4.87), origin=(5, 6, 7))
    volume_from_array(voxels(), tmp_path / "own.zarr", spec=spec)
    source = open_source(tmp_path / "own.zarr")
    assert source.voxel_size == (10.0, 3.5, 4.87)
    assert source.origin == (5, 6, 7)
    reads_like(source, voxels(), examples=5)
    chunk = tmp_path / "own.zarr" / "0" / "c" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(OSError, match="damaged"):
        source((0, 0, 0), (1, 1, 1))


def test_fingerprint_sees_other_metadata(tmp_path):
    for name, fill in (("a", 0), ("b", 0), ("c", 7)):
        zarr.create_array(tmp_path / name / "a.zarr", shape=(4, 4, 4), dtype="u1", fill_value=fill)
    a, b, c = (open_source(tmp_path / name / "a.zarr").fingerprint() for name in "abc")
    assert a == b != c
    json.dumps(a)
