"""What other programs find in our `zarr.json`."""

import json

import numpy as np
import pytest
import xarray
import zarr

from poroscale.engine import label_blocks, volume_from_array
from poroscale.engine.labels import Components
from poroscale.volume import Volume, VolumeSpec


def volume_of(path, array, *, kind="scan", pyramid="mean"):
    spec = VolumeSpec(
        array.shape,
        array.dtype,
        (4.0, 2.0, 1.0),
        origin=(2, 3, 5),
        attributes={"kind": kind},
        pyramid=pyramid,
    )
    return volume_from_array(array, path, spec=spec)


@pytest.fixture
def long_scan(tmp_path):
    array = np.arange(300 * 4 * 4, dtype=np.uint16).reshape(300, 4, 4)
    return volume_of(tmp_path / "scan.zarr", array)


def test_zarr_lists_a_group_without_a_warning(long_scan):
    """Warnings are errors here; a journal in the listing would be one."""
    group = zarr.open_group(long_scan.path, mode="r")
    assert sorted(name for name, _ in group.members(max_depth=None)) == ["0", "1"]
    assert sorted(name for name, _ in group.arrays()) == ["0", "1"]
    np.testing.assert_array_equal(group["0"][:], long_scan.read())
    np.testing.assert_array_equal(group["1"][:], Volume.open(long_scan.path, level=1).read())
    assert "0" in zarr.open(str(long_scan.path), mode="r")


def test_xarray_opens_a_group_of_one_level_without_a_warning(tmp_path):
    volume = volume_of(tmp_path / "scan.zarr", np.ones((4, 5, 6), np.uint8))
    opened = xarray.open_zarr(volume.path)
    assert dict(opened["0"].sizes) == {"z": 4, "y": 5, "x": 6}
    assert int(opened["0"].sum()) == 120


def test_the_levels_are_repeated_as_they_are(long_scan):
    body = json.loads((long_scan.path / "zarr.json").read_text())
    levels = body["consolidated_metadata"]["metadata"]
    for level, metadata in levels.items():
        assert metadata == json.loads((long_scan.path / level / "zarr.json").read_text())


def test_an_image_has_what_the_strict_schema_asks_for(long_scan):
    ome = zarr.open_group(long_scan.path, mode="r").attrs["ome"]
    (image,) = ome["multiscales"]
    assert ome["version"] == "0.5"
    assert image["type"] == "mean"
    assert image["metadata"]["description"]
    assert {"name", "axes", "datasets"} < image.keys()
    assert "image-label" not in ome
    scale, shift = image["datasets"][1]["coordinateTransformations"]
    assert scale == {"type": "scale", "scale": [8.0, 4.0, 2.0]}
    assert shift["translation"] == [(2 + 1) * 4.0, (3 + 1) * 2.0, (5 + 1) * 1.0]


def test_phases_and_labels_are_label_images(tmp_path):
    array = np.zeros((4, 5, 6), np.uint8)
    phases = volume_of(tmp_path / "phases.zarr", array, kind="phases", pyramid="max")
    label = zarr.open_group(phases.path, mode="r").attrs["ome"]["image-label"]
    assert [entry["label-value"] for entry in label["colors"]] == [0, 1, 2]
    assert all(len(entry["rgba"]) == 4 for entry in label["colors"])
    assert [entry["class"] for entry in label["properties"]] == ["outside", "solid", "pore"]
    labels = volume_of(tmp_path / "labels.zarr", array, kind="labels")
    assert "colors" in zarr.open_group(labels.path, mode="r").attrs["ome"]["image-label"]


def _set(block):
    return block > 0


def test_coarser_levels_of_labels_hold_labels_that_are_there(tmp_path):
    array = (np.random.default_rng(5).random((300, 6, 6)) < 0.2).astype(np.uint8)
    scan = volume_of(tmp_path / "scan.zarr", array)
    found = label_blocks(Components(_set), scan, tmp_path / "labels.zarr")
    fine, coarse = found.volume.read(), Volume.open(found.volume.path, level=1).read()
    cubes = fine.reshape(150, 2, 3, 2, 3, 2)
    np.testing.assert_array_equal(coarse, cubes.max(axis=(1, 3, 5)))
    assert coarse.max() == fine.max() > 100


def test_masks_have_full_resolution_alone(tmp_path):
    scan = volume_of(tmp_path / "scan.zarr", np.ones((300, 4, 4), np.uint8))
    found = label_blocks(Components(_set), scan, tmp_path / "mask.zarr", dtype=bool)
    assert found.volume.spec.levels == 1
