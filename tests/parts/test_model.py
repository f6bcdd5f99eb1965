"""Part models: what the fit finds, what is kept in files, and how they are edited."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from poroscale.manifest import record_results
from poroscale.parts import calibrate
from poroscale.parts.fit import layer_thickness, rebinned
from poroscale.parts.model import PORES, ROUGHNESS, SETTINGS, PartModel
from poroscale.parts.model_settings import PORE_COLUMNS, ModelSettings
from poroscale.parts.placing.candidates import CandidateSampler, draw_count
from poroscale.parts.placing.placement import Planner, place_pores
from poroscale.pipelines.checks import holdings, verify
from poroscale.storage.columns import read_columns, write_columns
from poroscale.surfaces.roughness import Roughness, fit_roughness
from tests.parts.makers import UM, frame, model_of, part_of, scan_of


@pytest.fixture
def short_trials(monkeypatch):
    """Trials of a quarter of the pores, where it does not matter how well they are calibrated."""
    monkeypatch.setattr(calibrate, "TRIAL_PORES", 3000)


@pytest.fixture(scope="module")
def long_scan():
    return scan_of(300, length=4000.0, seed=5)


def placed(model, layers, seed=0):
    sampler = CandidateSampler(model, part_of(layers), seed)
    planner = Planner(sampler, model.bank.shapes, model.spacing)
    return place_pores(planner, layers)


def test_as_many_pores_are_placed_as_were_found(model):
    layers = 20_000
    meant = model.pores["rate"].sum() * UM * layers
    assert meant > 10_000
    assert len(placed(model, layers).shape) == pytest.approx(meant, rel=0.025)


@pytest.mark.parametrize("name", ["volume_um3", "r_star", "theta_rad", "anisotropy", "depth_um"])
def test_laws_are_kept(model, name):
    """At most half as far again from the source as two halves of the source are apart."""
    source, found = model.pores[name].to_numpy(), frame(placed(model, 4000), model)[name]
    rng = np.random.default_rng(0)
    halves, other = [], []
    for _ in range(30):
        order = rng.permutation(len(source))
        half, rest = source[order[: len(order) // 2]], source[order[len(order) // 2 :]]
        halves.append(wasserstein_distance(half, rest))
        other.append(wasserstein_distance(half, rng.choice(found, len(rest), replace=False)))
    assert np.mean(other) < 1.5 * np.mean(halves)


def test_pores_lie_where_their_sources_lay(model):
    pores = placed(model, 4000)
    middle = pores.corner + 0.5 * model.bank.shapes.extents[pores.shape]
    geometry = part_of(4000)
    r_star = geometry.normalised_radius(middle)
    known = model.pores["r_star"].to_numpy()
    assert ks_2samp(r_star, known).statistic < 0.08
    theta = np.arctan2(middle[:, 1] - 48, middle[:, 2] - 48)
    share = np.mean(np.cos(theta) > 0)
    assert share == pytest.approx(np.mean(np.cos(model.pores["theta_rad"]) > 0), abs=0.06)


def test_long_pores_are_not_lost_at_the_ends(scan, model):
    heights = scan.columns["extent_z_um"]
    # All pores, cut or not, by the law of the scan: cut ones tell nothing of their own.
    all_rate = len(heights) / scan.length_um
    assert model.pores["rate"].sum() == pytest.approx(all_rate, rel=0.02)


@pytest.mark.usefixtures("short_trials")
def test_doubling_the_density_of_a_corner_is_one_line(long_scan, tmp_path):
    model = model_of([long_scan])
    corner = lambda p: (p.x_um > 0) & (p.y_um > 0)  # noqa: E731
    model.with_density(lambda p: np.where(corner(p), 2, 1)).save(tmp_path / "denser")
    denser = PartModel.open(tmp_path / "denser")
    before, after = (corner(frame(placed(m, 10_000), m)) for m in (model, denser))
    assert after.sum() / before.sum() == pytest.approx(2, rel=0.1)
    assert (~after).sum() / (~before).sum() == pytest.approx(1, rel=0.08)


@pytest.mark.usefixtures("short_trials")
def test_published_maps_follow_an_edited_density(long_scan):
    model = model_of([long_scan], sampling="maps", bins=8)
    halved = model.with_density(lambda p: np.full(len(p), 0.5))
    numbers = [len(placed(each, 5000).shape) for each in (model, halved)]
    assert numbers[1] / numbers[0] == pytest.approx(0.5, rel=0.08)


def test_an_edited_model_takes_its_roughness_along(model, tmp_path):
    folder = model.save(tmp_path / "model")
    heights = np.random.default_rng(0).normal(0, 3, (64, 96))
    own = fit_roughness([heights], voxel_um=UM, periodic=True).save(folder / ROUGHNESS)
    record_results(folder, outputs=[ROUGHNESS])
    denser = PartModel.open(folder).with_density(lambda p: 2)
    again = PartModel.open(denser.save(tmp_path / "denser"))
    assert again.pores["rate"].sum() == pytest.approx(2 * model.pores["rate"].sum())
    found = Roughness.load(tmp_path / "denser" / ROUGHNESS)
    assert np.array_equal(found.pool[0], Roughness.load(own).pool[0])


def test_a_density_that_changes_nothing_says_so(model):
    far = lambda p: np.where((p.x_um > 500) & (p.y_um > 500), 2, 1)  # noqa: E731
    with pytest.warns(UserWarning, match=r"the factor is 1 for each of .* y_um from -\d+ to \d+"):
        same = model.with_density(far)
    assert same.digest == model.digest


def test_the_example_of_the_docs_selects_pores(model, tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "parts.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    model.save("model")
    exec(example)  # our own docs
    denser = PartModel.open("denser")
    changed = denser.pores["rate"] / model.pores["rate"]
    assert 0.05 < np.mean(changed == 2) < 0.95
    assert set(np.unique(changed)) == {1.0, 2.0}


def test_a_density_must_be_a_density(model):
    with pytest.raises(ValueError, match="finite and not negative"):
        model.with_density(lambda p: np.full(len(p), -1.0))


def test_saved_and_opened(model, tmp_path):
    model.save(tmp_path / "model")
    back = PartModel.open(tmp_path / "model")
    assert back.digest == model.digest
    assert np.array_equal(back.density, model.density)
    assert any("336" in line or "pores" in line for line in back.describe())
    assert json.loads((tmp_path / "model" / "model.json").read_text())["voxel_um"] == UM


def test_missing_and_altered_files_are_named(model, tmp_path):
    folder = model.save(tmp_path / "model")
    (folder / "bank.parquet").rename(tmp_path / "kept")
    with pytest.raises(OSError, match=r"bank\.parquet is missing"):
        PartModel.open(folder)
    (tmp_path / "kept").rename(folder / "bank.parquet")
    text = (folder / "model.json").read_text().replace('"bins": 30', '"bins": 31')
    (folder / "model.json").write_text(text)
    with pytest.raises(OSError, match=r"model\.json is damaged"):
        PartModel.open(folder)
    with pytest.raises(FileNotFoundError, match="is no folder of a part model"):
        PartModel.open(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no finished part model"):
        PartModel.open(tmp_path / "empty")


@pytest.mark.usefixtures("short_trials")
def test_layers_are_found_and_kept():
    scan = scan_of(500, layer=40.0, seed=2)
    model = model_of([scan])
    assert model.settings["layer_um"] == pytest.approx(40, rel=0.01)
    pores = placed(model, 4000)
    middle = (pores.corner[:, 0] + 0.5 * model.bank.shapes.extents[pores.shape, 0]) * UM
    phases = np.exp(2j * np.pi * middle / model.settings["layer_um"])
    assert abs(phases.mean()) > 0.6
    assert layer_thickness([np.random.default_rng(0).uniform(0, 1000, 500)], UM) is None


def test_a_scan_without_pores_is_refused():
    scan = scan_of(5)
    scan.columns["cut"][:] = True
    with pytest.raises(ValueError, match="needs pores, got none that is complete in scan"):
        model_of([scan])


@pytest.mark.usefixtures("short_trials")
def test_several_scans_make_one_model():
    model = model_of([scan_of(200, seed=1, name="a"), scan_of(400, seed=2, name="b")])
    assert [source["name"] for source in model.settings["sources"]] == ["a", "b"]
    assert model.pores["rate"].sum() == pytest.approx(600 / 2000, rel=0.03)


@pytest.mark.usefixtures("short_trials")
def test_parts_of_unlike_size_are_pooled_with_a_word():
    one, other = scan_of(200, seed=1, name="a"), scan_of(200, seed=2, name="b")
    alike = model_of([replace(one, half_um=(200.0, 200.0)), replace(other, half_um=(201.0, 201.0))])
    assert not any(line.startswith("pooled") for line in alike.describe())
    sources = [
        {**s, "half_um": [h, h]} for s, h in zip(alike.settings["sources"], (225, 250), strict=True)
    ]
    unlike = replace(alike, settings=alike.settings.but(sources=sources))
    (line,) = [line for line in unlike.describe() if line.startswith("pooled")]
    assert "450 x 450 and 500 x 500 um" in line
    assert "400 x 400 um" in line


@pytest.mark.parametrize("sampling", ["maps", "polar"])
def test_published_ways_keep_number_and_place(scan, sampling):
    model = model_of([scan], sampling=sampling, bins=12)
    pores = placed(model, 6000)
    meant = model.pores["rate"].sum() * UM * 6000
    assert len(pores.shape) == pytest.approx(meant, rel=0.08)
    middle = pores.corner + 0.5 * model.bank.shapes.extents[pores.shape]
    r_star = part_of(6000).normalised_radius(middle)
    assert ks_2samp(r_star, model.pores["r_star"]).statistic < 0.15


def test_more_bins_follow_the_place_more_closely(scan, model):
    errors = []
    for bins in (3, 30):
        pores = placed(rebinned(model, bins), 3000)
        middle = pores.corner + 0.5 * model.bank.shapes.extents[pores.shape]
        r_star = part_of(3000).normalised_radius(middle)
        errors.append(wasserstein_distance(r_star, model.pores["r_star"]))
    assert errors[1] < 0.6 * errors[0]


@pytest.mark.parametrize("dispersion", [0.4, 1.0, 3.0])
def test_counts_have_their_dispersion(dispersion):
    rng = np.random.default_rng(4)
    counts = [draw_count(50.0, dispersion, rng) for _ in range(4000)]
    assert np.mean(counts) == pytest.approx(50, rel=0.02)
    assert np.var(counts) / np.mean(counts) == pytest.approx(dispersion, rel=0.12)


def test_near_the_surface_pores_keep_to_the_roughness_they_were_found_under(scan, model):
    """Large pores under rough patches in the scan are under rough patches again."""
    pores = model.pores.copy()
    near = pores["local_roughness_um"].notna().to_numpy()
    rough = np.random.default_rng(0).random(len(pores)) < 0.5
    pores.loc[near, "local_roughness_um"] = np.where(rough, 5.0, 1.5)[near]
    settings = model.settings.but(roughness_spread_um=1.7)
    tied = PartModel(settings, pores, model.bank, model.density)
    blind = PartModel(settings.but(use_roughness=False), pores, model.bank, model.density)
    differences = []
    for each in (tied, blind):
        drawn = placed(each, 12_000)
        middle = drawn.corner + 0.5 * model.bank.shapes.extents[drawn.shape]
        found = part_of(12_000).local_roughness(middle)
        kind = frame(drawn, each)["local_roughness_um"].to_numpy()
        differences.append(found[kind == 5.0].mean() - found[kind == 1.5].mean())
    assert differences[0] > 0.25
    assert abs(differences[1]) < 0.25 * differences[0]


def test_every_entry_that_a_model_lacks_is_named(model, tmp_path):
    folder = model.save(tmp_path / "model")
    path, whole = folder / SETTINGS, model.settings.entries()
    inner = [
        (outer, key)
        for outer in ("spacing", "jitter", "cluster", "calibration")
        for key in whole[outer]
    ]
    required = [name for name, each in ModelSettings.model_fields.items() if each.is_required()]
    for outer, key in [(None, name) for name in required] + inner:
        cut = {**whole, outer: dict(whole[outer])} if outer else dict(whole)
        del (cut[outer] if outer else cut)[key]
        path.write_text(json.dumps(cut))
        record_results(folder, files=[SETTINGS])
        named = f"{outer}.{key}" if outer else key
        with pytest.raises(ValueError, match=rf"model\.json: `{named}` must be given"):
            PartModel.open(folder)
        assert [f"model.json: `{named}`" in line for line in verify(folder)] == [True]


def test_a_column_that_a_model_lacks_is_named(model, tmp_path):
    folder = model.save(tmp_path / "model")
    assert (verify(folder), holdings(folder)) == ([], "1 part model, 1 volume")
    table, about, _ = read_columns(folder / PORES)
    for name in PORE_COLUMNS:
        write_columns({k: v for k, v in table.items() if k != name}, folder / PORES, about=about)
        record_results(folder, files=[PORES])
        with pytest.raises(ValueError, match=rf"pores\.parquet .* has no {name}"):
            PartModel.open(folder)


@pytest.mark.parametrize("name", ["window", "overlap"])
def test_an_entry_that_a_roughness_lacks_is_named(name, tmp_path):
    settings = {"window": 8, "overlap": 2}
    pool = (np.zeros((16, 16), np.float32),)
    folder = Roughness(np.zeros(8), np.zeros((2, 3)), pool, settings).save(tmp_path / "roughness")
    (folder / "roughness.json").write_text(
        json.dumps({k: v for k, v in settings.items() if k != name})
    )
    record_results(folder, files=["roughness.json"])
    with pytest.raises(ValueError, match=rf"roughness\.json .* has no {name}"):
        Roughness.load(folder)


def test_settings_keep_what_was_written(model):
    written = {**model.settings.entries(), "radius_um": 200, "note": None}
    settings = ModelSettings(**written)
    assert json.dumps(settings.entries(), sort_keys=True) == json.dumps(written, sort_keys=True)
    assert type(settings.radius_um) is int
    assert settings["note"] is None
    with pytest.raises(KeyError):
        settings["made_by_hand"]
    with pytest.raises(ValueError, match="frozen"):
        settings.radius_um = 3.0
    with pytest.raises(ValueError, match="greater than 0"):
        settings.but(radius_um=-1)
