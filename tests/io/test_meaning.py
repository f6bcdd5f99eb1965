"""What HDF5 and Zarr attributes say of numbers, axes and places is applied, or refused."""

import h5py
import numpy as np
import pytest
import xarray
import zarr

from poroscale.io.ingest import ingest, prepare
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source

SIZE = IngestConfig(voxel_size=1.0)


def in_hdf5(folder, array, attributes, names=()):
    path = folder / "scan.h5"
    with h5py.File(path, "w") as file:
        file["d"] = array
        file["d"].attrs.update(attributes)
        for dim, name in zip(file["d"].dims, names, strict=False):
            dim.label = name
    return path


def in_zarr(folder, array, attributes, names=None, version=3):
    path = folder / "scan.zarr"
    if version == 2 and names:
        attributes = {**attributes, "_ARRAY_DIMENSIONS": list(names)}
    stored = zarr.create_array(
        path,
        shape=array.shape,
        chunks=(3,) * array.ndim,
        dtype=array.dtype,
        zarr_format=version,
        dimension_names=names if version == 3 else None,
        overwrite=True,
    )
    stored[...] = array
    stored.attrs.update(attributes)
    return path


WRITERS = [in_hdf5, in_zarr]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_scale_and_offset_as_xarray_has_them(tmp_path, voxels, write, dtype):
    array = voxels(dtype)
    path = write(tmp_path, array, {"scale_factor": 0.5, "add_offset": 100.0})
    source = open_source(path)
    packed = xarray.Variable(("z", "y", "x"), array, {"scale_factor": 0.5, "add_offset": 100.0})
    meant = xarray.conventions.decode_cf_variable("d", packed).values
    assert source.dtype == (np.float64 if dtype == np.int32 else np.float32)
    np.testing.assert_array_equal(source((0, 0, 0), array.shape), meant.astype(source.dtype))
    assert source.fingerprint()["calibration"] == [0.5, 100.0]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_missing_values_are_refused_or_filled(tmp_path, voxels, write, scale):
    array = voxels(np.int16) // 2
    array[3, 4, 5] = array[6, 0, 0] = -32768
    path = write(tmp_path, array, {"_FillValue": -32768, "scale_factor": scale})
    with pytest.raises(ValueError, match=r"(-32768 are no measurement|NaN).* slice 3.*`nan`"):
        prepare(path, SIZE)((0, 0, 0), array.shape)
    filled = prepare(path, IngestConfig(voxel_size=1.0, nan=12))
    expected = array * scale
    expected[array == -32768] = 12
    np.testing.assert_array_equal(filled((0, 0, 0), array.shape), expected)
    assert filled.fingerprint()["nan"] == 12


@pytest.mark.parametrize("write", WRITERS)
def test_attributes_that_cannot_be_applied(tmp_path, voxels, write):
    for attributes, sentence in (
        ({"scale_factor": 0.0}, "scale_factor and add_offset must be one finite number each"),
        ({"add_offset": "many"}, "its attribute add_offset must be a number"),
        ({"_Unsigned": "true"}, "_Unsigned says that int16 stands for another type"),
    ):
        path = write(tmp_path, voxels(np.int16), attributes)
        with pytest.raises(ValueError, match=sentence):
            open_source(path)


def test_nan_outside_the_circle(tmp_path, voxels):
    array = voxels(np.float32)
    array[:, :3] = np.nan
    np.save(tmp_path / "scan.npy", array)
    with pytest.raises(ValueError, match=r"NaN or infinity in slice 0; .*`nan`"):
        prepare(tmp_path / "scan.npy", SIZE)((0, 0, 0), array.shape)
    volume = ingest(
        tmp_path / "scan.npy", tmp_path / "out.zarr", config=IngestConfig(voxel_size=1.0, nan=-5.5)
    )
    np.testing.assert_array_equal(volume.read(), np.where(np.isnan(array), -5.5, array))
    array[0, 0, 0] = np.inf
    np.save(tmp_path / "scan.npy", array)
    with pytest.raises(ValueError, match=r"got NaN or infinity in slice 0$"):
        prepare(tmp_path / "scan.npy", IngestConfig(voxel_size=1.0, nan=0))((0, 0, 0), array.shape)


