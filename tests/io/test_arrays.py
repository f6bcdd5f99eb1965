"""Arrays in memory and lazy arrays become the volume that the same array in a file would become."""

from __future__ import annotations

import tracemalloc

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr

from poroscale.engine import Run
from poroscale.io.arrays import as_volume
from poroscale.io.ingest import ingest
from poroscale.io.ingest_config import IngestConfig

SHAPE = (20, 30, 50)
STEPS = {"z": 4.0, "y": 2.0, "x": 0.5}
GREY = np.random.default_rng(3).integers(0, 60_000, SHAPE, np.uint16)


@pytest.fixture
def converted(tmp_path):
    """The volume of an array, for an output in the folder of the test."""

    def convert(thing, **given):
        return as_volume(thing, beside=tmp_path / "out.zarr", **given)

    return convert


def labelled(array=GREY, dims=("z", "y", "x"), unit="um", scale=1.0, first=0.5):
    """A `DataArray` of (z, y, x) voxels, with its axes in the order `dims`."""
    sizes = dict(zip("zyx", array.shape, strict=True))
    coords = {
        dim: (dim, (np.arange(sizes[dim]) + first) * STEPS[dim] * scale, {"units": unit})
        for dim in dims
    }
    return xr.DataArray(array.transpose(["zyx".index(dim) for dim in dims]), coords, dims)


@pytest.mark.parametrize(
    "array",
    [
        GREY,
        GREY.astype(">u2"),
        np.asfortranarray(GREY),
        (GREY > 40_000),
        (GREY % 3).astype(np.uint8),
        GREY.astype(np.float32),
        GREY[::-2, 3:, ::3],
        GREY[4],
    ],
    ids=["uint16", "big-endian", "fortran", "bool", "uint8", "float32", "view", "one slice"],
)
def test_an_array_is_what_its_npy_file_is(array, converted, tmp_path):
    np.save(tmp_path / "array.npy", array)
    config = IngestConfig(voxel_size=(4.0, 2.0, 0.5))
    expected = ingest(tmp_path / "array.npy", tmp_path / "npy.zarr", config=config)
    lazy = da.from_array(array, chunks=(7,) * array.ndim)
    stored = zarr.array(array, chunks=(9,) * array.ndim)
    for number, thing in enumerate((array, lazy, stored)):
        found = converted(thing, voxel_size=(4.0, 2.0, 0.5), role=f"input{number}")
        assert found.spec.but(attributes={}) == expected.spec.but(attributes={})
        np.testing.assert_array_equal(found.read(), expected.read())
        assert found.attributes["kind"] == "scan"


def test_it_lies_beside_the_output_and_is_found_again(converted, tmp_path):
    first = converted(GREY, voxel_size=2.0)
    assert first.path == tmp_path / "out.input.zarr"
    stamp = (first.path / "zarr.json").stat().st_mtime_ns
    assert converted(GREY.copy(), voxel_size=2.0) == first
    assert converted(GREY, voxel_size=2.0, run=Run(overwrite=True)) == first
    assert (first.path / "zarr.json").stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match=r"out.input.zarr was made of another array"):
        converted(GREY + 1, voxel_size=2.0)
    again = converted(GREY + 1, voxel_size=2.0, run=Run(overwrite=True))
    np.testing.assert_array_equal(again.read(), GREY + 1)
    with pytest.raises(ValueError, match="settings"):
        converted(GREY + 1, voxel_size=3.0)
    again = converted(GREY + 1, voxel_size=3.0, run=Run(overwrite=True))
    assert again.voxel_size == (3.0, 3.0, 3.0)


