"""SliceGAN through the verbs: trained, and made with a wanted fraction."""

import numpy as np
import pytest
from PIL import Image

import poroscale as ps
from poroscale.kernels.noise import correlated_noise
from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.microstructure.slicegan.weights import load_slicegan
from poroscale.pipelines.microstructure import settings
from poroscale.training import load_weights
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
    model = ps.fit_microstructure([image], folder / "model", method="slicegan", seed=3)
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


@pytest.fixture(scope="module")
def micrograph(tmp_path_factory):
    """Grey values of smoothed noise from 40 to 220, skewed."""
    noise = correlated_noise((0, 0, 0), (1, 64, 64), seed=2, sigma=2.0)[0]
    share = (noise - noise.min()) / np.ptp(noise)
    grey = (40 + 180 * share**2).astype(np.uint8)
    return saved(grey, tmp_path_factory.mktemp("grey") / "grey.png")


def test_grey_values_are_trained_and_made_with_the_histogram_of_the_image(tiny, folder, micrograph):
    model = ps.fit_microstructure([micrograph], folder / "grey", method="slicegan", kind="grey")
    assert model.settings.kind == "grey"
    assert model.settings.fractions == ()
    lines = "\n".join(model.describe())
    assert "model of grey values" in lines
    assert "correlation" in lines
    volume = ps.generate_microstructure(folder / "grey", folder / "g.zarr", shape=(48, 40, 40))
    made = volume.read()
    image = np.asarray(Image.open(micrograph))
    assert made.dtype == np.uint8
    assert made.min() >= 40
    assert made.max() <= 220
    assert made.mean() == pytest.approx(image.mean(), abs=12)
    assert made.std() == pytest.approx(image.std(), rel=0.4)
    part = ps.generate_microstructure(
        folder / "grey", folder / "h.zarr", shape=(16, 40, 40), origin=(8, 0, 0)
    )
    assert np.array_equal(part.read(), made[8:24])
    assert ps.plan(
        ps.fit_microstructure, [micrograph], folder / "n", method="slicegan", kind="grey"
    )
    with pytest.raises(ValueError, match="is a model of grey values, which have no fractions"):
        ps.generate_microstructure(folder / "grey", folder / "no.zarr", fraction="1=0.2")
    with pytest.raises(ValueError, match=r"g\.zarr holds grey values"):
        ps.compare_microstructure(saved(picture(edge=64), folder / "c.png"), [volume], folder / "o")


def test_kinds_that_do_not_go_are_refused_in_one_sentence(folder, micrograph):
    with pytest.raises(ValueError, match="colours cannot be stored; convert the image to grey"):
        ps.fit_microstructure([micrograph], folder / "no", method="slicegan", kind="colour")
    with pytest.raises(ValueError, match="`kind` grey must come with the method slicegan"):
        ps.fit_microstructure([micrograph], folder / "no", kind="grey")
    with pytest.raises(ValueError, match="`phases` must be left out of grey images"):
        ps.fit_microstructure([micrograph], folder / "no", method="slicegan", kind="grey", phases=2)
    with pytest.raises(ValueError, match="got grey values"):
        ps.fit_microstructure([micrograph], folder / "no", method="slicegan")
    flat = saved(np.full((64, 64), 7, np.uint8), folder / "flat.png")
    with pytest.raises(ValueError, match="must show grey values, got the value 7 alone"):
        ps.fit_microstructure([flat], folder / "no", method="slicegan", kind="grey")


def test_options_of_the_training_reach_it(tiny, folder):
    image = saved(picture(edge=64), folder / "e.png")
    model = ps.fit_microstructure(
        [image], folder / "resized", method="slicegan", diagonal=True, upsampling="resize"
    )
    network, _ = load_slicegan(model.weights)
    assert network.shape.upsampling == "resize"
    tensors, _ = load_weights(folder / "resized" / "training" / "best.safetensors")
    assert any(name.startswith("critic_diagonal.") for name in tensors)
    made = ps.generate_microstructure(folder / "resized", folder / "r.zarr", shape=(16, 16, 24))
    assert set(np.unique(made.read())) <= {0, 1}
