"""SliceGAN through the verbs: trained, and made with a wanted fraction."""

import numpy as np
import pytest

import poroscale as ps
from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.pipelines.microstructure import settings
from tests.pipelines.microstructure.test_fit_and_generate import picture, saved

TINY = SliceGanConfig(
    latent=4, generator=(8, 4), critic=(4, 8), epochs=2, steps=2, critic_steps=1, batch=2,
    critic_batch=2, crops=4, slices=4, volumes=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("slicegan")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(settings, "small_slicegan", lambda: TINY)


def test_a_model_is_trained_and_makes_wanted_fractions(tiny, folder):
    image = saved(picture(edge=64), folder / "a.png")
    model = ps.fit_microstructure([image], folder / "model", method="slicegan", gan_seed=3)
    assert model.settings.method == "slicegan"
    lines = "\n".join(model.describe())
    assert "best of 2 epochs" in lines
    assert "halo costs" in lines
    made = ps.generate_microstructure(
        folder / "model", folder / "v.zarr", shape=(48, 40, 40), fraction="1=0.3"
    ).read()
    assert (made == 1).mean() == pytest.approx(0.3, abs=0.1)
    other = ps.generate_microstructure(
        folder / "model", folder / "w.zarr", shape=(16, 40, 40), fraction="1=0.3", origin=(8, 0, 0)
    ).read()
    assert np.array_equal(other, made[8:24])
    plan = ps.plan(ps.fit_microstructure, [image], folder / "n", method="slicegan")
    assert plan.peak > 0


def test_settings_of_another_method_are_refused(folder):
    image = saved(picture(edge=64), folder / "b.png")
    with pytest.raises(ValueError, match="must come with the method slicegan"):
        ps.fit_microstructure([image], folder / "no", network="published")
    with pytest.raises(ValueError, match="network"):
        ps.fit_microstructure([image], folder / "no", method="slicegan", network="large")
