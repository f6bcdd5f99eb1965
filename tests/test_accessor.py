"""`da.poro`: a labelled array as a volume."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import poroscale
import poroscale.accessor
from poroscale.io.ingest import ingest

GREY = np.random.default_rng(1).integers(0, 255, (6, 7, 8), np.uint8)


@pytest.fixture
def array():
    """Voxels of 2 x 1 x 0.5 um, the first of index 3 along z."""
    places = {"z": (3, 2e-3), "y": (0, 1e-3), "x": (0, 0.5e-3)}
    coords = {
        axis: (axis, (np.arange(n) + first + 0.5) * edge, {"units": "mm"})
        for (axis, (first, edge)), n in zip(places.items(), GREY.shape, strict=True)
    }
    return xr.DataArray(GREY, coords, ("z", "y", "x"))


def test_size_and_place_come_from_the_coordinates(array):
    turned = array.transpose("x", "z", "y")
    assert turned.poro.voxel_size == (2.0, 1.0, 0.5)
    assert turned.poro.origin == (3, 0, 0)
    with pytest.raises(ValueError, match="the array has no coordinates along z; give voxel_size"):
        _ = array.drop_vars("z").poro.voxel_size


def test_it_becomes_a_volume(array, tmp_path, monkeypatch):
    monkeypatch.setattr(poroscale, "ingest", ingest, raising=False)
    volume = array.poro.to_volume(tmp_path / "scan.zarr")
    assert (volume.origin, volume.voxel_size) == ((3, 0, 0), (2.0, 1.0, 0.5))
    np.testing.assert_array_equal(volume, GREY)


VERBS = ["segment", "pores", "surface", "stats", "topology", "export"]


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_are_called_with_the_array(verb, array, monkeypatch):
    monkeypatch.setattr(poroscale, verb, lambda *args, **settings: (args, settings), raising=False)
    (given, out), settings = getattr(array.poro, verb)("out", close_um=3.0)
    assert given is array
    assert (out, settings) == ("out", {"close_um": 3.0})


def test_a_view_of_a_volume_has_it_without_an_import(as_volume):
    volume = as_volume(GREY, voxel_size=(3.0, 2.0, 1.0))
    code = (
        "import sys; from poroscale.volume import Volume\n"
        "assert 'xarray' not in sys.modules\n"
        f"print(Volume.open({str(volume.path)!r}).to_xarray()[2:].poro.origin)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(2, 0, 0)\n"
