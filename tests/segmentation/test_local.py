"""Phases by local levels: the porosity is the true one, and the same for any blocks and workers."""

import shutil

import numpy as np
import pytest
from scipy import ndimage

from poroscale.engine import Run
from poroscale.phantoms.known.bodies import (
    ball,
    common,
    cylinder,
    depths,
    filled,
    layer,
    outside_of,
)
from poroscale.segmentation.by_method import passes, segment_config_of, segment_scan
from poroscale.segmentation.local.config import LocalConfig
from poroscale.segmentation.local.segment import segment_local
from poroscale.segmentation.thresholds.config import OtsuConfig
from poroscale.volume import Volume
from tests.segmentation.made_scans import (
    AIR,
    MIDDLE,
    SHAPE,
    SOLID,
    Made,
    bar,
    drum,
    grey_of,
    stored,
    with_pores,
)

CHUNKS = (32, 32, 32)
FEW = (32, 72, 72)
"""Chunks of scans that are looked at with one way of cutting them into blocks."""
BAR = with_pores(bar(), seed=2)
RADIUS = np.hypot(*(np.indices(SHAPE)[1:] + 0.5 - 36))
Z = np.indices(SHAPE)[0]


@pytest.fixture
def segmented(as_volume, new_path):
    """Phases of an array, and what is said of them."""

    def segment(grey, *, run=None, voxel_size=(1.0, 1.0, 1.0), chunks=FEW, **settings):
        volume = as_volume(grey, chunks=chunks, voxel_size=voxel_size)
        config = LocalConfig(**settings)
        phases = segment_local(volume, new_path(), config=config, run=run)
        return phases, phases.attributes["segmentation"]

    return segment


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A bar with pores, its phases and its shares: a folder."""
    from poroscale.engine import volume_from_array
    from poroscale.volume import VolumeSpec

    folder = tmp_path_factory.mktemp("plain")
    grey = stored(grey_of(BAR))
    spec = VolumeSpec(grey.shape, grey.dtype, (1.0, 1.0, 1.0), chunks=CHUNKS)
    scan = volume_from_array(grey, folder / "scan.zarr", spec=spec)
    segment_local(scan, folder / "phases.zarr", shares=folder / "shares.zarr")
    return folder


def record_of(folder):
    return Volume.open(folder / "phases.zarr").attributes["segmentation"]


def test_porosity_part_and_pores_are_the_true_ones(plain):
    record = record_of(plain)
    assert record["porosity"] == pytest.approx(BAR.porosity, rel=0.02)
    assert record["part_voxels"] == pytest.approx(BAR.part_volume, rel=0.003)
    assert record["porosity_low"] <= BAR.porosity <= record["porosity_high"]
    assert record["porosity_high"] - record["porosity_low"] < 0.1 * BAR.porosity
    assert record["pore_count"] == 30
    assert record["warnings"] == []
    assert record["method"] == "local"


def test_levels_noise_and_point_spread_are_the_true_ones(plain):
    record = record_of(plain)
    assert record["air_level"] == pytest.approx(AIR, abs=150)
    assert record["solid_level"] == pytest.approx(SOLID, abs=300)
    assert record["void_level"] == pytest.approx(AIR, abs=900)
    assert record["noise"] == pytest.approx(0.04, rel=0.05)
    assert record["point_spread_voxels"] == pytest.approx(np.hypot(0.8, np.sqrt(1 / 12)), rel=0.05)


def test_the_phases_are_those_that_the_record_counts(plain):
    record, phases = record_of(plain), Volume.open(plain / "phases.zarr").read()
    shares = Volume.open(plain / "shares.zarr").read()
    assert phases.dtype == np.uint8
    assert record["part_voxels"] == (phases > 0).sum()
    assert record["porosity_counted"] == (phases == 2).sum() / (phases > 0).sum()
    assert record["pore_count"] == ndimage.label(phases == 2)[1]
    np.testing.assert_array_equal(shares == -128, phases == 0)
    volume = shares[phases > 0].sum(dtype=np.int64) / 100
    assert record["porosity"] == pytest.approx(volume / record["part_voxels"], rel=0.01)
    pores = BAR.part - BAR.solid
    assert (phases[pores > 0.9] == 2).all()
    assert (pores[phases == 2] > 0).mean() > 0.99


def test_the_record_tables_sensitivity_and_histogram(plain):
    record = record_of(plain)
    shifts = [row["shift"] for row in record["sensitivity"]]
    porosities = [row["porosity"] for row in record["sensitivity"]]
    assert shifts == [-0.05, -0.02, 0.0, 0.02, 0.05]
    assert porosities == sorted(porosities)
    assert porosities[0] < porosities[-1]
    histogram = record["histogram"]
    counted = np.sum([histogram["counts_inside"], histogram["counts_outside"]])
    assert counted == np.prod(SHAPE)
    assert len(histogram["levels"]) == len(histogram["counts_inside"])


def test_a_second_call_returns_what_is_finished(plain):
    scan, before = Volume.open(plain / "scan.zarr"), Volume.open(plain / "phases.zarr").digest
    changed = (plain / "phases.zarr" / "zarr.json").stat().st_mtime_ns
    again = segment_local(scan, plain / "phases.zarr", shares=plain / "shares.zarr")
    assert again.digest == before
    assert (plain / "phases.zarr" / "zarr.json").stat().st_mtime_ns == changed


def test_other_settings_are_refused_on_a_finished_output(plain):
    scan = Volume.open(plain / "scan.zarr")
    with pytest.raises(ValueError, match="overwrite"):
        segment_local(
            scan,
            plain / "phases.zarr",
            shares=plain / "shares.zarr",
            config=LocalConfig(min_voxels=20),
        )
    assert record_of(plain)["min_voxels"] == 9


def test_shares_that_were_removed_come_back(plain, tmp_path):
    shares, kept = plain / "shares.zarr", tmp_path / "kept.zarr"
    shutil.move(shares, kept)
    segment_local(Volume.open(plain / "scan.zarr"), plain / "phases.zarr", shares=shares)
    assert Volume.open(shares).digest == Volume.open(kept).digest


@pytest.mark.parametrize(
    "run", [Run(block=CHUNKS, workers=1), Run(block=(64, 32, 64), workers=3, cluster="threads")]
)
def test_same_bytes_for_any_block_and_worker_count(run, plain, tmp_path):
    scan, shares = Volume.open(plain / "scan.zarr"), tmp_path / "shares.zarr"
    phases = segment_local(scan, tmp_path / "phases.zarr", shares=shares, run=run)
    assert phases.digest == Volume.open(plain / "phases.zarr").digest
    assert Volume.open(shares).digest == Volume.open(plain / "shares.zarr").digest
    assert phases.attributes["segmentation"] == record_of(plain)


def rings():
    drawn = ndimage.gaussian_filter1d(np.random.default_rng(0).standard_normal(80), 0.7)
    return (0.04 * drawn / drawn.std())[RADIUS.astype(int)]


ARTEFACTS = {
    "rings": {"added": rings()},
    "cupping": {"brightness": 1 + 0.2 * (np.minimum(RADIUS / 36, 1) ** 2 - 1)},
    "drift": {"brightness": 1 + 0.25 * (Z / SHAPE[0] - 0.5)},
}


@pytest.mark.parametrize("name", ARTEFACTS)
def test_artefacts_leave_the_porosity_alone(name, segmented):
    _, record = segmented(stored(grey_of(BAR, **ARTEFACTS[name])))
    # Rings shift the air, too, and with it the level of a void that no core tells.
    assert record["porosity"] == pytest.approx(BAR.porosity, rel=0.05 if name == "rings" else 0.03)
    assert record["porosity_low"] <= BAR.porosity <= record["porosity_high"]
    assert record["part_voxels"] == pytest.approx(BAR.part_volume, rel=0.01)
    assert record["pore_count"] == 30


@pytest.mark.slow
def test_same_bytes_where_rings_are_taken_out_and_pores_closed(segmented):
    grey = stored(grey_of(BAR, **ARTEFACTS["rings"]))
    runs = [Run(block=CHUNKS, workers=1), Run(workers=3), Run(block=(32, 64, 96), workers=2)]
    made = [segmented(grey, chunks=CHUNKS, close_um=3.0, run=run)[0] for run in runs]
    assert len({phases.digest for phases in made}) == 1


@pytest.mark.slow
def test_same_bytes_where_noise_is_loud(segmented):
    grey = stored(grey_of(BAR, noise=0.16))
    runs = [Run(block=CHUNKS, workers=1), Run(workers=3)]
    made = [segmented(grey, chunks=CHUNKS, run=run)[0] for run in runs]
    assert made[0].digest == made[1].digest


@pytest.mark.parametrize(
    ("dtype", "air", "solid"),
    [
        (np.uint8, 30, 190),
        (np.float32, 0.001, 0.051),
        (np.int32, -50_000, 1_000_000),
        pytest.param(np.int16, -900, 1800, marks=pytest.mark.slow),
        pytest.param(np.float64, -0.01, 0.08, marks=pytest.mark.slow),
    ],
)
def test_grey_types_give_the_same_porosity(dtype, air, solid, plain, segmented):
    _, record = segmented(stored(grey_of(BAR), dtype, air=air, solid=solid))
    assert record["porosity"] == pytest.approx(record_of(plain)["porosity"], rel=0.01)
    assert record["part_voxels"] == pytest.approx(record_of(plain)["part_voxels"], rel=0.001)
    assert record["solid_level"] == pytest.approx(solid, abs=0.01 * (solid - air))


@pytest.mark.parametrize(
    ("dtype", "air", "solid", "wrong"),
    [
        (np.float32, 0.001, 0.051, 3.4e38),
        pytest.param(np.int32, 8000, 38000, 2**31 - 1, marks=pytest.mark.slow),
    ],
)
def test_an_outlier_changes_nothing(dtype, air, solid, wrong, plain, segmented):
    grey = stored(grey_of(BAR), dtype, air=air, solid=solid)
    grey[30, 40, 40] = wrong
    _, record = segmented(grey)
    assert record["porosity"] == pytest.approx(record_of(plain)["porosity"], rel=0.001)


def test_a_dense_part_has_no_pores(segmented):
    _, record = segmented(stored(grey_of(with_pores(pores=0), noise=0.06)))
    assert record["porosity"] < 1e-5
    assert record["porosity_low"] == 0
    assert record["part_voxels"] == pytest.approx(BAR.part_volume, rel=0.003)


def test_rare_pores_of_a_crop_that_solid_fills(segmented):
    made = with_pores(layer(MIDDLE, 1e4), seed=3)
    _, record = segmented(stored(grey_of(made)))
    assert record["outside"]["share"] == 0
    assert record["part_voxels"] == np.prod(SHAPE)
    assert record["porosity"] == pytest.approx(made.porosity, rel=0.03)
    assert record["porosity_low"] <= made.porosity <= record["porosity_high"]


def test_a_crop_of_rock_has_no_outside(segmented):
    field = ndimage.gaussian_filter(
        np.random.default_rng(0).standard_normal(SHAPE), 2.5, mode="wrap"
    )
    solid = (field >= np.quantile(field, 0.7)).astype(np.float32)
    phases, record = segmented(stored(grey_of(Made(np.ones(SHAPE), solid))))
    assert record["outside"]["share"] == 0
    assert (phases.read() > 0).all()
    assert record["porosity"] == pytest.approx(0.7, rel=0.02)
    assert record["porosity_low"] <= 0.7 <= record["porosity_high"]


def foam(share=0.55, seed=1):
    """Overlapping balls inside a skin."""
    rng, body = np.random.default_rng(seed), drum()
    part, inside = filled(body, SHAPE), depths(body, SHAPE) > 4
    holes, places = np.zeros(SHAPE, bool), np.argwhere(inside)
    while holes.sum() < share * part.sum():
        centre = places[rng.integers(len(places))] + 0.5
        holes |= (depths(ball(tuple(centre), rng.uniform(5, 9)), SHAPE) > 0) & inside
    return Made(part, np.where(holes, 0, part))


def test_a_foam_above_half(segmented):
    made = foam()
    assert made.porosity > 0.54
    _, record = segmented(stored(grey_of(made)))
    assert record["porosity"] == pytest.approx(made.porosity, rel=0.02)
    assert record["part_voxels"] == pytest.approx(made.part_volume, rel=0.02)


DRUM = with_pores(common(bar(), layer((32, 36, 36), 25)), seed=4)


@pytest.fixture(scope="module")
def drum_grey():
    return stored(grey_of(DRUM))


@pytest.mark.parametrize("outside", ["corners", pytest.param(("z-", "x+"), marks=pytest.mark.slow)])
def test_outside_from_corners_and_faces(outside, drum_grey, segmented):
    phases, record = segmented(drum_grey, outside=outside)
    assert record["porosity"] == pytest.approx(DRUM.porosity, rel=0.02)
    assert record["part_voxels"] == pytest.approx(DRUM.part_volume, rel=0.005)
    assert (phases.read()[0] == 0).all()


def test_no_outside_makes_pore_of_the_air(drum_grey, segmented):
    _, record = segmented(drum_grey, outside="none")
    assert record["part_voxels"] == drum_grey.size
    air = 1 - float(DRUM.solid.sum(dtype=float)) / drum_grey.size
    assert record["porosity"] == pytest.approx(air, rel=0.02)


def test_outside_by_a_mask(drum_grey, segmented, as_volume):
    mask = depths(cylinder((32, 36, 36), 33), SHAPE) < 0
    volume = as_volume(mask.astype(np.uint8), chunks=FEW)
    phases, record = segmented(drum_grey, outside=str(volume.path))
    np.testing.assert_array_equal(phases.read() == 0, mask)
    assert record["part_voxels"] == (~mask).sum()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones(SHAPE, np.uint8), "it is never 0"),
        (np.zeros(SHAPE, np.uint8), "it is 0 everywhere"),
        ((RADIUS < 29).astype(np.uint8), "it seems to be a mask of the part"),
    ],
)
def test_a_mask_that_marks_no_outside_is_refused(mask, message, drum_grey, segmented, as_volume):
    with pytest.raises(ValueError, match=message):
        segmented(drum_grey, outside=str(as_volume(mask, chunks=FEW).path))


def test_a_mask_of_another_shape_is_refused(drum_grey, segmented, as_volume):
    volume = as_volume(np.zeros((4, 5, 6), np.uint8))
    with pytest.raises(ValueError, match=r"must have the scan's shape \(64, 72, 72\), got"):
        segmented(drum_grey, outside=str(volume.path))


def test_a_word_that_names_no_mask_is_refused(drum_grey, segmented):
    with pytest.raises(ValueError, match=r"outside must be auto, none, .*'cornres' does not exist"):
        segmented(drum_grey, outside="cornres")


def test_corners_of_a_scan_without_air_are_refused(segmented, as_volume, new_path):
    made = with_pores(layer(MIDDLE, 1e4), seed=3)
    volume, out = as_volume(stored(grey_of(made)), chunks=FEW), new_path()
    with pytest.raises(ValueError, match="nothing dark touches the corners"):
        segment_local(volume, out, config=LocalConfig(outside="corners"))
    with pytest.raises(ValueError, match="nothing dark touches the faces z-, y\\+"):
        segment_local(volume, out, config=LocalConfig(outside=("z-", "y+")))
    assert not out.exists()


def test_pores_below_a_diameter_become_solid(segmented):
    small = with_pores(bar(), pores=12, radii=(2.0, 2.4), seed=5)
    solid, large = small.solid, [(20.3, 36, 36), (44, 30.2, 40), (32, 44, 30.4)]
    for centre in large:
        solid = np.where(filled(ball(centre, 8), SHAPE) > 0, small.part, solid)
    for centre in large:
        solid = np.minimum(solid, 1 - filled(ball(centre, 4.5), SHAPE))
    grey = stored(grey_of(Made(small.part, solid)))
    phases, record = segmented(grey, voxel_size=(2.0, 2.0, 2.0), min_diameter_um=13.0)
    assert record["pore_count"] == len(large)
    expected = 3 * 4 / 3 * np.pi * 4.5**3 / small.part_volume
    assert record["porosity"] == pytest.approx(expected, rel=0.02)
    assert ndimage.label(phases.read() == 2)[1] == len(large)


def test_closing_brings_an_open_pore_inside(segmented):
    bore = common(cylinder((32, 36, 36), 3.0, (0, 0, 1)), layer((32, 36, 60), 12, (0, 0, 1)))
    body = common(bar(), outside_of(bore))
    grey = stored(grey_of(Made(filled(bar(), SHAPE), filled(body, SHAPE))))
    phases, open_record = segmented(grey, outside="corners")
    assert open_record["pore_count"] == 0
    closed, record = segmented(grey, outside="corners", close_um=5.0)
    assert record["close_um"] == 5
    assert record["pore_count"] == 1
    assert (closed.read()[32, 36, 50:60] == 2).all()
    assert (phases.read()[32, 36, 50:60] == 0).all()
    gained = record["part_voxels"] - open_record["part_voxels"]
    assert gained == pytest.approx(np.pi * 3**2 * 17, rel=0.2)


@pytest.mark.slow
def test_a_void_as_dark_as_the_air_where_told(segmented, plain):
    _, record = segmented(stored(grey_of(BAR)), void="air")
    assert record["void_level"] == pytest.approx(record["air_level"])
    assert record["void_core_voxels"] == 0
    assert record["porosity"] == pytest.approx(record_of(plain)["porosity"], rel=0.03)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(bad, as_volume, new_path):
    grey, out = stored(grey_of(BAR), np.float32)[:20], new_path()
    grey[3, 50, 60] = bad
    with pytest.raises(ValueError, match="no finite numbers"):
        segment_local(as_volume(grey, chunks=FEW), out)
    assert not out.exists()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_constant_scan_is_refused(dtype, as_volume, new_path):
    volume, out = as_volume(np.full((20, 24, 28), 7, dtype), chunks=FEW), new_path()
    with pytest.raises(ValueError, match="must have more than one grey value"):
        segment_local(volume, out)
    assert not out.exists()


@pytest.mark.parametrize("radius", [20, 29.3])
def test_one_value_beyond_the_circle_of_the_slices_changes_nothing(radius, segmented):
    made = with_pores(cylinder(MIDDLE, radius), seed=2)
    grey = stored(grey_of(made))
    grey[RADIUS > 36] = 0
    phases, record = segmented(grey)
    assert record["porosity"] == pytest.approx(made.porosity, rel=0.02)
    assert record["part_voxels"] == pytest.approx(made.part_volume, rel=0.003)
    assert record["air_level"] == pytest.approx(AIR, abs=150)
    assert (phases.read()[RADIUS > 36] == 0).all()


@pytest.mark.parametrize("padding", [65535, SOLID + 9000])
def test_a_padding_brighter_than_the_solid_is_air(padding, segmented, plain):
    padded = stored(grey_of(BAR))
    padded[RADIUS > 36] = padding
    record = segmented(padded)[1]
    assert record["porosity"] == pytest.approx(record_of(plain)["porosity"], rel=0.01)
    assert record["part_voxels"] == pytest.approx(BAR.part_volume, rel=0.003)
    (said,) = record["warnings"]
    assert f"every voxel is {padding:g}, brighter than the solid" in said


def test_thin_walls_are_told_by_their_cause(segmented):
    wall = (abs(np.indices(SHAPE)[1] + 0.5 - 36) < 4).astype(float)
    told = segmented(stored(grey_of(Made(wall, wall))))[1]["warnings"]
    assert any("The walls are thin for the resolution" in text for text in told)


def test_narrow_recesses_are_told_with_the_porosity_that_they_would_give(segmented):
    made = with_pores(pores=0)
    crack = (abs(Z - 32) < 2) & (np.indices(SHAPE)[2] > 36)
    solid = np.where(crack, 0.0, made.solid)
    record = segmented(stored(grey_of(Made(made.part, solid))))[1]
    assert record["porosity"] < 0.001
    (other,) = (o for o in record["outside"]["others"] if "recesses" in o["reading"])
    assert other["void_share"] == pytest.approx(1 - solid.sum() / made.part_volume, rel=0.15)
    around = segmented(stored(grey_of(BAR)))[1]["outside"]["others"]
    assert not any("recesses" in o["reading"] for o in around)


@pytest.mark.parametrize(
    ("lower", "words"),
    [(0.65, "between those of a void and of the solid: a second"), (1.6, "is brighter than")],
)
def test_a_second_material_is_told_and_widens_the_interval(lower, words, segmented):
    brightness = np.where(Z < 32, lower, 1.0)
    record = segmented(stored(grey_of(BAR, brightness=brightness), np.float32))[1]
    (said,) = record["warnings"]
    assert words in said
    assert record["porosity_errors"]["doubts"] == pytest.approx(0.3 * record["porosity"])


def test_a_dark_solid_in_bright_air_is_told(segmented):
    made = with_pores(drum(), radii=(3.0, 5.0), seed=2)
    told = segmented(stored(1 - grey_of(made)))[1]["warnings"]
    assert any("the scan must be inverted" in text for text in told)


def test_a_square_core_of_few_voxels(segmented):
    made = with_pores(bar(), seed=2)
    grey = stored(grey_of(made))[:, 26:46, 26:46].repeat(6, axis=0)
    _, record = segmented(grey, outside="none")
    assert record["outside"]["share"] == 0


def test_rock_that_fills_the_circle_of_the_slices(segmented):
    field = ndimage.gaussian_filter(
        np.random.default_rng(0).standard_normal(SHAPE), 2.5, mode="wrap"
    )
    solid = (field >= np.quantile(field, 0.2)).astype(np.float32)
    grey, inside = stored(grey_of(Made(np.ones(SHAPE), solid))), RADIUS <= 36
    grey[~inside] = 0
    phases, record = segmented(grey)
    np.testing.assert_array_equal(phases.read() > 0, inside)
    # Nothing begins a pore beside the circle: pores that it cuts close by are lost.
    assert record["porosity"] == pytest.approx(1 - solid[inside].mean(), rel=0.06)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_single_slice(axis, segmented):
    cut = [slice(None)] * 3
    cut[axis] = slice(33, 34)
    part, solid = BAR.part[tuple(cut)], BAR.solid[tuple(cut)]
    grey = np.ascontiguousarray(stored(grey_of(BAR))[tuple(cut)])
    phases, record = segmented(grey)
    assert phases.shape == part.shape
    assert record["part_voxels"] == pytest.approx(part.sum(), rel=0.01)
    assert record["porosity"] == pytest.approx(1 - solid.sum() / part.sum(), rel=0.1)


def test_a_few_slices_and_a_row(segmented):
    grey = stored(grey_of(BAR))
    _, record = segmented(grey[30:33])
    assert record["part_voxels"] == pytest.approx(BAR.part[30:33].sum(), rel=0.01)
    phases, _ = segmented(np.ascontiguousarray(grey[30:31, 36:37]))
    assert phases.shape == (1, 1, 72)


def test_settings_by_method():
    assert segment_config_of({}) == LocalConfig()
    assert segment_config_of({"method": "auto", "close_um": 3}) == LocalConfig(close_um=3)
    assert segment_config_of({"method": "otsu"}) == OtsuConfig()
    assert segment_config_of({"method": "iso50"}) == OtsuConfig(inner_rule="iso50")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inner_threshold": 20000}, "`inner_threshold` must come with the method otsu or iso50"),
        ({"gaussian_um": 1.0, "hysteresis": 5}, "`gaussian_um` must come with the method"),
        (
            {"method": "otsu", "min_diameter_um": 5},
            "`min_diameter_um` must come with the method auto, got the method otsu",
        ),
        ({"method": "otsus"}, "method must be one of auto, otsu, iso50, got 'otsus'"),
        ({"min_voxel": 5}, "min_voxel"),
        ({"outside": ("z-", "w+")}, "outside"),
    ],
)
def test_settings_of_another_method_are_refused(given, message):
    with pytest.raises(ValueError, match=message) as refusal:
        segment_config_of(given)
    assert "\n" not in str(refusal.value)


def test_a_scan_is_segmented_by_the_method_of_its_settings(plain, tmp_path):
    scan = Volume.open(plain / "scan.zarr")
    found = segment_scan(scan, plain / "phases.zarr", shares=plain / "shares.zarr")
    assert found.digest == Volume.open(plain / "phases.zarr").digest
    config = OtsuConfig(sensitivity=())
    phases = segment_scan(scan, tmp_path / "otsu.zarr", config=config)
    assert "outer_threshold" in phases.attributes["segmentation"]
    with pytest.raises(ValueError, match="`shares` must come with the method auto"):
        segment_scan(scan, tmp_path / "two.zarr", shares=tmp_path / "shares.zarr", config=config)
    local = passes(scan.spec, LocalConfig(close_um=4.0)).passes
    otsu = passes(scan.spec, config).passes
    assert {"levels", "shares", "closing"} <= local.keys()
    assert local.keys() != otsu.keys()
