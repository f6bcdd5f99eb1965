"""From phases to a model, new parts and their comparison, as the commands and the file do it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from poroscale.compare import CompareConfig
from poroscale.engine import Run
from poroscale.parts import calibrate
from poroscale.parts.model import PartModel
from poroscale.phantoms import PhantomConfig, phantom
from poroscale.pipelines.compare import compare_parts
from poroscale.pipelines.fit import FitConfig, FitPartConfig, fit_part
from poroscale.pipelines.generate import GenerateConfig, generate_part, plan_generate
from poroscale.pipelines.part_job import PartJob
from poroscale.volume import Volume
from tests.cli.conftest import poroscale, refused

__all__ = ["poroscale", "refused"]

ROOT = Path(__file__).parents[2]
ROOMY = Run(memory="6GiB")
"""The process of the tests itself counts, and has seen many before these."""


@pytest.fixture(autouse=True, scope="module")
def short_trials():
    """Trials of a quarter of the pores: what a fit comes to is looked at elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate, "TRIAL_PORES", 1000)
        yield


@pytest.fixture(scope="module")
def coupon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coupon")
    config = PhantomConfig(shape=(160, 128, 128), voxel_size=5.0, porosity=0.015, seed=2)
    return phantom(folder / "coupon.zarr", config=config, run=ROOMY).truth


@pytest.fixture(scope="module")
def fitted(coupon, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted") / "model"
    return fit_part([coupon], folder, run=ROOMY), folder


def test_model_opens_and_is_left_alone(coupon, fitted):
    model, folder = fitted
    opened = PartModel.open(folder)
    assert opened.digest == model.digest
    stamp = (folder / "bank.parquet").stat().st_mtime_ns
    fit_part([coupon], folder, run=ROOMY)
    assert (folder / "bank.parquet").stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match="was fitted to other parts or with other settings"):
        fit_part([coupon], folder, config=FitPartConfig(fit=FitConfig(bins=10)), run=ROOMY)
    assert not folder.with_name("model.work").exists()


def test_generated_parts_are_like_the_coupon(coupon, fitted, new_path):
    config = GenerateConfig(shape=(160, 128, 128), seed=1, count=2)
    made = generate_part(fitted[1], new_path("part.zarr"), config=config, run=ROOMY)
    assert [part.phases.path.name for part in made] == ["part_0000.zarr", "part_0001.zarr"]
    quick = CompareConfig(bootstrap=0, splits=6, windows=6, picture=64)
    parts = [part.phases for part in made]
    found = compare_parts([coupon], parts, new_path("comparison"), config=quick, run=ROOMY)
    shares = [row["passes"] for row in found.numbers["measures"] if row["passes"] is not None]
    assert np.mean(shares) > 0.6
    porosity = [
        np.mean([(v.read((0, 0, 0), v.shape) == 2).sum() / (v.read((0, 0, 0), v.shape) > 0).sum()])
        for v in (coupon, *(part.phases for part in made))
    ]
    assert np.mean(porosity[1:]) == pytest.approx(porosity[0], rel=0.35)


def test_a_part_is_planned_before_it_is_made(fitted):
    config = GenerateConfig(shape=(640, 128, 128))
    plan = plan_generate(fitted[1], config=config, run=ROOMY)
    assert re.search(r"^paint +\d+ blocks of .* MiB of 6,144 MiB memory", str(plan))
    three = plan_generate(fitted[1], config=config.model_copy(update={"count": 3}), run=ROOMY)
    assert three.disk == pytest.approx(3 * plan.disk)
    assert three.peak == pytest.approx(plan.peak, rel=0.05)
    with pytest.raises(ValueError, match="`shape` must be given"):
        plan_generate(fitted[1], config=GenerateConfig(), run=ROOMY)
    with pytest.raises(MemoryError, match="memory must be at least"):
        plan_generate(fitted[1], config=config, run=Run(memory="1MiB"))


def test_same_bytes_and_resumed_after_an_end(fitted, new_path):
    config = GenerateConfig(shape=(192, 128, 128), seed=4)
    out = new_path("part.zarr")
    (first,) = generate_part(fitted[1], out, config=config, run=ROOMY)
    (again,) = generate_part(fitted[1], out, config=config, run=ROOMY.but(workers=1))
    assert again.phases.digest == first.phases.digest
    with pytest.raises(ValueError, match=r"other input or settings|another recipe|other settings"):
        generate_part(fitted[1], out, config=GenerateConfig(shape=(192, 128, 128), seed=5))


def test_ellipsoids_and_published_maps_fit_too(coupon, new_path):
    config = FitPartConfig(fit=FitConfig(bank="ellipsoid", sampling="maps", bins=10))
    folder = new_path("model")
    fit_part([coupon], folder, config=config, run=ROOMY)
    (made,) = generate_part(
        folder, new_path("p.zarr"), config=GenerateConfig(shape=(160, 128, 128))
    )
    assert made.counts["placed"] > 10


