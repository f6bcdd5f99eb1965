"""`poroscale topology`: what it tells, and what it refuses."""

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.volume import VolumeSpec

QUIET = Run(progress=False)


@pytest.fixture
def phases(tmp_path):
    """Two pores, one of them hollow."""
    array = np.zeros((8, 8, 12), np.uint8)
    array[1:6, 1:6, 1:6] = array[2:5, 2:5, 8:11] = 2
    array[3, 3, 3] = 0
    spec = VolumeSpec(array.shape, array.dtype, (1.0, 1.0, 1.0))
    return volume_from_array(array, tmp_path / "phases.zarr", spec=spec, run=QUIET).path


def test_components_and_cavities_are_told(poroscale, phases, tmp_path):
    out = tmp_path / "out"
    code, shown, _ = poroscale("topology", phases, out, "--phase", 2, "--levels", 16)
    assert code == 0
    assert "phase 2: components 2, handles 0, cavities 1, Euler characteristic 3\n" in shown
    assert "levels 16" in shown
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == [
        "curves.parquet",
        "pairs.parquet",
        "topology.html",
        "topology.json",
    ]
    code, shown, _ = poroscale("topology", phases, out, "--of", "phase", "--phase", 2, "--dry-run")
    assert code == 0
    assert "topology" in shown


def test_an_image_has_holes_and_no_cavities(poroscale, tmp_path):
    array = np.zeros((1, 8, 12), np.uint8)
    array[0, 1:6, 1:6] = array[0, 2:5, 8:11] = 2
    array[0, 3, 3] = 0
    spec = VolumeSpec(array.shape, array.dtype, (1.0, 1.0, 1.0))
    image = volume_from_array(array, tmp_path / "image.zarr", spec=spec, run=QUIET).path
    code, shown, _ = poroscale("topology", image, tmp_path / "out", "--phase", 2, "--levels", 16)
    assert code == 0
    assert "phase 2: components 2, holes 1, Euler characteristic 1\n" in shown
    assert "cavities" not in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--phase", 7), "must be one of the values 0, 2, got 7"),
        (("--of", "phase"), "must be given"),
        (("--levels", 0), "levels"),
        (("--connectivity", 18), "connectivity"),
    ],
)
def test_what_is_refused(refused, phases, tmp_path, options, words):
    assert words in refused("topology", phases, tmp_path / "out", *options)
