"""Stores in zip files, and groups of several images."""

import zipfile

import numpy as np
import pytest
import zarr

from poroscale.io.opening import open_source


def zipped(folder, target, *, prefix="", compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(target, "w", compression) as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                packed.write(file, f"{prefix}{file.relative_to(folder)}")
    return target


@pytest.mark.parametrize("prefix", ["", "scan.zarr/"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("version", [2, 3])
def test_a_zip_file_reads_as_its_folder(
    tmp_path, voxels, reads_like, *, prefix, compression, version
):
    group = zarr.create_group(tmp_path / "scan.zarr", zarr_format=version)
    group.create_array("a", data=voxels(), chunks=(3, 4, 5))
    path = zipped(
        tmp_path / "scan.zarr", tmp_path / "scan.zarr.zip", prefix=prefix, compression=compression
    )
    source = open_source(path)
    reads_like(source, voxels(), examples=5)
    assert source.fingerprint()["array"] == "a"
    reads_like(open_source(f"{path}::a"), voxels(), examples=2)


def test_zip_files_that_are_no_store(tmp_path, voxels):
    path = tmp_path / "scan.zarr.zip"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"scan\.zarr\.zip: not a complete zip file"):
        open_source(path)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("readme", "hello")
    with pytest.raises(ValueError, match="no Zarr array or group in the zip file"):
        open_source(path)


def test_a_bomb_in_a_zip_file(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=np.ones((8, 8, 8), "u1"), compressors=None)
    (tmp_path / "a.zarr" / "c" / "0" / "0" / "0").write_bytes(bytes(30 << 20))
    path = zipped(tmp_path / "a.zarr", tmp_path / "a.zarr.zip", compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(OSError, match="is damaged: 31457280 bytes for a chunk of 512"):
        open_source(path)((0, 0, 0), (8, 8, 8))


def series(path, arrays, version=2):
    """As bioformats2raw lays it out: numbered groups, an image in each, and a folder OME."""
    root = zarr.create_group(path, zarr_format=version)
    marks = {"bioformats2raw.layout": 3}
    root.attrs.update(marks if version == 2 else {"ome": {"version": "0.5", **marks}})
    root.create_group("OME")
    for number, array in enumerate(arrays):
        image = root.create_group(str(number))
        image.create_array("0", data=array[None, None])
        image.create_array("1", data=array[None, None, ::2, ::2, ::2])
        axes = [{"name": name, "type": "time" if name == "t" else "channel"} for name in "tc"]
        axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
        scales = [[1.0, 1.0, 4.0 * f, 2.0 * f, 2.0 * f] for f in (1, 2)]
        datasets = [
            {"path": str(k), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
            for k, scale in enumerate(scales)
        ]
        body = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": datasets}]}
        image.attrs.update(body if version == 2 else {"ome": {"version": "0.5", **body}})
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_the_one_image_of_bioformats2raw(tmp_path, voxels, reads_like, version):
    path = series(tmp_path / "scan.zarr", [voxels()], version)
    source = open_source(path)
    assert source.voxel_size == (4.0, 2.0, 2.0)
    reads_like(source, voxels(), examples=5)
    assert open_source(f"{path}::0") == open_source(f"{path}::0/0") == source
    half = open_source(f"{path}::0/1")
    assert half.voxel_size == (8.0, 4.0, 4.0)
    reads_like(half, voxels()[::2, ::2, ::2], examples=5)


def test_several_images_are_named(tmp_path, voxels, reads_like):
    path = series(tmp_path / "scan.zarr", [voxels(), voxels()[::-1]])
    with pytest.raises(ValueError, match="the store must hold one image, got 0, 1; name the array"):
        open_source(path)
    reads_like(open_source(f"{path}::1"), voxels()[::-1], examples=5)


def test_images_before_version_0_3_have_five_axes(tmp_path, voxels, reads_like):
    group = zarr.create_group(tmp_path / "old.zarr", zarr_format=2)
    group.create_array("0", data=np.stack([voxels(), voxels()[::-1]])[None])
    group.attrs["multiscales"] = [{"version": "0.2", "datasets": [{"path": "0"}]}]
    reads_like(open_source(tmp_path / "old.zarr", channel=1), voxels()[::-1], examples=5)