def test_an_ingestion_that_was_ended_goes_on(converted):
    """What was written is not computed again."""
    computed, full = [], [True]

    def slab(block_info=None):
        place = block_info[None]["array-location"]
        if full[0] and len(computed) == 2:
            raise OSError("the disk is full")
        computed.append(place[0][0])
        return np.full([b - a for a, b in place], place[0][0] // 128, np.uint8)

    chunks, meta = ((128,) * 4, (8,), (8,)), np.zeros((0, 0, 0), np.uint8)
    lazy = da.map_blocks(slab, chunks=chunks, dtype=np.uint8, meta=meta)
    run = Run(workers=1, block=(128, 8, 8))
    with pytest.raises(OSError, match="the disk is full"):
        converted(lazy, voxel_size=1.0, run=run)
    full[0] = False
    found = converted(lazy, voxel_size=1.0, run=run)
    assert sorted(computed) == [0, 128, 256, 384]
    assert found[::128, 0, 0].tolist() == [0, 1, 2, 3]


def test_a_name_stands_for_the_content(converted):
    first = converted(GREY, voxel_size=2.0, name="sample 7")
    assert first.attributes["source"]["file"] == "sample 7"
    assert converted(GREY + 1, voxel_size=2.0, name="sample 7") == first
    with pytest.raises(ValueError, match="made of another array than sample 8"):
        converted(GREY, voxel_size=2.0, name="sample 8")


def test_a_dask_array_is_known_by_its_graph(converted):
    lazy = da.from_array(GREY, chunks=10)
    first = converted(lazy + 1, voxel_size=2.0)
    assert converted(lazy + 1, voxel_size=2.0) == first
    with pytest.raises(ValueError, match="made of another array"):
        converted(lazy + 2, voxel_size=2.0)


def test_volumes_and_paths_stay_what_they_are(converted, as_volume):
    volume = as_volume(GREY)
    assert converted(volume) is volume
    assert converted(str(volume.path)) == volume
    with pytest.raises(ValueError, match="voxel_size must be left out for a volume"):
        converted(volume, voxel_size=1.0)


@pytest.mark.parametrize("chunks", [None, 11])
@pytest.mark.parametrize("dims", [("z", "y", "x"), ("x", "z", "y")])
@pytest.mark.parametrize(("unit", "scale"), [("um", 1.0), ("mm", 1e-3), ("nanometers", 1e3)])
def test_coordinates_give_axes_size_and_place(dims, unit, scale, chunks, converted):
    array = labelled(dims=dims, unit=unit, scale=scale, first=5.5)
    found = converted(array if chunks is None else array.chunk(chunks))
    assert found.voxel_size == pytest.approx((4.0, 2.0, 0.5), rel=1e-9)
    assert found.origin == (5, 5, 5)
    np.testing.assert_array_equal(found.read(), GREY)
    assert found.attributes["source"]["voxel_size_from"] == "metadata"


@pytest.mark.parametrize("axes", ["z", "y", "x", "zx"])
def test_falling_coordinates_are_read_in_reverse(axes, converted):
    array = labelled()
    turned = array.isel({axis: slice(None, None, -1) for axis in axes})
    found = converted(turned.chunk(13))
    assert (found.origin, found.voxel_size) == ((0, 0, 0), (4.0, 2.0, 0.5))
    np.testing.assert_array_equal(found.read(), GREY)


def test_a_volume_goes_out_and_comes_in_again(as_volume, converted):
    volume = as_volume(GREY, voxel_size=(4.0, 2.0, 0.5))
    part = volume.to_xarray()[3:9, :, 10:]
    found = converted(part)
    assert (found.origin, found.voxel_size) == ((3, 0, 10), volume.voxel_size)
    np.testing.assert_array_equal(found.read(), GREY[3:9, :, 10:])
    slice_ = converted(volume.to_xarray()[3:4], role="slice")
    assert (slice_.shape, slice_.voxel_size) == ((1, 30, 50), volume.voxel_size)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (labelled().drop_vars("y"), "has no coordinates along y; give voxel_size"),
        (labelled(unit="pixel"), "no unit of length for z .* 'pixel'.; give voxel_size"),
        (labelled().assign_coords(x=np.arange(50.0) ** 2), "states no unit of length for x"),
        (
            labelled().assign_coords(x=("x", np.arange(50.0) ** 2, {"units": "um"})),
            "coordinates along x that are not evenly spaced; give voxel_size",
        ),
        (labelled()[:1], "has one voxel along z; give voxel_size"),
    ],
)
def test_coordinates_that_give_no_voxel_size_are_refused(array, message, converted):
    with pytest.raises(ValueError, match=message):
        converted(array)
    found = converted(array, voxel_size=3.0)
    assert found.voxel_size == (3.0, 3.0, 3.0)
    np.testing.assert_array_equal(found.read(), array.values)


@pytest.mark.parametrize(
    ("thing", "error", "message"),
    [
        (GREY, ValueError, "states no voxel size with a unit; give voxel_size"),
        (da.from_array(GREY), ValueError, "states no voxel size"),
        ([[1]], TypeError, "must be a path, a Volume, or an array of numpy.*got list"),
        (labelled().to_dataset(name="scan"), TypeError, r"give one of its arrays, as dataset\['n"),
        (labelled().expand_dims(channel=2), ValueError, "with channel of 2 besides; take one"),
        (np.zeros((2, 3, 4, 5)), ValueError, "got 2 x 3 x 4 x 5 with another axis besides"),
        (np.ma.masked_equal(GREY, 3), TypeError, "must not be masked"),
        (GREY.astype(np.float16), TypeError, "must not be float16"),
        (GREY.astype(complex), ValueError, "voxels must be integers or floats"),
    ],
)
def test_what_is_no_volume_costs_one_sentence(thing, error, message, converted):
    with pytest.raises(error, match=message) as said:
        converted(thing)
    assert "\n" not in str(said.value)


