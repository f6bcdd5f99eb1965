"""Training of SliceGAN: crops, steps, resume, and the model that comes out."""

import numpy as np
import pytest
import torch

from poroscale.engine import volume_from_array
from poroscale.kernels.noise import correlated_noise
from poroscale.microstructure.model import (
    ImageEntry,
    MicrostructureModel,
    MicrostructureSettings,
)
from poroscale.microstructure.shares import Shares
from poroscale.microstructure.slicegan import crops as crops_module
from poroscale.microstructure.slicegan.config import SliceGanConfig, small_slicegan
from poroscale.microstructure.slicegan.crops import CropSettings, SliceCrops, sources_of
from poroscale.microstructure.slicegan.fit import fit_slicegan, slicegan_sampler
from poroscale.microstructure.slicegan.pairs import pair_shares
from poroscale.microstructure.slicegan.smoothing import WIDTHS
from poroscale.microstructure.slicegan.training import (
    SliceGan,
    one_hot,
    slices_across,
)
from poroscale.networks.adversarial.penalty import gradient_penalty, traced_slopes
from poroscale.networks.slicegan.critic import SliceCritic
from poroscale.networks.slicegan.generator import SliceGanShape
from poroscale.statistics.phases import phase_map

TINY = SliceGanConfig(
    latent=3,
    generator=(6,),
    critic=(4, 8),
    epochs=2,
    steps=2,
    critic_steps=2,
    batch=2,
    critic_batch=2,
    crops=3,
    volumes=1,
    turned=True,
)


def shape_of(config):
    return SliceGanShape(2, config.latent, config.generator)


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    noise = correlated_noise((0, 0, 0), (1, 40, 48), seed=1, sigma=2.0)
    codes = (noise > 0.2).astype(np.uint8) * 7
    return volume_from_array(codes, tmp_path_factory.mktemp("section") / "s.zarr")


@pytest.fixture(scope="module")
def phases(section):
    return phase_map(section)


