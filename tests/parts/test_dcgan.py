"""The GAN of pores: trained narrow, resumed, drawn, and refused when it collapses."""

import numpy as np
import pytest
import torch

from poroscale.engine import Run
from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.networks.dcgan import Critic, Generator, edge_of, widths_for
from poroscale.parts import dcgan
from poroscale.parts.bank import Bank
from poroscale.parts.dcgan import boxed, chosen_shapes, collected, dcgan_bank, drawn, trained
from poroscale.parts.dcgan_config import DcganConfig
from poroscale.training import load_weights
from tests.parts.makers import bank_of

NARROW = DcganConfig(generator=(16, 8), critic=(8, 16), epochs=3, learning_rate=2e-3, pores=96)


def weights_of(config, folder, bank):
    rows = np.flatnonzero((bank.shapes.extents <= 14).all(axis=1))
    return trained(bank, rows, folder, config=config, seed=0)


def test_published_networks_have_the_published_layers():
    generator, critic = Generator(), Critic()
    assert edge_of((512, 256, 128, 64)) == 64
    widths = [
        m.out_channels for m in generator.modules() if isinstance(m, torch.nn.ConvTranspose3d)
    ]
    assert widths == [512, 256, 128, 64, 2]
    widths = [m.out_channels for m in critic.modules() if isinstance(m, torch.nn.Conv3d)]
    assert widths == [16, 32, 64, 128, 1]
    config = DcganConfig()
    assert (config.batch, config.learning_rate, config.epochs) == (32, 2e-5, 40)
    assert widths_for(32, 64, 8) == (64, 32, 16)
    with pytest.raises(ValueError, match="edge of a box must be 8, 16, 32 or 64"):
        widths_for(24, 64, 8)


def test_networks_fit_each_other():
    generator, critic = Generator((16, 8)), Critic((8, 16))
    boxes = generator(torch.zeros(2, 100))
    assert boxes.shape == (2, 2, 16, 16, 16)
    assert torch.allclose(boxes.sum(dim=1), torch.ones(2, 16, 16, 16))
    assert critic(boxes).shape == (2,)


def test_training_that_was_ended_comes_to_the_same_weights(tmp_path):
    bank = bank_of(70, size=2.0)
    whole, _ = load_weights(weights_of(NARROW, tmp_path / "whole", bank))
    for epochs in (1, 3):  # ended after the first epoch, then gone on with
        ended = weights_of(NARROW.model_copy(update={"epochs": epochs}), tmp_path / "ended", bank)
    again, card = load_weights(ended)
    assert card["epochs"] == 3
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    other = NARROW.model_copy(update={"learning_rate": 1e-4})
    with pytest.raises(ValueError, match="trained on other data or with other settings"):
        weights_of(other, tmp_path / "ended", bank)


def test_boxes_do_not_depend_on_blocks(tmp_path):
    bank = bank_of(40, size=2.0)
    weights = weights_of(NARROW, tmp_path / "gan", bank)
    first = drawn(weights, tmp_path / "a.zarr", count=100, voxel=bank, seed=1)
    other = drawn(weights, tmp_path / "b.zarr", count=100, voxel=bank, seed=1, run=Run(workers=1))
    whole = first.read((0, 0, 0), first.shape)
    assert np.array_equal(whole, other.read((0, 0, 0), other.shape))
    fewer = drawn(weights, tmp_path / "c.zarr", count=40, voxel=bank, seed=1)
    assert np.array_equal(fewer.read((0, 0, 0), fewer.shape), whole[: 40 * 16])


def test_bodies_are_collected(as_volume):
    boxes = np.zeros((5, 16, 16, 16), np.uint8)
    boxes[0, 4:8, 4:8, 4:8] = 1
    boxes[0, 12, 12, 12] = 1  # a speck beside it is left out
    boxes[1, 0:4, 4:8, 4:8] = 1  # meets a face
    boxes[2, 5, 5, 5:7] = 1  # too small
    boxes[4, 3:6, 3:6, 3:6] = 1
    shapes = collected(as_volume(boxes.reshape(-1, 16, 16)), 16)
    assert shapes.voxel_counts().tolist() == [64, 27]


def test_collapsed_generators_are_refused():
    real = bank_of(200, seed=1, size=2.5)
    one = real.shapes.mask(int(real.table["voxel_count"].argmax()))
    with pytest.raises(ValueError, match=r"collapsed.*are twins"):
        chosen_shapes(Shapes.of([one] * 100), real)
    huge = np.ones((14, 14, 14), bool)
    with pytest.raises(ValueError, match="collapsed: of 50 pores 0 % are like real"):
        chosen_shapes(
            Shapes.of([huge] * 50),
            Bank.of(Shapes.of([np.ones((2, 2, k)) for k in range(2, 6)] * 9), (5.0,) * 3),
        )
    kept = chosen_shapes(bank_of(200, seed=2, size=2.5).shapes, real)
    assert kept.count > 150


def test_a_bank_needs_pores_that_fit(tmp_path):
    with pytest.raises(ValueError, match="a GAN needs 8 pores that fit a box of 16 voxels, got 3"):
        dcgan_bank(bank_of(3), tmp_path, config=NARROW)


def test_boxed_pores_stand_in_the_middle():
    box = boxed(np.ones((2, 4, 6), np.uint8), 16)
    assert np.argwhere(box).mean(axis=0) == pytest.approx([7.5, 7.5, 7.5])
    assert box.sum() == 48
    assert dcgan.LEAST_VOXELS == 3


@pytest.mark.slow
def test_training_brings_pores_near_the_real_ones(tmp_path):
    from scipy.stats import wasserstein_distance

    bank = bank_of(800, size=2.2)
    config = DcganConfig(
        generator=(64, 32), critic=(16, 32), epochs=12, learning_rate=1e-3, pores=512
    )
    made = dcgan_bank(bank, tmp_path, config=config)
    assert made.count > 300
    for name in ("volume_um3", "anisotropy"):
        spread = bank.table[name].std()
        assert wasserstein_distance(made.table[name], bank.table[name]) < 0.2 * spread