def test_a_file_describes_the_whole_job(coupon, new_path, caplog):
    sections = yaml.safe_load((ROOT / "configs" / "generate.yaml").read_text())
    folder = new_path("job").parent
    sections["part"] = {
        "phases": [str(coupon.path)],
        "model": str(folder / "model"),
        "out": str(folder / "new.zarr"),
        "comparison": str(folder / "comparison"),
    }
    sections["run"]["memory"] = ROOMY.memory
    sections["generate"]["shape"] = [160, 128, 128]
    sections["compare"] |= {"bootstrap": 0, "splits": 4, "windows": 4, "picture": 64}
    file = folder / "generate.yaml"
    file.write_text(yaml.safe_dump(sections))
    told = []
    with caplog.at_level("INFO", "poroscale"):
        result = PartJob.load(file).start(progress=told.append)
    lines = "\n".join(caplog.messages).splitlines()
    assert result.comparison is not None
    (part,) = result.parts
    assert (told[0].name, told[0].values["placed"]) == ("new.zarr", part.counts["placed"])
    assert any(re.search(r"\d+ pores where \d+ were meant: \d+ closed", line) for line in lines)
    assert (folder / "comparison" / "compare.html").exists()
    assert "ablation" in json.loads((folder / "comparison" / "compare.json").read_text())
    sections["fit"]["binz"] = 3
    file.write_text(yaml.safe_dump(sections))
    with pytest.raises(ValueError, match="fit: unknown key 'binz'"):
        PartJob.load(file)


def test_commands(poroscale, coupon, fitted, new_path):
    folder = new_path("c").parent
    code, shown, error = poroscale("surface", coupon.path, folder / "surface")
    assert code == 0, error
    assert "Sq" in shown
    part = folder / "p.zarr"
    code, shown, error = poroscale(
        "generate", "part", fitted[1], part, "--shape", 128, 128, 128, "--seed", 3
    )
    assert code == 0, error
    assert re.search(r"p.zarr: 128 x 128 x 128 voxels, .*\n  \d+ pores where \d+ were", shown)
    assert Volume.open(part).shape == (128, 128, 128)
    quick = folder / "compare.yaml"
    quick.write_text("compare: {bootstrap: 0, splits: 4, windows: 4, picture: 64}")
    code, shown, error = poroscale(
        "compare", "volumes", coupon.path, part, folder / "cmp", "--config", quick
    )
    assert code == 0, error
    assert "measures" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fit", "part", "only.zarr"], "must both be given"),
        (["fit", "part", "none.zarr", "model"], "does not exist"),
        (["fit", "part", "none.zarr", "model", "--bank", "gas"], "bank"),
        (
            ["generate", "part", "nowhere", "out.zarr", "--shape", 9, 9, 9],
            "no folder of a part model",
        ),
        (["compare", "volumes", "a.zarr", "b.zarr", "out"], "does not exist"),
    ],
)
def test_bad_words_cost_one_sentence(refused, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert sentence in refused(*words)


def test_generate_needs_a_shape_that_fits(fitted, new_path):
    with pytest.raises(ValueError, match="`shape` must be given"):
        generate_part(fitted[1], new_path("p.zarr"))
    scanned = 2 * fitted[0].settings["radius_um"]
    for beyond in (0.49 * scanned, 2.01 * scanned):
        tiny = GenerateConfig(shape=(128, 512, 512), diameter=beyond)
        with pytest.raises(ValueError, match=r"half to twice that of the scanned part, \d+ to"):
            generate_part(fitted[1], new_path("p.zarr"), config=tiny)
    wide = GenerateConfig(shape=(128, 128, 128), diameter=1.9 * scanned)
    with pytest.raises(ValueError, match="diameter must fit into the volume"):
        generate_part(fitted[1], new_path("p.zarr"), config=wide)
    small = GenerateConfig(shape=(128, 128, 4))
    with pytest.raises(ValueError, match=r"must fit|must hold"):
        generate_part(fitted[1], new_path("p.zarr"), config=small)


@pytest.mark.slow
def test_a_mesh_is_filled(fitted, new_path):
    import trimesh

    file = new_path("torus.stl")
    trimesh.creation.torus(0.16, 0.08, major_sections=48, minor_sections=24).export(file)
    config = GenerateConfig(mesh=str(file), seed=2)
    (made,) = generate_part(fitted[1], new_path("torus.zarr"), config=config, run=ROOMY)
    phases = made.phases.read((0, 0, 0), made.phases.shape)
    volume = (phases > 0).sum() * 5.0**3
    assert volume == pytest.approx(2 * np.pi**2 * 160 * 80**2, rel=0.06)
    assert made.counts["placed"] > 3
    middle = np.array(phases.shape) // 2
    assert phases[tuple(middle)] == 0  # the hole of the torus
    bad = new_path("open.stl")
    box = trimesh.creation.box()
    trimesh.Trimesh(box.vertices, box.faces[:-1]).export(bad)
    with pytest.raises(ValueError, match=r"open|closed"):
        generate_part(fitted[1], new_path("p.zarr"), config=GenerateConfig(mesh=str(bad)))