@pytest.mark.parametrize("version", [2, 3, 5])
@pytest.mark.parametrize("order", ["zyx", "xyz", "yzx", "xzy", "zxy", "yxz"])
def test_named_axes_in_any_order(tmp_path, voxels, reads_like, order, version):
    array = voxels()
    stored = array.transpose(["zyx".index(axis) for axis in order]).copy()
    if version == 5:
        path = in_hdf5(tmp_path, stored, {}, order)
    else:
        path = in_zarr(tmp_path, stored, {}, order, version)
    reads_like(open_source(path), array, examples=10)


def test_axistags_of_ilastik_and_axes_of_nexus(tmp_path, voxels, reads_like):
    array = voxels()
    tags = '{"axes": [{"key": "x"}, {"key": "z"}, {"key": "c"}, {"key": "y"}]}'
    path = in_hdf5(
        tmp_path,
        np.stack([array, array[::-1]]).transpose(3, 1, 0, 2),
        {"axistags": tags, "element_size_um": [1.0, 3.0, 0.0, 2.0]},
    )
    with pytest.raises(ValueError, match="the axis c of 2 besides; choose one of 0 to 1"):
        open_source(path)
    source = open_source(path, channel=1)
    assert source.voxel_size == (3.0, 2.0, 1.0)
    reads_like(source, array[::-1], examples=10)
    with h5py.File(path, "w") as file:
        file["entry/data"] = array.transpose(2, 1, 0)
        file["entry"].attrs["axes"] = ["x", "y", "z"]
        for axis, step, first in (("x", 1.0, 0.0), ("y", 2.0, 4.0), ("z", 3.0, 9.5)):
            size = dict(zip("zyx", array.shape, strict=True))[axis]
            file[f"entry/{axis}"] = first + step * np.arange(size)
            file[f"entry/{axis}"].attrs["units"] = "um"
    source = open_source(path)
    assert (source.voxel_size, source.origin) == ((3.0, 2.0, 1.0), (3, 2, 0))
    reads_like(source, array, examples=5)


def test_axes_that_are_no_volume(tmp_path, voxels):
    with pytest.raises(ValueError, match="axes must be z, y and x, each once, got t, y, y"):
        open_source(in_zarr(tmp_path, voxels(), {}, ("t", "y", "y")))
    with pytest.raises(ValueError, match="the axis t of 7 besides"):
        open_source(in_zarr(tmp_path, voxels(), {}, ("t", "y", "x")))


@pytest.mark.parametrize("write", WRITERS)
def test_axes_of_length_one_and_channels_without_names(tmp_path, voxels, reads_like, write):
    reads_like(open_source(write(tmp_path, voxels()[..., None], {})), voxels(), examples=5)
    reads_like(open_source(write(tmp_path, voxels()[None], {})), voxels(), examples=5)
    two = np.stack([voxels(), voxels()[::-1]])
    path = write(tmp_path, two, {})
    with pytest.raises(ValueError, match="got 2 x 7 x 11 x 13; `channel` chooses"):
        open_source(path)
    reads_like(open_source(path, channel=1), two[1], examples=5)
    with pytest.raises(ValueError, match="`channel` must be from 0 to 1, got 2"):
        open_source(path, channel=2)


