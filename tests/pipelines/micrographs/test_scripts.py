"""The pipeline scripts of micrographs, on small sets and trainings of a few steps."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import poroscale as ps
from poroscale.phantoms.micrographs import PhantomSeries, write_phantom_series

PIPELINES = Path(__file__).parents[3] / "pipelines"


def script(name):
    return runpy.run_path(str(PIPELINES / f"{name}.py"))


def cells(text):
    return [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()[2:] if line]


def phantoms(folder, seed):
    series = PhantomSeries(("T5", "T6"), (2.5, 12.5), 1, height=128, width=128, seed=seed)
    write_phantom_series(series, folder / "pictures")
    return ps.gather_sem(folder / "pictures" / "conditions.csv", folder / "set", chip=32)


WISHED = ["--over", "feed_rate", "--condition", "temper=T5"]
WISHED += ["--condition", "feed_rate=12.5", "--size", "128", "128", "--edge", "16"]


def test_a_micrograph_becomes_a_volume_and_a_property(tmp_path, monkeypatch, capsys):
    found = phantoms(tmp_path / "like_generated", 5)
    monkeypatch.setattr(ps, "generate_sem", lambda *_, **__: found)
    real = phantoms(tmp_path / "real", 4).folder
    words = ["MODEL", str(tmp_path / "out"), *WISHED, "--real", str(real)]
    (tmp_path / "out").mkdir()
    script("sem_to_property")["main"]([*words, "--values", "100", "1"])
    with (tmp_path / "out" / "property.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    sides = [(row["images"], row["setting"], row["over"]) for row in rows]
    assert sides == [("generated", "T5", "12.5"), ("real", "T5", "12.5")]
    for row in rows:
        share, effective = float(row["fraction"]), float(row["effective"])
        # between the bounds of layers along and across
        assert 1 / (1 - share + share / 0.01) * 100 <= effective * 1.001
        assert effective <= 1.001 * (100 * (1 - share) + share)
    last = rows[-1]
    (picture,) = (tmp_path / "out").glob("real_T5_12.5/segmented.tif")
    assert float(last["area"]) == pytest.approx(np.mean(Image.open(picture)) / 255)
    assert 0.01 < float(last["area"]) < 0.2
    table = (tmp_path / "out" / "property.md").read_text()
    assert len(cells(table)) == 2
    assert table.strip() in capsys.readouterr().out
    assert (tmp_path / "out" / "property.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="`--over` must be one of temper, feed_rate"):
        script("sem_to_property")["main"]([*words, "--over", "strength"])


def test_a_generator_without_precipitates_is_said(tiny_model, tmp_path):
    words = [str(tiny_model.folder), str(tmp_path / "out"), *WISHED]
    with pytest.raises(ValueError, match=r"segmented.tif must show precipitates, got none"):
        script("sem_to_property")["main"](words)


def test_each_time_is_left_out_once(tmp_path, capsys):
    masks, rng = tmp_path / "masks", np.random.default_rng(0)
    masks.mkdir()
    for hours, edge in ((3, 3), (24, 5), (85, 9)):
        for number in range(2):
            image = np.zeros((64, 96), np.uint8)
            for y, x in rng.integers(0, 60, (20, 2)):
                image[y : y + edge, x : x + edge] = 255
            Image.fromarray(image).save(masks / f"800C-{hours}H-Q-{number}.png")
    gan = {"latents": "lattice", "noise": 4, "embedding": 3, "generator": [6, 4], "grain": 1}
    gan |= {"critic": [4, 6, 8], "epochs": 1, "steps": 1, "batch": 4, "critic_steps": 1}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"chips": {"edge": 32, "validation": 0}, "gan": gan}))
    words = [str(config), str(masks), str(tmp_path / "out"), "--count", "2"]
    main = script("sem_left_out")["main"]
    main(words)
    table = (tmp_path / "out" / "left_out.md").read_text()
    assert table.strip() in capsys.readouterr().out
    rows = cells(table)
    sides = ("real", "trained on", "left out")
    assert [row[0] for row in rows] == [f"{h} h, {s}" for h in (3, 24, 85) for s in sides]
    assert [row[1] for row in rows[:3]] == ["2", "4", "2"]
    sizes = [float(row[3].split()[0]) for row in rows[::3]]
    assert sizes == sorted(sizes)
    model = ps.MicrographModel.open(tmp_path / "out" / "without_1440" / "model")
    assert model.settings.recipe["held_out"] == {"minutes": "1440.0"}
    assert sum(model.settings.images.values()) == 4
    main(words)  # nothing is trained again
    again = ps.MicrographModel.open(tmp_path / "out" / "without_1440" / "model")
    assert again.settings == model.settings


def test_a_table_of_switches_has_a_row_for_each(tmp_path, capsys):
    words = [str(tmp_path / "out"), "--steps", "1", "--edge", "96", "--chips", "8"]
    words += ["--only"]
    names = ["published form", "grain 2, topology 1, averages 10"]
    script("sem_switches_table")["main"]([*words, *names])
    table = (tmp_path / "out" / "switches.md").read_text()
    assert table.strip() in capsys.readouterr().out
    rows = cells(table)
    assert [row[0] for row in rows] == names
    for row in rows:
        assert float(row[2]) > 0
        assert float(row[-1]) > 0