def test_nan_is_refused_with_its_slice(converted):
    flawed = GREY.astype(np.float32)
    flawed[4, 2, 1] = np.nan
    with pytest.raises(ValueError, match="finite numbers, got NaN or infinity in slice 4"):
        converted(da.from_array(flawed, chunks=9), voxel_size=1.0)


def test_unknown_chunks_are_refused(converted):
    lazy = da.from_array(GREY, chunks=10)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        converted(lazy[lazy[:, 0, 0] > 3], voxel_size=1.0)


def test_zarr_in_a_folder_keeps_its_metadata(converted, tmp_path):
    dataset = labelled().to_dataset(name="scan")
    dataset.to_zarr(tmp_path / "scan.zarr", zarr_format=3, consolidated=False)
    found = converted(zarr.open_array(tmp_path / "scan.zarr", path="scan", mode="r"))
    assert found.voxel_size == (4.0, 2.0, 0.5)
    np.testing.assert_array_equal(found.read(), GREY)


def test_a_lazy_array_larger_than_the_memory_streams_through(converted):
    """Chunks are computed one at a time in each thread, and none twice."""
    computed = []

    def slab(block_info=None):
        place = block_info[None]["array-location"]
        computed.append(place[0][0])
        return np.full([b - a for a, b in place], place[0][0] // 128, np.uint8)

    shape = (1024, 384, 384)  # 144 MiB
    chunks = ((128,) * 8, (384,), (384,))
    lazy = da.map_blocks(slab, chunks=chunks, dtype=np.uint8, meta=np.zeros((0, 0, 0), np.uint8))
    assert lazy.shape == shape
    tracemalloc.start()
    found = converted(lazy, voxel_size=1.0, run=Run(memory="2GiB", workers=1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(computed) == list(range(0, 1024, 128))
    print(f"peak {peak / 2**20:.0f} MiB of {lazy.nbytes / 2**20:.0f} MiB")
    assert peak < 0.6 * lazy.nbytes
    np.testing.assert_array_equal(found.read((0, 7, 7), (1024, 1, 1))[::128].ravel(), range(8))


def test_a_chunk_beyond_the_budget_is_refused_with_its_size(converted):
    lazy = da.zeros((4096, 2048, 2048), dtype=np.uint8, chunks=(512, 2048, 2048))
    with pytest.raises(MemoryError, match=r"the input array is decoded 6144 MiB at a time"):
        converted(lazy, voxel_size=1.0, run=Run(workers=1))


def test_a_cluster_computes_what_is_given(converted):
    from distributed import Client

    with Client(processes=False, n_workers=1, dashboard_address=None) as client:
        lazy = da.from_array(GREY, chunks=16).persist()
        found = converted(lazy * 2, voxel_size=1.0, run=Run(cluster=client))
    np.testing.assert_array_equal(found.read(), GREY * 2)


def test_arrays_of_one_call_start_one_cluster_at_most(tmp_path, monkeypatch):
    """The verb starts the cluster that is asked for; its arrays are ingested by threads."""
    import distributed

    import poroscale as ps

    started, start = [], distributed.LocalCluster

    def counted(*args, **given):
        started.append(given)
        return start(*args, **given)

    monkeypatch.setattr(distributed, "LocalCluster", counted)
    grey = np.where(np.indices((12, 12, 12)).sum(0) % 3, 1, 2).astype(np.uint8)
    ps.evaluate(
        [grey], grey, tmp_path / "out", inside=grey, voxel_size=1.0, cluster="processes", workers=1
    )
    assert len(started) == 1
    copies = sorted(one.name for one in tmp_path.glob("out.*.zarr"))
    assert copies == ["out.inside.zarr", "out.scores-0.zarr", "out.truth.zarr"]


def test_ingest_takes_an_array_and_shapes_it_as_a_file(tmp_path):
    np.save(tmp_path / "scan.npy", GREY)
    config = IngestConfig(voxel_size=2.0, box=(1, 9, 0, 30, 5, 40), axes="y", dtype="uint8")
    config = config.model_copy(update={"overflow": "scale", "levels": (0, 60_000)})
    expected = ingest(tmp_path / "scan.npy", tmp_path / "file.zarr", config=config)
    found = ingest(da.from_array(GREY, chunks=9), tmp_path / "array.zarr", config=config)
    assert found.spec.but(attributes={}) == expected.spec.but(attributes={})
    np.testing.assert_array_equal(found.read(), expected.read())
    with pytest.raises(ValueError, match="must be left out for an array"):
        ingest(GREY, tmp_path / "a.zarr", config=IngestConfig(voxel_size=2.0, channel=0))
    with pytest.raises(TypeError, match=r"got int"):
        ingest(3, tmp_path / "a.zarr")
