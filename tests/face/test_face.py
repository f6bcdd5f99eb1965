"""The public face: its names, its signatures, and calls as users make them."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import dask.array
import numpy as np
import pytest
import zarr

import poroscale as ps
from poroscale.engine import volume_from_array
from poroscale.face import renew
from poroscale.face.table import FILE, public_names, table
from poroscale.io.crop import CropConfig
from poroscale.pore_analysis import PoresConfig
from poroscale.volume import VolumeSpec

NAMES = Path(__file__).with_name("public_names.txt")


def test_the_table_and_the_stub_are_those_of_the_code():
    """Renew on purpose: `make face`."""
    made = renew.made_table()
    assert json.loads(json.dumps(made)) == json.loads(FILE.read_text())
    assert renew.stub(renew.verbs(), made["names"]) == renew.STUB.read_text()


def test_public_names_are_those_of_the_list():
    """A name that is added, renamed or dropped is written into the list on purpose."""
    assert sorted(public_names()) == NAMES.read_text().split()


@pytest.mark.parametrize("name", sorted(public_names()))
def test_every_public_name_is_there_and_documented(name):
    found = getattr(ps, name)
    assert inspect.getdoc(found)
    assert name in dir(ps)


def test_the_import_and_the_help_need_no_library():
    code = (
        "import sys, poroscale; dir(poroscale); from poroscale.cli.app import app;"
        "heavy = {'numpy', 'dask', 'pydantic', 'zarr', 'torch', 'numba'} & set(sys.modules);"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def volume(tmp_path):
    spec = VolumeSpec((6, 8, 10), np.uint16, (2.0, 2.0, 2.0), origin=(5, 0, 0))
    voxels = np.arange(480, dtype=np.uint16).reshape(spec.shape)
    return volume_from_array(voxels, tmp_path / "whole.zarr", spec=spec)


def test_a_crop_keeps_its_voxels_and_its_place(volume, tmp_path):
    made = ps.crop(volume, tmp_path / "crop.zarr", box=(1, 4, 2, 8, 0, 5))
    np.testing.assert_array_equal(made.read(), volume.read()[1:4, 2:8, 0:5])
    assert made.origin == (6, 2, 0)
    assert made.voxel_size == volume.voxel_size
    assert made.attributes["cropped_from"]["digest"] == volume.digest


@pytest.mark.parametrize(
    "box", [(0, 7, 0, 8, 0, 10), (2, 2, 0, 8, 0, 10), (-1, 3, 0, 8, 0, 10), (3, 2, 0, 8, 0, 10)]
)
def test_a_region_must_lie_in_the_volume(box, volume, tmp_path):
    with pytest.raises(ValueError, match="`box` must lie in a volume"):
        ps.crop(volume, tmp_path / "crop.zarr", box=box)
    assert not (tmp_path / "crop.zarr").exists()


def test_settings_take_precedence_over_a_configuration(volume, tmp_path):
    config = CropConfig(box=(0, 1, 0, 1, 0, 1))
    one = ps.crop(str(volume.path), tmp_path / "one.zarr", config=config)
    two = ps.crop(volume, tmp_path / "two.zarr", config=config, box=(0, 2, 0, 2, 0, 2))
    file = tmp_path / "job.yaml"
    file.write_text("crop: {box: [0, 3, 0, 3, 0, 3]}\n")
    three = ps.crop(volume, tmp_path / "three.zarr", config=file)
    assert [made.shape for made in (one, two, three)] == [(n, n, n) for n in (1, 2, 3)]


def test_a_file_must_have_the_section(volume, tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text("pores: {}\n")
    with pytest.raises(ValueError, match="must have a section 'crop'"):
        ps.crop(volume, tmp_path / "crop.zarr", config=file)


def test_a_setting_that_is_none_names_the_nearest(volume, tmp_path):
    with pytest.raises(TypeError, match="crop has no setting 'boxes'; nearest: 'box'"):
        ps.crop(volume, tmp_path / "crop.zarr", boxes=1)
    with pytest.raises(TypeError, match="missing a required argument: 'out'"):
        ps.crop(volume)
    with pytest.raises(AttributeError, match="has no attribute 'crops'"):
        ps.crops  # noqa: B018


def test_a_plan_prints_and_makes_nothing(volume, tmp_path):
    plan = ps.plan(ps.crop, volume, tmp_path / "crop.zarr", box=(0, 6, 0, 8, 0, 10))
    assert "MiB" in str(plan)
    assert not (tmp_path / "crop.zarr").exists()
    with pytest.raises(MemoryError):
        ps.plan("crop", volume, tmp_path / "c.zarr", box=(0, 6, 0, 8, 0, 10), memory="1MiB")


def test_signatures_hold_every_setting():
    parameters = inspect.signature(ps.pores).parameters
    assert parameters["connectivity"].default == 6
    renamed = {"outside": "outside_value"}
    fields = [renamed.get(name, name) for name in PoresConfig.model_fields]
    assert [name for name in parameters if name in fields] == fields
    assert {"memory", "cluster", "run", "config"} <= set(parameters)


def test_every_verb_that_passes_over_blocks_has_a_plan():
    planned = {name for name, verb in table()["verbs"].items() if verb["plan"]}
    without = {"bench", "doctor", "info", "verify", "poor_scan"}
    of_files = {"compare_losses", "compare_models", "train_segment"}
    assert set(table()["verbs"]) - planned == without | of_files


@pytest.mark.parametrize("kind", ["numpy", "dask", "xarray", "zarr"])
def test_an_array_can_be_given_where_a_volume_can(kind, volume, tmp_path):
    voxels = volume.read()
    array, about = {
        "numpy": lambda: (voxels, {"voxel_size": 2}),
        "dask": lambda: (dask.array.from_array(voxels, chunks=3), {"voxel_size": (2, 2, 2)}),
        "xarray": lambda: (volume.to_xarray(), {}),
        "zarr": lambda: (zarr.array(voxels, chunks=(3, 8, 10)), {"voxel_size": 2, "name": "one"}),
    }[kind]()
    made = ps.crop(array, tmp_path / "crop.zarr", box=(1, 4, 2, 8, 0, 5), **about)
    np.testing.assert_array_equal(made.read(), voxels[1:4, 2:8, 0:5])
    assert made.voxel_size == (2, 2, 2)
    assert ps.open(tmp_path / "crop.volume.zarr").shape == voxels.shape


def test_arrays_without_an_output_or_a_voxel_size_are_refused(volume, tmp_path):
    voxels = volume.read()
    with pytest.raises(ValueError, match="states no voxel size"):
        ps.crop(voxels, tmp_path / "crop.zarr", box=(0, 1, 0, 1, 0, 1))
    with pytest.raises(TypeError, match="volume must be a volume or a path for a plan"):
        ps.plan(ps.crop, voxels, tmp_path / "crop.zarr", box=(0, 1, 0, 1, 0, 1), voxel_size=2)
    assert list(tmp_path.iterdir()) == [volume.path]
