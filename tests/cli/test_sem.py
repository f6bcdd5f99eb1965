"""`poroscale gather sem`, `train sem` and `generate sem`."""

import numpy as np
import pytest
import yaml

from poroscale.micrographs.dataset import MicrographSet
from poroscale.phantoms.micrographs import PhantomSeries, write_phantom_series
from tests.micrographs.conftest import CHIPS, TINY


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    series = PhantomSeries(("T5", "T6"), (2.5, 12.5), 2, 1, height=64, width=64)
    write_phantom_series(series, folder)
    return folder


@pytest.fixture
def written(tmp_path):
    def write(**sections):
        path = tmp_path / "train.yaml"
        path.write_text(yaml.safe_dump(sections))
        return path

    return write


def sections_of(tmp_path, **changes):
    paths = {
        "data": str(tmp_path / "set"),
        "model": str(tmp_path / "model"),
        "conditions": {"temper": "category", "feed_rate": "continuous"},
    }
    gan = TINY.model_dump(mode="json") | {"epochs": 1}
    return {"sem": paths | changes, "chips": CHIPS.model_dump(mode="json"), "gan": gan}


def test_from_pictures_to_new_ones(poroscale, refused, pictures, written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = poroscale("gather", "sem", pictures / "conditions.csv", "set", "--chip", 32)
    assert (code, err) == (0, "")
    assert "8 images of 8 bits, pixels 0.25 um, 8 specimens" in out
    assert "temper: T5 (4), T6 (4)" in out
    code, out, err = poroscale("train", "sem", written(**sections_of(tmp_path)))
    assert (code, err) == (0, "")
    assert "feed_rate: a number from 2.5 to 12.5" in out
    assert "metrics.jsonl" in out
    wanted = ["--condition", "temper=T6", "--condition", "feed_rate=7.5", "--count", 2]
    code, out, err = poroscale("generate", "sem", "model", "made", *wanted, "--size", 40, 72)
    assert (code, err) == (0, "")
    assert "2 images of 8 bits" in out
    made = MicrographSet.open(tmp_path / "made")
    assert made.images.shape == (2, 40, 72)
    np.testing.assert_array_equal(made.rows["temper"], ["T6", "T6"])
    few = ["--chip", 32, "--chips", 8, "--resamples", 10, "--splits", 2, "--directions", 4]
    made_at = ["--condition", "temper=T5,temper=T6,feed_rate=12.5"]
    assert poroscale("generate", "sem", "model", "alike", *made_at, "--count", 4)[0] == 0
    code, out, err = poroscale("compare", "sem", "set", "alike", "cmp", *few)
    assert (code, err) == (0, "")
    assert "cmp/micrographs.html: the comparison" in out
    assert "over 2 settings" in out
    code, out, _ = poroscale("compare", "sem", "set", "alike", "plan", *few, "--dry-run")
    assert code == 0
    assert "2 blocks of 8 x 32 x 32" in out
    error = refused("compare", "sem", "set", "alike", "plan", *few, "--memory", "9MiB")
    assert "for 2 settings of 8 chips of 32 x 32 pixels, got 9 MiB; raise --memory" in error
    assert not (tmp_path / "plan").exists()
    assert "holds no micrographs" in refused("compare", "sem", "set", "model", "c")
    error = refused("compare", "sem", "set", "made", "c", *few)
    assert "a setting of their conditions in common; generated: feed_rate 7.5, temper T6" in error
    code, out, _ = poroscale("generate", "sem", "model", "other", *wanted, "--dry-run")
    assert code == 0
    assert not (tmp_path / "other").exists()
    error = refused("generate", "sem", "model", "b", "--condition", "temper=T9,feed_rate=3")
    assert "`temper` must be one of T5, T6, got 'T9'" in error
    error = refused("generate", "sem", "model", "b", "--condition", "temper=T5")
    assert "--condition must state feed_rate: a number from 2.5 to 12.5" in error
    code, out, _ = poroscale(
        "generate", "sem", "model", "b", "--condition", "temper=T5,feed_rate=30"
    )
    assert code == 0
    assert "30 lies outside the range that the model was trained on, 2.5 to 12.5" in out


def test_bad_files_cost_one_sentence(refused, written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "none.csv does not exist" in refused("gather", "sem", "none.csv", "set")
    assert "holds no micrographs" in refused("train", "sem", written(**sections_of(tmp_path)))
    sections = sections_of(tmp_path)
    sections["gan"]["wide"] = 3
    assert "unknown key 'wide'" in refused("train", "sem", written(**sections))
    wrong = sections_of(tmp_path, conditions={"temper": "bins"})
    error = refused("train", "sem", written(**wrong))
    assert "`conditions.temper` must be 'category', 'thirds', 'continuous' or" in error
    assert "`data` must be given" in refused("train", "sem", written(chips={}))
    (tmp_path / "model").mkdir()
    (tmp_path / "model/notes.txt").write_text("mine")
    assert "holds no model of micrographs" in refused("generate", "sem", "model", "made")
