import numpy as np
import pytest

from poroscale.pore_analysis import COLUMNS, ClassRules, PoresConfig, measure_pores
from poroscale.pore_analysis.columns import columns_in_markdown, select
from poroscale.pore_analysis.metrics import METRICS, Scene, pore_class
from tests.kernels.solids import ellipsoid, ellipsoid_area, random_rotation
from tests.pore_analysis.conftest import QUIET

CLASSES = PoresConfig(classes=True)


def test_every_column_is_described_once():
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert all(column.description.endswith(".") for column in COLUMNS)
    units = {"um": "_um", "um2": "_um2", "um3": "_um3", "deg": "_deg"}
    for column in COLUMNS:
        assert column.unit not in units or column.name.endswith(units[column.unit])
    assert columns_in_markdown().count("\n") == len(COLUMNS) + 1


def test_a_declared_column_must_be_measured():
    with pytest.raises(KeyError, match="sphericity"):
        select({column.name: np.zeros(1) for column in COLUMNS if column.name != "sphericity"})


def read(path):
    import pandas as pd

    return pd.read_parquet(path)


@pytest.mark.parametrize("voxel_size", [(1.0, 1.0, 1.0), (2.0, 1.5, 1.5)])
def test_a_ball_and_an_ellipsoid_of_20_voxels(make_volume, tmp_path, voxel_size):
    edge = max(voxel_size)
    ball = ellipsoid((10 * edge,) * 3, voxel_size=voxel_size)
    half = (15 * edge, 11 * edge, 10 * edge)
    rotation = random_rotation(2)
    rod = ellipsoid(half, rotation=rotation, voxel_size=voxel_size)
    phases = np.ones((60, 120, 60), np.uint8)
    phases[: ball.shape[0], : ball.shape[1], : ball.shape[2]] += ball
    phases[: rod.shape[0], 60 : 60 + rod.shape[1], 10 : 10 + rod.shape[2]] += rod
    volume = make_volume(phases, voxel_size=voxel_size)
    path = measure_pores(volume, tmp_path / "out", config=CLASSES, run=QUIET)
    first, second = read(path).sort_values("y0").to_dict("records")
    assert first["surface_area_um2"] == pytest.approx(np.pi * (20 * edge) ** 2, rel=0.02)
    assert first["sphericity"] == pytest.approx(1, abs=0.02)
    assert first["equivalent_diameter_um"] == pytest.approx(20 * edge, rel=0.02)
    assert second["surface_area_um2"] == pytest.approx(ellipsoid_area(half), rel=0.02)
    for which, axis in zip(("long", "medium", "short"), half, strict=True):
        assert second[f"axis_{which}_um"] == pytest.approx(2 * axis, rel=0.02)
    angle = np.degrees(np.arccos(abs(rotation[0, 0])))
    assert second["long_axis_angle_deg"] == pytest.approx(angle, abs=1.8)
    assert first["class"] == "gas"


@pytest.mark.parametrize(
    ("half", "tilt", "expected"),
    [
        ((10, 10, 10), 0, "gas"),
        ((9, 10, 11), 30, "gas"),
        ((3, 12, 12), 0, "lack_of_fusion"),
        ((3, 12, 12), 30, "lack_of_fusion"),
        ((3, 12, 12), 80, "unclassified"),
        ((16, 5, 5), 0, "keyhole"),
        ((16, 5, 5), 30, "keyhole"),
        ((16, 5, 5), 80, "unclassified"),
        ((2, 2, 2), 0, "unclassified"),
    ],
)
def test_classes(make_volume, tmp_path, half, tilt, expected):
    c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    turned = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    mask = ellipsoid(half, rotation=turned, offset=(0.2, 0.1, 0.3))
    path = measure_pores(make_volume(mask), tmp_path / "out", config=CLASSES, run=QUIET)
    assert read(path)["class"].tolist() == [expected]


def test_no_pore_is_classed_unless_it_is_asked_for(make_volume, tmp_path):
    ball = make_volume(ellipsoid((10, 10, 10)))
    plain, classed = (
        read(measure_pores(ball, tmp_path / name, config=config, run=QUIET))
        for name, config in (("plain", PoresConfig()), ("classed", CLASSES))
    )
    assert plain["class"].tolist() == ["unclassified"]
    assert classed["class"].tolist() == ["gas"]
    assert plain.drop(columns="class").equals(classed.drop(columns="class"))


def test_ragged_pores_are_lack_of_fusion_whichever_way_they_lie():
    table = {
        "shape_valid": np.array([True, False, True]),
        "touches_edge": np.array([False, False, True]),
        "flatness": np.full(3, 0.9),
        "elongation": np.full(3, 0.8),
        "sphericity": np.full(3, 0.3),
        "short_axis_angle_deg": np.full(3, 90.0),
        "long_axis_angle_deg": np.array([np.nan, 90.0, 90.0]),
    }
    scene = Scene((1, 1, 1), (0, 0, 0), (9, 9, 9), PoresConfig(classes=True, rules=ClassRules()))
    assert pore_class(table, scene)["class"].tolist() == [
        "lack_of_fusion",
        "unclassified",
        "unclassified",
    ]
    assert pore_class in METRICS


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_image_is_measured_by_area(make_volume, tmp_path, axis):
    y, x = np.indices((40, 60))
    phases = np.ones((40, 60), np.uint8)
    phases[np.hypot(y - 20, x - 15) <= 8.3] = 2
    phases[np.hypot((y - 20) / 3, (x - 42) / 12) <= 1] = 2
    phases[5:8, 57:] = 2
    volume = make_volume(np.expand_dims(phases, axis), voxel_size=(2.0, 2.0, 2.0))
    path = measure_pores(volume, tmp_path / "out", config=CLASSES, run=QUIET)
    table = read(path).sort_values("voxel_count", ascending=False)
    disc, rod, _ = table.to_dict("records")
    assert disc["equivalent_diameter_um"] == pytest.approx(16.6 * 2, rel=0.02)
    assert rod["elongation"] == pytest.approx(0.25, rel=0.15)
    assert disc["axis_long_um"] == pytest.approx(16.6 * 2, rel=0.03)
    assert rod["axis_long_um"] == pytest.approx(24 * 2, rel=0.05)
    assert table["shape_valid"].tolist() == [True, True, False]  # 9 pixels are few
    assert table["touches_edge"].tolist() == [False, False, True]
    assert table[["sphericity", "flatness", "anisotropy", "surface_area_um2"]].isna().all(axis=None)
    assert np.isfinite(disc["sqrt_area_um"]) == (axis == 0)
    assert set(table["class"]) == {"unclassified"}
