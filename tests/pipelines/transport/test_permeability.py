"""The property `permeability` of the verb `transport`: numbers, fields, plan, bad input."""

import json
import tracemalloc

import numpy as np
import pytest

import poroscale as ps
from poroscale.engine import Run, volume_from_array
from poroscale.pipelines.transport.properties import by_flow
from poroscale.pipelines.transport.properties.contract import TransportInput
from poroscale.pipelines.transport.settings import ConductionConfig, FlowConfig, TransportConfig
from poroscale.pipelines.transport.settings import TransportSettings as Settings
from poroscale.pipelines.transport.transport import plan_transport, transport
from poroscale.transport.flow.boundary import FlowBoundary
from poroscale.transport.flow.permeability import permeability
from poroscale.volume import VolumeSpec
from tests.transport.flow.solids import DUCT, blobs, duct

QUIET = Run(progress=False)
PORE = blobs((16, 14, 12), seed=8, share=0.5)
VALUES = np.where(PORE, 0, 1).astype(np.uint8)
VALUES[:4][PORE[:4]] = 2  # two values of pores, 0 and 2
EDGE = 3.0


def settings(pore="0,2", **given):
    own = {name: given.pop(name) for name in ("ends", "layers", "corner") if name in given}
    given = {"property": "permeability"} | given
    return Settings(TransportConfig(**given), flow=FlowConfig(pore=pore, **own))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A volume, a folder with all that can be asked for, and what was returned."""
    folder = tmp_path_factory.mktemp("permeability")
    spec = VolumeSpec(VALUES.shape, VALUES.dtype, (EDGE,) * 3)
    volume = volume_from_array(VALUES, folder / "v.zarr", spec=spec, run=QUIET)
    config = settings(axis="all", fields=True, layers=2, sides="mirrored", corner=2.0)
    return volume, folder / "out", transport(volume, folder / "out", config=config, run=QUIET)


def test_numbers_are_those_of_the_array(made):
    _, out, _ = made
    numbers = json.loads((out / "transport.json").read_text())
    assert (numbers["property"], numbers["pore"], numbers["axis"]) == (
        "permeability",
        [0, 2],
        "all",
    )
    assert (numbers["tolerance"], numbers["corner"]) == (0.005, 2.0)
    for axis, entry in zip("zyx", numbers["axes"], strict=True):
        boundary = FlowBoundary("pressure", "mirror", 2)
        known = permeability(PORE, axis, boundary=boundary, corner=2.0)
        assert entry["axis"] == axis
        assert entry["effective_voxel2"] == pytest.approx(known.effective, rel=1e-8)
        assert entry["effective"] == pytest.approx(known.effective * 9e-12, rel=1e-8)
        assert entry["darcy"] == pytest.approx(known.darcy(EDGE), rel=1e-8)
        assert entry["error"] == pytest.approx(known.error * entry["effective"], rel=1e-8)
        assert entry["lower"] < entry["effective"] < entry["upper"]
        assert entry["units"] == "m2"
        assert entry["fraction"] == pytest.approx(PORE.mean())
        assert entry["effective_fraction"] == known.effective_fraction
        assert entry["boundary"] == {"ends": "pressure", "sides": "mirrored", "layers": 2}
        assert entry["tortuosity_factor"] is None
        assert entry["hydraulic_tortuosity"] > 1
        assert entry["iterations"] == known.iterations


def test_fields_are_volumes_whose_mean_is_the_permeability(made):
    volume, out, found = made
    assert len(list((out / "fields").glob("*.zarr"))) == 12
    for axis, each in enumerate(found.axes):
        name = "zyx"[axis]
        fields = {k: ps.open(out / "fields" / f"{name}_velocity_{k}.zarr") for k in "zyx"}
        velocity = {k: field.read().astype(np.float64) for k, field in fields.items()}
        assert fields[name].voxel_size == volume.voxel_size
        effective = each.numbers["effective"] * 1e12
        assert velocity[name].mean() == pytest.approx(effective, rel=0.03)
        speed = np.sqrt(sum(v**2 for v in velocity.values())).mean() / velocity[name].mean()
        assert each.numbers["hydraulic_tortuosity"] == pytest.approx(speed, rel=1e-5)
        pressure = ps.open(out / "fields" / f"{name}_pressure.zarr").read()
        assert np.isfinite(pressure).mean() == pytest.approx(each.numbers["effective_fraction"])
        first, last = (np.nanmean(pressure.take(k, axis)) for k in (0, -1))
        assert 0.8 < first < 1
        assert 0 < last < 0.2
    assert ps.verify(out) == []


def test_the_page_shows_pressure_and_speed(made):
    page = (made[1] / "transport.html").read_text()
    for words in ("Pressure in the middle of", "Speed in the middle of", "darcy", "Upper bound"):
        assert words in page
    assert "Finite volumes" not in page


def test_a_second_run_writes_the_same_bytes(made, tmp_path):
    volume, _, _ = made
    names = ("transport.json", "transport.html")
    kept = []
    for run in (QUIET, QUIET.but(workers=2)):
        transport(volume, tmp_path / "out", config=settings(axis="y"), run=run)
        kept.append([(tmp_path / "out" / name).read_bytes() for name in names])
    assert kept[0] == kept[1]


@pytest.mark.parametrize("pore", [0, [0], "0"])
def test_a_duct_has_its_known_permeability(tmp_path, pore):
    width = 16
    values = (~duct(width, 4)).astype(np.uint8)
    found = ps.transport(
        values, tmp_path / "out", property="permeability", pore=pore, voxel_size=2.0, tolerance=1e-5
    )
    numbers = found.numbers
    assert numbers["effective_voxel2"] == pytest.approx(DUCT * width**2, rel=0.02)
    assert numbers["effective"] == pytest.approx(numbers["effective_voxel2"] * 4e-12)
    assert numbers["hydraulic_tortuosity"] == pytest.approx(1, abs=1e-4)
    assert numbers["error"] <= 1e-5 * numbers["effective"]


def test_no_path_is_told_and_written(as_volume, tmp_path):
    values = np.zeros((6, 6, 6), np.uint8)
    values[:, 3] = 1
    config = settings("0", axis="all", fields=True)
    found = transport(as_volume(values), tmp_path / "out", config=config, run=QUIET)
    assert "along y: 0, because no path of pores joins the two faces" in list(found.describe())[1]
    numbers = json.loads((tmp_path / "out" / "transport.json").read_text())
    entry = numbers["axes"][1]
    assert (entry["effective"], entry["darcy"], entry["percolates"]) == (0, 0, False)
    assert entry["hydraulic_tortuosity"] is None
    assert not ps.open(tmp_path / "out" / "fields" / "y_velocity_y.zarr").read().any()
    assert "no path joins the faces" in (tmp_path / "out" / "transport.html").read_text()
    assert numbers["axes"][0]["effective"] > 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"pore": None}, "`pore` must be given"),
        ({"pore": "0,7"}, r"`pore` must be among the values of .* \(0, 1, 2\), got 7"),
        ({"pore": "a"}, "`pore` must be a value of the volume, or several with commas, got 'a'"),
        ({"axis": "x"}, "at least two voxels along the driven axis x, got 1"),
        ({"tensor": True}, "`tensor` must not be given where `property` is permeability"),
        ({"property": "diffusivity"}, "`pore` must not be given where `property` is diffusivity"),
    ],
)
def test_bad_input_is_one_sentence(as_volume, tmp_path, given, words):
    with pytest.raises(ValueError, match=words):
        transport(
            as_volume(VALUES[:, :, :1]), tmp_path / "out", config=settings(**given), run=QUIET
        )
    assert not (tmp_path / "out").exists()


def test_phases_are_for_conduction_alone(as_volume, tmp_path):
    phases = ConductionConfig(phases="0=1")
    config = Settings(TransportConfig(property="permeability"), phases, FlowConfig(pore="0"))
    with pytest.raises(ValueError, match="`phases` must not be given where `property` is perm"):
        transport(as_volume(VALUES), tmp_path / "out", config=config, run=QUIET)


def test_voxels_must_be_cubes(tmp_path):
    spec = VolumeSpec(VALUES.shape, VALUES.dtype, (2.0, 1.0, 1.0))
    volume = volume_from_array(VALUES, tmp_path / "v.zarr", spec=spec, run=QUIET)
    with pytest.raises(
        ValueError, match=r"v\.zarr must have cubic voxels .* got edges of 2, 1, 1 um"
    ):
        plan_transport(volume, config=settings(), run=QUIET)


def test_what_does_not_converge_is_no_result(as_volume, tmp_path):
    config = settings(iterations=1, tolerance=1e-5, fields=True)
    words = r"within 0.001 %, got bounds of .* and .* m2 after 1 iterations; raise `iterations`"
    with pytest.raises(ArithmeticError, match=words):
        transport(as_volume(VALUES), tmp_path / "out", config=config, run=QUIET)
    assert not (tmp_path / "out").exists()


def test_a_budget_that_is_too_small_is_refused(as_volume, tmp_path):
    small = QUIET.but(memory="256MiB")
    with pytest.raises(MemoryError, match=r"memory must be at least .* 'transport'"):
        transport(as_volume(VALUES), tmp_path / "out", config=settings(), run=small)


@pytest.mark.parametrize(
    ("share", "given"), [(0.2, {}), (0.8, {}), (0.5, {"layers": 6, "tolerance": 5e-5})]
)
def test_a_measurement_takes_no_more_than_is_planned(as_volume, share, given):
    values = np.where(blobs((40, 40, 40), seed=8, share=share), 0, 1).astype(np.uint8)
    volume = as_volume(values, chunks=(20, 20, 20))
    pores = int(np.count_nonzero(values == 0))
    counts = {0: pores, 1: values.size - pores}
    config = settings("0", axis="x", **given)
    small = as_volume(values[:8, :8, :8])
    by_flow.transport_along(TransportInput(small, {0: 1, 1: 1}, config), 2)  # compiles
    taken = TransportInput(volume, counts, config, lambda _name, values: values.copy())
    tracemalloc.start()
    by_flow.transport_along(taken, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.5 * by_flow.need(taken) < peak < by_flow.need(taken)


def test_a_single_slice_between_walls_is_told(as_volume, tmp_path):
    """Mirrored sides give the slit in the plane, walls a tenth of it."""
    slit = np.ones((1, 12, 6), np.uint8)
    slit[:, 2:9] = 0
    volume = as_volume(slit)
    told, values = [], []
    for sides in ("closed", "mirrored"):
        config = settings("0", axis="x", sides=sides)
        found = transport(volume, tmp_path / sides, config=config, run=QUIET)
        told.append(found.axes[0].told)
        values.append(found.axes[0].numbers["effective_voxel2"])
    assert "one voxel thick along z, and walls hold the fluid on both sides of it" in told[0]
    assert "thick" not in told[1]
    assert values[1] == pytest.approx((7**2 + 2) / 12 * 7 / 12, rel=0.005)
    assert values[0] < 0.1 * values[1]