@pytest.fixture(scope="module")
def fitted(section, phases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return folder, fit_slicegan([section], folder, planes=["yx"], phases=phases, config=TINY)


def test_a_training_that_was_stopped_comes_to_the_same_weights(section, phases, fitted, new_path):
    folder = new_path()
    short = TINY.model_copy(update={"epochs": 1})
    told = []
    for config in (short, TINY):
        again = fit_slicegan(
            [section], folder, planes=["yx"], phases=phases, config=config, progress=told.append
        )
    assert again.digest == fitted[1].digest
    assert [event.done for event in told] == [1, 2]
    assert {"distance", "generator", "validation.s2", "validation.connected"} <= {*told[0].values}
    with pytest.raises(ValueError, match="other settings"):
        fit_slicegan([section], folder, planes=["yx"], phases=phases, config=TINY, seed=1)


def test_the_model_gives_wanted_fractions_with_a_period(section, fitted):
    folder, fit = fitted
    entry = ImageEntry(name="s", digest=section.digest, shape=section.shape, plane="yx")
    settings = MicrostructureSettings(
        method="slicegan",
        greys=(0.0, 7.0),
        fractions=(0.6, 0.4),
        deviations=(None, None),
        voxel_size_um=(1.0, 1.0, 1.0),
        tile=fit.tile,
        images=(entry,),
        details=fit.details,
        recipe={},
    )
    MicrostructureModel(folder, settings).save()
    model = MicrostructureModel.open(folder)
    sampler = slicegan_sampler(
        model, Shares(model.wanted({1: 0.25})), seed=5, period=(64, 64, 64), tile=(16, 16, 16)
    )
    found = sampler((-32, 0, 0), (96, 64, 64))
    assert abs((found == 1).mean() - 0.25) < 0.02
    assert np.array_equal(found[:32], found[64:])
    assert model.settings.details["isotropic"]
    assert sum(model.settings.details["unbiased"]) == pytest.approx(1)
    assert model.settings.details["smoothing"] in WIDTHS
    assert sampler.smoothing == model.settings.details["smoothing"]
    altered = settings.model_copy(update={"details": fit.details | {"weights": "other"}})
    with pytest.raises(OSError, match="must hold the weights that the model was fitted with"):
        slicegan_sampler(MicrostructureModel(folder, altered), Shares((0.5, 0.5)))


def test_crops_are_cut_when_they_are_needed(section, phases, monkeypatch):
    settings = CropSettings(16, 3, critic_steps=2, steps=2, seed=4)
    sources = sources_of(["yx"], isotropic=True)
    held = list(SliceCrops([section], phases, sources, settings)(1))
    assert [tuple(each.shape) for each in held] == [(2, 3, 3, 16, 16)] * 2
    codes = phases.codes(section.read())[0]
    windows = np.lib.stride_tricks.sliding_window_view(codes, (16, 16))
    assert any(np.array_equal(each, held[0][0, 0, 0]) for row in windows for each in row)
    monkeypatch.setattr(crops_module, "HELD_BYTES", 0)
    read = list(SliceCrops([section], phases, sources, settings)(1))
    assert all(torch.equal(a, b) for a, b in zip(held, read, strict=True))
    other = next(SliceCrops([section], phases, sources, settings)(2))
    assert not torch.equal(other, read[0])


def test_slices_of_a_volume_are_those_of_their_axis(new_path):
    z = np.indices((18, 20, 22))[0]
    volume = volume_from_array((z % 2).astype(np.uint8), new_path())
    sources = sources_of([None], isotropic=False)
    assert sources == [[(0, 0)], [(0, 1)], [(0, 2)]]
    found = SliceCrops([volume], phase_map(volume), sources, CropSettings(16, 2, 1, 1))
    across_z, across_y, across_x = found.drawn((0, 0, 0), 4)
    assert np.ptp(across_z, axis=(1, 2)).max() == 0
    for each in (across_y, across_x):
        assert np.array_equal(each, np.broadcast_to(each[:, :, :1], each.shape))
        assert (each[:, 1:] != each[:, :-1]).all()


def test_images_stand_for_directions():
    assert sources_of(["yx"], isotropic=True) == [[(0, 0)]] * 3
    assert sources_of(["yx", "zx"], isotropic=False) == [[(0, 0)], [(1, 0)], [(1, 0)]]
    assert sources_of(["zy", "zx"], isotropic=False) == [[], [(1, 0)], [(0, 0)]]
    with pytest.raises(ValueError, match="`isotropic` must be true"):
        sources_of(["zx"], isotropic=False)


@pytest.mark.parametrize(
    ("isotropic", "directions", "critics"),
    [(True, [1, 1, 1], 1), (False, [1, 1, 1], 3), (False, [0, 1, 1], 2)],
)
def test_critics_by_direction(isotropic, directions, critics, monkeypatch):
    task = SliceGan(TINY, shape_of(TINY), directions, isotropic=isotropic)
    assert len(task.critics) == critics
    stepped = []
    original = SliceGan._descend

    def descend(self, name, loss):
        stepped.append(name)
        return original(self, name, loss)

    monkeypatch.setattr(SliceGan, "_descend", descend)
    losses = task.step(torch.zeros(2, 3, 3, 16, 16, dtype=torch.uint8))
    count = sum(directions)
    numbers = [0] * count if isotropic else range(count)
    assert stepped == [f"critic_{k}" for k in numbers] * 2 + ["generator"]
    assert all(np.isfinite(value) for value in losses.values())


def test_the_penalty_is_that_of_slopes():
    critic = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2 * 16, 1))
    slices = torch.rand(5, 2, 4, 4)
    slope = critic[1].weight.norm()
    found = gradient_penalty(traced_slopes(critic), slices, slices[:3])
    torch.testing.assert_close(found, (slope - 1) ** 2)
    found.backward()
    assert critic[1].weight.grad is not None


def test_slices_and_pairs():
    volume = torch.arange(2 * 3 * 4 * 4 * 4, dtype=torch.float32).reshape(2, 3, 4, 4, 4)
    assert torch.equal(slices_across(volume, 1)[5], volume[1, :, :, 1])
    stripes = one_hot(torch.arange(8).remainder(2).expand(1, 8, 8), 2)
    rows, columns = pair_shares(stripes, 2)
    torch.testing.assert_close(rows[0], torch.tensor([0.5, 0.0, 0.5]))
    torch.testing.assert_close(columns[0], torch.tensor([0.5, 0.5, 0.5]))


def test_bad_settings_are_refused(section, phases, tmp_path):
    with pytest.raises(ValueError, match="must be at least 64 voxels wide"):
        fit_slicegan([section], tmp_path, planes=["yx"], phases=phases)
    with pytest.raises(ValueError, match="slices of a multiple of 32 voxels"):
        SliceGan(SliceGanConfig(critic=(4, 8)), SliceGanShape(2), [True] * 3, isotropic=True)
    small = small_slicegan()
    assert SliceGan(small, shape_of(small), [True] * 3, isotropic=True).latents >= 3
    assert SliceCritic(2, small.critic)(torch.zeros(1, 2, 32, 32)).shape == (1,)
