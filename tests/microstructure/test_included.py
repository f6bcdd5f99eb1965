"""The models that are included: they open by name, and make what their cards say."""

import numpy as np
import pytest

import poroscale as ps
from poroscale.cli.verbs.microstructure import INCLUDED as NAMED
from poroscale.microstructure.model import INCLUDED, MicrostructureModel, included_models


def test_the_help_names_the_models_that_are_there():
    assert ", ".join(included_models()) == NAMED


@pytest.mark.parametrize("name", included_models())
def test_an_included_model_makes_its_phases(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = MicrostructureModel.named(name)
    made = ps.generate_microstructure(name, "out.zarr", shape=(16, 64, 64), seed=3).read()
    shares = np.bincount(made.ravel(), minlength=model.phases) / made.size
    assert shares == pytest.approx(model.settings.fractions, abs=0.2)
    assert name in (INCLUDED / "README.md").read_text()
    assert not (model.folder / "images").exists()  # nothing of the image is included


def test_a_folder_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / included_models()[0]).mkdir()
    with pytest.raises(FileNotFoundError, match="models that are included: "):
        MicrostructureModel.named(included_models()[0])


def test_an_altered_model_is_refused(tmp_path):
    name = included_models()[0]
    copied = tmp_path / name
    copied.mkdir()
    for each in ("model.json", "weights.safetensors.json"):
        (copied / each).write_bytes((INCLUDED / name / each).read_bytes())
    weights = bytearray((INCLUDED / name / "weights.safetensors").read_bytes())
    weights[-1] ^= 1
    (copied / "weights.safetensors").write_bytes(weights)
    with pytest.raises(OSError, match=r"altered|not what was written|differ"):
        ps.generate_microstructure(copied, tmp_path / "out.zarr", shape=(8, 8, 8))
