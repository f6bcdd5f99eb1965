"""`poroscale transport`: what it tells, and what it refuses."""

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array

PHASES = np.repeat(np.array([0, 1], np.uint8), 4)[:, None, None].repeat(5, 1).repeat(6, 2)


@pytest.fixture
def phases(tmp_path):
    return volume_from_array(PHASES, tmp_path / "phases.zarr", run=Run(progress=False)).path


def test_flags_for_phases_may_be_repeated(poroscale, phases, tmp_path):
    out, options = tmp_path / "out", ("--phase", "0=1", "--phase", "1=0.25", "--axis", "all")
    code, shown, _ = poroscale("transport", phases, out, "--property", "conductivity", *options)
    assert code == 0
    lines = shown.splitlines()
    assert lines[0].startswith("conductivity along z: 0.4 (at most ")
    assert "conductivity along y: 0.625 (" in lines[1]
    assert "tortuosity factor 1.5625, 100 % of the voxels" in lines[0]
    assert lines[3].endswith("transport.html: all numbers, and slices of the fields")
    code, shown, _ = poroscale("transport", phases, out, "--phase", "0=1,1=0.25", "--dry-run")
    assert code == 0
    assert shown.startswith("transport ")


def test_no_path_is_no_failure(poroscale, phases, tmp_path):
    code, shown, _ = poroscale("transport", phases, tmp_path / "out", "--phase", "0=1,1=0")
    assert code == 0
    assert "diffusivity along z: 0, because no path joins the two faces" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "`--phase` must be given"),
        (("--phase", "1=1"), "got none for 0"),
        (("--phase", "0=1,1=1", "--axis", "w"), "axis"),
        (("--phase", "0=1,1=1", "--tensor"), "`--axis` must be all where `--tensor` is asked for"),
        (("--phase", "0=1,1=1e-3", "--iterations", "1"), "raise `--iterations` or `--tolerance`"),
    ],
)
def test_what_is_refused(refused, phases, tmp_path, options, words):
    said = refused("transport", phases, tmp_path / "out", *options)
    assert words in said or words.replace("`", "") in said


def test_permeability_takes_pores_and_plans(poroscale, phases, tmp_path):
    out = tmp_path / "out"
    options = ("--property", "permeability", "--pore", "0", "--axis", "y")
    code, shown, _ = poroscale("transport", phases, out, *options, "--ends", "periodic")
    assert code == 0
    assert shown.startswith("permeability along y: ")
    assert "hydraulic tortuosity 1.0000, 50 % of the voxels" in shown
    code, shown, _ = poroscale("transport", phases, out, *options, "--pore", "1", "--dry-run")
    assert code == 0
    assert shown.startswith("transport ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "`--pore` must be given"),
        (("--pore", "3"), "`--pore` must be among the values of"),
        (("--pore", "0", "--phase", "0=1"), "`--phase` must not be given where `--property` is"),
        (("--pore", "0", "--axis", "all", "--tensor"), "`--tensor` must not be given"),
        (("--pore", "0", "--corner", "3"), "corner"),
    ],
)
def test_what_is_refused_of_permeability(refused, phases, tmp_path, options, words):
    said = refused("transport", phases, tmp_path / "out", "--property", "permeability", *options)
    assert words in said or words.replace("`", "") in said
