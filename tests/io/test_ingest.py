import numpy as np
import pytest
import tifffile

from poroscale.engine import Run
from poroscale.io.ingest import ingest, passes, plan_ingest
from poroscale.io.ingest_config import IngestConfig
from poroscale.volume import Volume

SIZE = IngestConfig(voxel_size=2.5)


def folder_of(path, array, **how):
    path.mkdir()
    for z, plane in enumerate(array):
        tifffile.imwrite(path / f"slice_{z:03d}.tif", plane, **how)
    return path


def save(path, array):
    np.save(path, array)
    return path


def no_volume(path):
    """Nothing at `path` opens as finished."""
    with pytest.raises((FileNotFoundError, ValueError)):
        Volume.open(path)
    return True


@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}], ids=str)
def test_the_voxels_are_the_slices(tmp_path, voxels, how):
    array = voxels(shape=(150, 140, 130))
    volume = ingest(folder_of(tmp_path / "scan", array, **how), tmp_path / "out.zarr", config=SIZE)
    np.testing.assert_array_equal(volume.read(), array)
    assert volume.dtype == np.uint16
    assert volume.voxel_size == (2.5, 2.5, 2.5)
    assert volume.attributes["kind"] == "scan"
    assert volume.attributes["source"]["files"] == 150
    assert volume.attributes["source"]["voxel_size_from"] == "option"
    assert str(tmp_path) not in str(volume.attributes)


def test_voxel_size_from_the_file_or_else_asked_for(tmp_path, voxels):
    how = {
        "imagej": True,
        "resolution": (1 / 4.0, 1 / 3.0),
        "metadata": {"spacing": 9.0, "unit": "um", "axes": "ZYX"},
    }
    tifffile.imwrite(tmp_path / "sized.tif", voxels(), **how)
    assert ingest(tmp_path / "sized.tif", tmp_path / "a.zarr").voxel_size == (9.0, 3.0, 4.0)
    bare = save(tmp_path / "bare.npy", voxels())
    with pytest.raises(ValueError, match=r"bare\.npy states no voxel size.*`voxel_size`"):
        ingest(bare, tmp_path / "b.zarr")
    given = IngestConfig(voxel_size=(3, 2, 1))
    assert ingest(bare, tmp_path / "b.zarr", config=given).voxel_size == (3.0, 2.0, 1.0)


def test_box_mask_turn_and_dtype_together(tmp_path, voxels):
    array = voxels()
    mask = np.random.default_rng(5).integers(0, 2, array.shape, np.uint8)
    save(tmp_path / "mask.npy", mask)
    config = IngestConfig(
        voxel_size=(1, 2, 3),
        box=(1, 6, 2, 10, 3, 12),
        mask=str(tmp_path / "mask.npy"),
        mask_fill=100,
        axes="y",
        dtype="uint8",
        overflow="scale",
        levels=(0, 65535),
    )
    volume = ingest(save(tmp_path / "scan.npy", array), tmp_path / "out.zarr", config=config)
    taken = np.where(mask, array, 100)[1:6, 2:10, 3:12].transpose(1, 2, 0)
    np.testing.assert_array_equal(volume.read(), np.rint(taken / 257))
    assert volume.origin == (2, 3, 1)
    assert volume.voxel_size == (2.0, 3.0, 1.0)


def test_blocks_do_not_matter(tmp_path, voxels):
    array = voxels(np.uint8, (130, 260, 140))
    folder = folder_of(tmp_path / "scan", array, compression="zlib", rowsperstrip=16)
    for number, run in enumerate((Run(block=(128, 128, 128)), Run(workers=2), Run(workers=1))):
        volume = ingest(folder, tmp_path / f"{number}.zarr", config=SIZE, run=run)
        np.testing.assert_array_equal(volume.read(), array)


def test_packed_voxels_leave_no_scratch(tmp_path, voxels):
    nibabel = pytest.importorskip("nibabel", reason="the extra 'io' is not installed")
    image = nibabel.Nifti1Image(voxels(np.int16).T, np.diag([2.0, 2.0, 2.0, 1.0]))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "scan.nii.gz")
    volume = ingest(tmp_path / "scan.nii.gz", tmp_path / "out.zarr")
    np.testing.assert_array_equal(volume.read(), voxels(np.int16))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.zarr", "scan.nii.gz"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_float_scan_with_nan_names_the_slice(tmp_path, voxels, bad):
    array = voxels(np.float32)
    array[4, 5, 6] = bad
    source = folder_of(tmp_path / "scan", array)
    config = IngestConfig(voxel_size=1, axes="x")
    with pytest.raises(ValueError, match=r"NaN or infinity in slice_004\.tif"):
        ingest(source, tmp_path / "out.zarr", config=config)
    assert no_volume(tmp_path / "out.zarr")


def test_nan_outside_the_mask_is_no_matter(tmp_path, voxels):
    array = voxels(np.float32)
    array[4, 5, 6] = np.nan
    save(tmp_path / "mask.npy", np.isfinite(array))
    config = IngestConfig(voxel_size=1, mask=str(tmp_path / "mask.npy"))
    volume = ingest(save(tmp_path / "scan.npy", array), tmp_path / "out.zarr", config=config)
    assert volume.read((4, 5, 6), (1, 1, 1)).item() == 0