def image(folder, array, transformations, axes="zyx"):
    group = zarr.create_group(folder / "image.zarr", overwrite=True)
    group.create_array("0", data=array)
    named = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in axes]
    datasets = [{"path": "0", "coordinateTransformations": transformations}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": named, "datasets": datasets}]}
    return folder / "image.zarr"


@pytest.mark.parametrize(
    ("shift", "origin"),
    [([8.0, 6.0, 4.0], (2, 3, 4)), ([10.0, 7.0, 4.5], (2, 3, 4)), ([-8.0, 0, 0], (-2, 0, 0))],
)
def test_a_translation_becomes_the_origin(tmp_path, voxels, shift, origin):
    steps = [
        {"type": "scale", "scale": [4.0, 2.0, 1.0]},
        {"type": "translation", "translation": shift},
    ]
    path = image(tmp_path, voxels(), steps)
    volume = ingest(path, tmp_path / "out.zarr")
    assert (volume.voxel_size, volume.origin) == ((4.0, 2.0, 1.0), origin)
    assert volume.attributes["source"]["position_um"] == shift
    np.testing.assert_array_equal(volume.read(), voxels())


def test_a_crop_keeps_its_place_through_other_programs(tmp_path, voxels):
    """What we write, read back without our manifest, lies where it lay."""
    np.save(tmp_path / "scan.npy", voxels())
    config = IngestConfig(voxel_size=(4.0, 2.0, 1.0), box=(2, 6, 3, 9, 5, 10))
    crop = ingest(tmp_path / "scan.npy", tmp_path / "crop.zarr", config=config)
    (tmp_path / "copy.zarr").mkdir()
    for file in (tmp_path / "crop.zarr").rglob("*"):
        if file.is_file() and ".poroscale" not in file.parts:
            target = tmp_path / "copy.zarr" / file.relative_to(tmp_path / "crop.zarr")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    assert open_source(tmp_path / "copy.zarr").origin == crop.origin == (2, 3, 5)


def test_transformations_that_are_not_read(tmp_path, voxels):
    turned = [{"type": "affine", "affine": [[1.0] * 4] * 3}]
    with pytest.raises(ValueError, match="must be a scale or a translation given as numbers"):
        open_source(image(tmp_path, voxels(), turned))


def test_the_place_and_the_direction_of_vtkhdf(tmp_path, voxels):
    path = tmp_path / "scan.vtkhdf"
    with h5py.File(path, "w") as file:
        root = file.create_group("VTKHDF")
        root.attrs["Spacing"], root.attrs["Origin"] = (1.0, 2.0, 4.0), (3.0, 4.0, 40.0)
        root.attrs["LengthUnit"] = "um"
        root["CellData/data"] = voxels()
    source = open_source(path)
    assert (source.voxel_size, source.origin) == ((4.0, 2.0, 1.0), (10, 2, 3))
    with h5py.File(path, "a") as file:
        file["VTKHDF"].attrs["Direction"] = (0.0, 1, 0, -1, 0, 0, 0, 0, 1)
    with pytest.raises(ValueError, match="the image is turned in space"):
        open_source(path)


def test_netcdf_of_xarray(tmp_path, voxels, reads_like):
    """Dimension scales give the order of the axes, the voxel size and the place."""
    path, array = tmp_path / "scan.nc", voxels()
    with h5py.File(path, "w") as file:
        for axis, size in zip("zyx", array.shape, strict=True):
            file[axis] = 1.5 + 0.5 * np.arange(size)
            file[axis].attrs["units"] = "mm"
            file[axis].make_scale(axis)
        file["d"] = array.transpose(1, 0, 2)
        for dim, axis in zip(file["d"].dims, "yzx", strict=True):
            dim.attach_scale(file[axis])
    source = open_source(path)
    assert (source.voxel_size, source.origin) == ((500.0,) * 3, (3, 3, 3))
    reads_like(source, array, examples=5)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("how", ["floats", "packed"])
def test_zarr_of_xarray(tmp_path, voxels, version, how):
    """NaN goes out as a fill value, float or packed into integers, and comes back as NaN."""
    array = voxels(np.float32) * 100
    array[2, 3, 4] = np.nan
    scan = xarray.Dataset({"scan": (("y", "x", "z"), array.transpose(1, 2, 0))})
    packed = {"dtype": "int16", "scale_factor": 0.02, "add_offset": 5.0, "_FillValue": -32768}
    encoding = {"scan": packed} if how == "packed" else {}
    scan.to_zarr(tmp_path / "x.zarr", encoding=encoding, zarr_format=version, consolidated=False)
    theirs = xarray.open_zarr(tmp_path / "x.zarr", consolidated=False)["scan"]
    expected = theirs.transpose("z", "y", "x").values
    assert np.isnan(expected).sum() == 1
    source = open_source(tmp_path / "x.zarr")
    np.testing.assert_allclose(source((0, 0, 0), source.shape), expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"slice 2.*`nan`"):
        prepare(tmp_path / "x.zarr", SIZE)((0, 0, 0), array.shape)


@pytest.mark.parametrize("version", [2, 3])
def test_our_lazy_view_keeps_its_place_in_zarr(tmp_path, voxels, reads_like, version):
    np.save(tmp_path / "scan.npy", voxels())
    config = IngestConfig(voxel_size=(4.0, 2.0, 1.0), box=(2, 6, 3, 9, 5, 10))
    crop = ingest(tmp_path / "scan.npy", tmp_path / "crop.zarr", config=config)
    view = crop.to_xarray().rename("scan").transpose("x", "z", "y").to_dataset()
    view.to_zarr(tmp_path / "x.zarr", zarr_format=version, consolidated=False)
    source = open_source(tmp_path / "x.zarr")
    assert (source.voxel_size, source.origin) == (crop.voxel_size, crop.origin)
    reads_like(source, crop.read(), examples=3)
