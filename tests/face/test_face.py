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
    of_files = {"compare_losses", "compare_models", "train_segment", "train_sem"}
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


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ({"volume": None}, TypeError, "crop: `volume` must be a volume, a path or an array"),
        ({"volume": 5}, TypeError, "a volume must be a path, a Volume, or an array of .* got int"),
        ({"out": 5}, TypeError, "crop: `out` must be a path, got 5"),
        ({"run": "threads"}, TypeError, "crop: `run` must be a Run"),
        ({"config": PoresConfig()}, TypeError, "`config` must be CropConfig, got PoresConfig"),
        (
            {"config": {"box": [0] * 6}},
            ValueError,
            "unknown section 'box'; known: crop; give it as a setting, box=...",
        ),
        ({"box": "all"}, ValueError, "crop: `box` must be a valid tuple, got 'all'"),
        ({"voxel_size": 2.0}, ValueError, "`voxel_size` must be left out where no array is given"),
        ({"workers": "two"}, ValueError, "`workers` must be a whole number from 1 on, got 'two'"),
        ({"workers": 1.5}, ValueError, "`workers` must be a whole number from 1 on, got 1.5"),
        ({"block": "abc"}, ValueError, "`block` must be three positive whole numbers"),
        ({"memory": "lots"}, ValueError, "^`memory` must be a size such as 2GiB"),
        ({"memory_per_worker": "lots"}, ValueError, "^`memory_per_worker` must be a size"),
    ],
)
def test_what_has_another_type_is_refused_by_name(given, kind, sentence, volume, tmp_path):
    usual = {"volume": volume, "out": tmp_path / "crop.zarr", "box": (0, 1, 0, 1, 0, 1)}
    with pytest.raises(kind, match=sentence) as told:
        ps.crop(**usual | given)
    assert len(str(told.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == [volume.path]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"close_um": "thirty"}, "OtsuConfig: `close_um` must be a valid number, got 'thirty'"),
        ({"close_um": float("inf")}, "OtsuConfig: `close_um` must be a finite number, got inf"),
        ({"closeum": 3}, "OtsuConfig: unknown key 'closeum'; known, nearest first: close_um"),
    ],
)
def test_a_configuration_is_refused_in_one_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence) as told:
        ps.OtsuConfig(**values)
    assert len(str(told.value).splitlines()) == 1


def test_a_voxel_size_of_words_is_refused_by_name(volume, tmp_path):
    with pytest.raises(ValueError, match=r"`voxel_size` must be one or three numbers \[um\]"):
        ps.crop(volume.read(), tmp_path / "crop.zarr", box=(0, 1, 0, 1, 0, 1), voxel_size="5um")


def test_a_volume_prints_on_one_line(volume):
    assert repr(volume) == f"<Volume '{volume.path}': volume, 6 x 8 x 10 uint16, 2 x 2 x 2 um>"
    with pytest.raises(TypeError, match="level must be a whole number from 0 on, got 'a'"):
        ps.open(volume.path, level="a")


def test_one_volume_can_be_given_where_a_verb_takes_several(tmp_path):
    phases = ps.ingest(
        np.repeat([[[2, 1, 1, 1]]], 4, 0).astype(np.uint8), tmp_path / "p.zarr", voxel_size=2
    )
    one = ps.evaluate(phases, phases.path)
    (listed,) = ps.evaluate([str(phases.path)], phases)
    assert repr(one) == repr([listed])
    assert str(ps.plan(ps.evaluate, phases, phases)) == str(ps.plan(ps.evaluate, [phases], phases))


def test_an_array_cannot_be_exported(volume, tmp_path):
    with pytest.raises(TypeError, match="`src` must be a path or a Volume, got ndarray; ingest"):
        ps.export(volume.read(), tmp_path / "scan.tif")


def test_a_command_that_is_none_names_the_nearest():
    from click.testing import CliRunner

    from poroscale.cli.app import app

    for words, meant in ((["segmnt"], "segment"), (["fit", "prt"], "part")):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 2
        assert f"No such command '{words[-1]}'. Did you mean '{meant}'?" in done.output


def test_help_holds_no_marks_of_docstrings():
    from click.testing import CliRunner

    from poroscale.cli.app import app

    for words in (["export"], ["ingest"]):
        shown = CliRunner().invoke(app, [*words, "--help"]).output
        assert "Usage: " in shown
        assert "``" not in shown
