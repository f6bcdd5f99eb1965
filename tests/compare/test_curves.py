"""Curves of two sides are those of the statistics, with a band and halves of the reference."""

import numpy as np
import pytest

from poroscale.compare.curves import curve_rows, length_classes
from poroscale.compare.voxels import stream
from poroscale.engine import volume_from_array
from poroscale.statistics.summary import StatisticsConfig, volume_statistics
from poroscale.volume import VolumeSpec
from tests.compare.parts import QUIET

LAYERS, DEALT = 8, {"splits": 4, "seed": 0}


def as_phases(array, path, size=(2.0, 3.0, 3.0)):
    spec = VolumeSpec(array.shape, np.dtype(np.uint8), size, attributes={"kind": "phases"})
    return volume_from_array(array.astype(np.uint8), path, spec=spec, run=QUIET)


def medium(seed, shape=(50, 24, 20), porosity=0.3):
    """Grains of two voxels in a part that does not fill the volume."""
    rng = np.random.default_rng(seed)
    grains = rng.random([-(-n // 2) for n in shape]) < porosity
    array = 1 + np.kron(grains, np.ones((2, 2, 2), bool))[tuple(map(slice, shape))]
    array[:, :2] = array[:, :, 18:] = 0
    return array


def rows_of(a, b):
    rows = curve_rows([stream(a, LAYERS)], [stream(b, LAYERS)], a.voxel_size, **DEALT)
    return {(row["statistic"], row["phase"], row["axis"]): row for row in rows}


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves")
    a, b = (as_phases(medium(seed), folder / f"{seed}.zarr") for seed in (1, 2))
    return a, b, rows_of(a, b)


def test_the_curves_are_those_of_the_statistics(compared):
    a, b, rows = compared
    config = StatisticsConfig(which=("lineal_path", "chords"))
    for side, volume in (("reference", a), ("generated", b)):
        found = volume_statistics(volume, config=config, run=QUIET)
        path = next(c for c in found.curves.of("lineal_path") if c.phase == "2" and c.axis == "z")
        lags = min(LAYERS, len(path.value))
        ours = rows["lineal_path", "pore", "z"]
        np.testing.assert_allclose(ours[side][:lags], path.value[:lags])
        np.testing.assert_allclose(ours["lag_um"][:lags], path.lag[:lags])
        for phase, value in (("pore", "2"), ("solid", "1")):
            ours = rows["chord_density", phase, "z"]
            density = next(
                c for c in found.curves.of("chord_density") if c.phase == value and c.axis == "z"
            )
            np.testing.assert_allclose(ours["lag_um"][:8], density.lag[:8])
            np.testing.assert_allclose(ours[side][:8], density.value[:8])


def test_both_directions_across_are_counted_together(compared):
    a, _, rows = compared
    array = a.read()
    pores, part = array == 2, array > 0
    row = rows["lineal_path", "pore", "across"]
    for lag in (1, 3):
        inside, whole = (
            sum(
                np.lib.stride_tricks.sliding_window_view(lines, lag + 1, axis).all(axis=-1).sum()
                for axis in (1, 2)
            )
            for lines in (pores, part)
        )
        assert row["reference"][lag] == pytest.approx(inside / whole)
        assert row["lag_um"][lag] == 3.0 * lag
    assert set(rows) == {
        (statistic, phase, axis)
        for statistic, phase in (
            ("lineal_path", "pore"), ("chord_density", "pore"), ("chord_density", "solid"),
        )
        for axis in ("z", "across")
    }  # fmt: skip


def test_equal_laws_lie_within_the_band_and_as_close_as_halves(compared):
    for row in compared[2].values():
        assert row["sub_volumes"] == 6
        low, high = np.array(row["lowest"]), np.array(row["highest"])
        assert (low <= high).all()
        ours = np.array(row["reference"])
        assert ((low <= ours + 1e-12) & (ours <= high + 1e-12)).mean() > 0.8
        assert 0.2 < row["ratio"] < 2.5
        assert row["ratio"] == pytest.approx(row["difference"] / row["halves"])


def test_other_pores_stand_out(tmp_path):
    a, b = (
        as_phases(medium(k, porosity=p), tmp_path / f"{k}.zarr") for k, p in ((1, 0.3), (2, 0.1))
    )
    rows = rows_of(a, b)
    assert min(row["ratio"] for row in rows.values()) > 1.8
    ours = rows["lineal_path", "pore", "across"]
    assert ours["generated"][0] < ours["lowest"][0]


def test_axes_of_other_voxels_have_curves_of_their_own(tmp_path):
    a, b = (as_phases(medium(k), tmp_path / f"{k}.zarr", (2.0, 3.0, 4.0)) for k in (1, 2))
    rows = rows_of(a, b)
    assert {axis for _, _, axis in rows} == {"z", "y", "x"}
    assert rows["lineal_path", "pore", "x"]["lag_um"][1] == 4.0


def test_a_curve_that_nothing_gives_is_left_out(tmp_path):
    solid = medium(1, porosity=0.0)
    rows = rows_of(as_phases(solid, tmp_path / "a.zarr"), as_phases(solid, tmp_path / "b.zarr"))
    assert rows == {}
    one = solid.copy()
    one[20:23, 10, 10] = 2
    rows = rows_of(as_phases(one, tmp_path / "c.zarr"), as_phases(solid, tmp_path / "d.zarr"))
    chords = rows["chord_density", "pore", "z"]
    assert chords["reference"] == [0, 0, 1 / 2.0]
    assert np.isnan(chords["generated"]).all()
    assert np.isnan(chords["difference"])


def test_classes_of_lengths_grow():
    assert length_classes(3).tolist() == [1, 2, 3, 4]
    assert length_classes(12).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13]
    widths = np.diff(length_classes(2000))
    assert (np.diff(widths) >= 0).all()
    assert length_classes(2000)[-1] > 2000