@pytest.mark.parametrize("size", [-1.0, 0.0, (1.0, -2.0, 1.0), float("nan")])
def test_voxel_size_that_cannot_be(tmp_path, voxels, size):
    source = save(tmp_path / "scan.npy", voxels())
    with pytest.raises(ValueError, match=r"`voxel_size`:? (the voxel size )?must be"):
        ingest(source, tmp_path / "out.zarr", config=IngestConfig(voxel_size=size))
    assert no_volume(tmp_path / "out.zarr")


def test_unknown_key():
    with pytest.raises(ValueError, match="voxelsize"):
        IngestConfig.model_validate({"voxelsize": 3})


@pytest.mark.parametrize("where", ["scan", "scan/out.zarr", "scan/deep/out.zarr"])
def test_output_and_input_inside_each_other(tmp_path, voxels, where):
    source = folder_of(tmp_path / "scan", voxels())
    with pytest.raises(ValueError, match="must not lie inside"):
        ingest(source, tmp_path / where, config=SIZE)
    assert len(list(source.iterdir())) == 7


def test_an_input_inside_the_volume_to_be_replaced(tmp_path, voxels):
    ingest(save(tmp_path / "scan.npy", voxels()), tmp_path / "out.zarr", config=SIZE)
    with pytest.raises(ValueError, match="the input 0 must not lie inside the output"):
        ingest(tmp_path / "out.zarr" / "0", tmp_path / "out.zarr", run=Run(overwrite=True))
    assert Volume.open(tmp_path / "out.zarr").shape == voxels().shape


def test_the_plan_touches_no_voxel(tmp_path, voxels):
    nibabel = pytest.importorskip("nibabel", reason="the extra 'io' is not installed")
    image = nibabel.Nifti1Image(voxels(np.int16).T, np.eye(4))
    nibabel.save(image, tmp_path / "scan.nii.gz")
    spec, declared = passes(tmp_path / "scan.nii.gz", SIZE)
    assert (spec.shape, spec.dtype, spec.voxel_size) == ((7, 11, 13), np.int16, (2.5, 2.5, 2.5))
    assert declared["ingest"].need.write == 2
    plan = plan_ingest(tmp_path / "scan.nii.gz", config=SIZE)
    assert plan.stages.keys() == {"ingest"}
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ingest(tmp_path / "absent.tif", tmp_path / "out.zarr", config=SIZE)
    (tmp_path / "scan").mkdir()
    with pytest.raises(FileNotFoundError, match="scan: the folder must hold a slice"):
        ingest(tmp_path / "scan", tmp_path / "out.zarr", config=SIZE)
    (tmp_path / "scan.xyz").touch()
    with pytest.raises(ValueError, match=r"scan\.xyz: the format must be one of"):
        ingest(tmp_path / "scan.xyz", tmp_path / "out.zarr", config=SIZE)
    assert no_volume(tmp_path / "out.zarr")


def test_a_claimed_size_beyond_the_budget(tmp_path):
    import zarr

    zarr.create_array(tmp_path / "huge.zarr", shape=(200_000,) * 3, chunks=(64,) * 3, dtype="u2")
    with pytest.raises(OSError, match="GB are free"):
        ingest(tmp_path / "huge.zarr", tmp_path / "out.zarr", config=SIZE)
    with pytest.raises(MemoryError, match="memory must be at least"):
        ingest(tmp_path / "huge.zarr", tmp_path / "out.zarr", config=SIZE, run=Run(memory="1MiB"))
    assert no_volume(tmp_path / "out.zarr")


def test_a_bad_slice_is_named_before_anything_is_written(tmp_path, voxels):
    source = folder_of(tmp_path / "scan", voxels())
    (source / "slice_003.tif").unlink()
    with pytest.raises(ValueError, match="slice number 3 is missing between"):
        ingest(source, tmp_path / "out.zarr", config=SIZE)
    assert not (tmp_path / "out.zarr").exists()


def test_finished_is_left_alone_and_other_settings_are_refused(tmp_path, voxels):
    source = save(tmp_path / "scan.npy", voxels())
    first = ingest(source, tmp_path / "out.zarr", config=SIZE)
    assert ingest(source, tmp_path / "out.zarr", config=SIZE).digest == first.digest
    with pytest.raises(ValueError, match="finished with other input or settings"):
        ingest(source, tmp_path / "out.zarr", config=IngestConfig(voxel_size=3))


def test_large_compressed_slices_are_stored_flatter(tmp_path, voxels, monkeypatch):
    from poroscale.io import ingest as module

    monkeypatch.setattr(module, "_LARGE_SLAB", 128 * 100 * 80)
    array = voxels(shape=(70, 300, 260))
    packed = folder_of(tmp_path / "packed", array, compression="zlib", rowsperstrip=300)
    plain = folder_of(tmp_path / "plain", array)
    flat = ingest(packed, tmp_path / "a.zarr", config=SIZE, run=Run(block=(32, 256, 256)))
    assert flat.chunks == (32, 256, 256)
    assert ingest(plain, tmp_path / "b.zarr", config=SIZE).chunks == (70, 128, 128)
    np.testing.assert_array_equal(flat.read(), array)
