"""S2 in the loss of the generator, and the running average of its weights."""

import numpy as np
import pytest
import torch

from poroscale.engine import volume_from_array
from poroscale.microstructure.slicegan import judge as judge_module
from poroscale.microstructure.slicegan import training
from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.microstructure.slicegan.crops import CropSettings, SliceCrops, sources_of
from poroscale.microstructure.slicegan.judge import SliceJudge, wanted_pairs
from poroscale.microstructure.slicegan.pairs import (
    PairTerm,
    pair_shares,
    pairs_at,
    place_means,
    place_term,
)
from poroscale.microstructure.slicegan.training import (
    SliceGan,
    decided_share,
    one_hot,
)
from poroscale.networks.adversarial.averaging import running_average
from poroscale.networks.slicegan.generator import SliceGanShape
from poroscale.statistics.phases import phase_map

TINY = SliceGanConfig(
    latent=3, generator=(6,), critic=(4, 8), critic_steps=1, batch=4, critic_batch=2, crops=3,
    slices=6, pairs=1e4, average=0.5, learning_rate=1e-2,
)  # fmt: skip


def noise(share, count, edge=16, seed=0):
    torch.manual_seed(seed)
    return one_hot((torch.rand(count, edge, edge) < share).long(), 2)


def test_chance_in_few_volumes_is_no_fault():
    """Of samples of the wanted medium the term is zero on average; their mean square is not."""
    wanted = torch.tensor([[0.7, *[0.49] * 3], [0.3, *[0.09] * 3]]).expand(2, 2, 4)
    term = PairTerm({0: wanted})
    values, squares = [], []
    for seed in range(600):
        slices = noise(0.3, 4, edge=8, seed=seed)
        values.append(float(term(slices, 0, [0, 1, 3])))
        squares.append(float(((pairs_at(slices, [0, 1, 3]) - wanted[..., [0, 1, 3]]) ** 2).mean()))
    assert abs(np.mean(values)) < 3 * np.std(values) / 600**0.5
    assert np.mean(squares) > 5 * abs(np.mean(values))
    other = [float(term(noise(0.5, 4, edge=8, seed=k), 0, [0, 1, 3])) for k in range(20)]
    assert np.mean(other) > 0.01


def test_lags_of_a_step_hold_the_shortest():
    term = PairTerm({0: torch.zeros(2, 2, 25)})
    torch.manual_seed(3)
    lags = term.lags()
    assert lags[:2] == [0, 1]
    assert len(lags) == len(set(lags)) == 10
    assert max(lags) <= 24
    assert PairTerm({0: torch.zeros(2, 2, 3)}).lags() == [0, 1, 2]


def test_wanted_pairs_are_those_of_whole_images(new_path, monkeypatch):
    image = (np.random.default_rng(1).random((3, 40, 50)) < 0.3).astype(np.uint8)
    volume = volume_from_array(image, new_path())
    sources = sources_of([None], isotropic=False)
    crops = SliceCrops([volume], phase_map(volume), sources, CropSettings(2, 1, 1, 1))
    found = wanted_pairs(crops, SliceGanShape(2), 1)
    torch.testing.assert_close(found[0], pair_shares(one_hot(torch.from_numpy(image), 2), 1))
    assert found[2][1, 1, 0] == pytest.approx(image.mean())
    monkeypatch.setattr("poroscale.microstructure.slicegan.crops.WINDOW", 16)
    monkeypatch.setattr("poroscale.microstructure.slicegan.crops.SEEN_PIXELS", 4 * 256)
    parts = list(crops.windows((0, 0)))
    assert [part.shape for part in parts] == [(16, 16)] * 4
    assert len({part.tobytes() for part in parts}) == 4


def test_the_term_brings_fractions_near(monkeypatch):
    """A generator that knows nothing but S2 of the images comes to their fractions."""
    monkeypatch.setattr(training, "decided_share", lambda made: 1.0)
    wanted = {0: torch.tensor([[0.2, 0.04, 0.04], [0.8, 0.64, 0.64]]).expand(2, 2, 3)}
    torch.manual_seed(0)
    task = SliceGan(
        TINY, SliceGanShape(2, 3, (6,)), [True, False, False], isotropic=True, wanted=wanted
    )
    for each in task.critics[0].parameters():
        torch.nn.init.zeros_(each)  # a critic that says nothing, and learns nothing
    judge = SliceJudge(task, wanted)
    before = judge.judge(2)
    assert task.kept == "average"
    for step in range(40):
        torch.manual_seed(step)
        task.step(torch.zeros(1, 3, 3, 16, 16, dtype=torch.uint8))
    after = judge.judge(2)
    assert after["fraction"] < 0.5 * before["fraction"]
    assert {"s2", "surface", "connected", "repetition"} <= after.keys() | {"repetition"}


def test_the_average_follows_weights_and_statistics():
    shape = SliceGanShape(2, 3, (6,))
    task = SliceGan(TINY, shape, [True] * 3, isotropic=True, wanted={0: torch.zeros(2, 2, 3)})
    assert "average" not in task.optimisers
    one, other = (torch.nn.BatchNorm3d(2) for _ in range(2))
    torch.nn.init.constant_(other.weight, 3.0)
    other.running_mean += 1
    other.num_batches_tracked += 7
    running_average(one, other, 0.75)
    assert one.weight.tolist() == [1.5, 1.5]
    assert one.running_mean.tolist() == [0.25, 0.25]
    assert one.num_batches_tracked == 7


def test_the_last_layer_may_learn_faster():
    config = TINY.model_copy(update={"last_rate": 5.0, "pairs": 0.0, "generator_rate": 1e-3})
    task = SliceGan(config, SliceGanShape(2, 3, (6,)), [True] * 3, isotropic=True)
    layers = task.generator.convolutions
    before = [each.weight.detach().clone() for each in layers]
    task.step(torch.zeros(1, 3, 3, 16, 16, dtype=torch.uint8))
    first, last = (
        float((layer.weight.detach() - weight).abs().max())
        for layer, weight in zip(layers, before, strict=True)
    )
    assert first == pytest.approx(1e-3, rel=0.01)
    assert last == pytest.approx(5e-3, rel=0.01)


def test_mixtures_are_not_held_by_the_term():
    """Where all voxels hold the fractions S2 teaches nothing; where each is of one phase, all."""
    sharp = noise(0.3, 8)[..., None].expand(-1, -1, -1, -1, 4)
    assert decided_share(sharp) == pytest.approx(1, abs=1e-5)
    assert decided_share(torch.full((2, 2, 4, 4, 4), 0.5)) == 0
    half = 0.15 * torch.ones_like(sharp) + 0.7 * sharp
    assert 0 <= decided_share(half) < 0.5
    assert decided_share(torch.rand(2, 1, 4, 4, 4)) == 1


def test_places_that_differ_are_told_from_chance():
    torch.manual_seed(0)
    cell = torch.tensor([0.1, 0.3, 0.3, 0.5]).repeat(4)
    volumes = torch.rand(4, 1, 16, 16, 16) < cell
    means = place_means(volumes.float(), 4)
    assert means.shape == (1, 4, 4, 4)
    torch.testing.assert_close(means.mean(dim=(0, 1, 2)), cell[:4], atol=0.03, rtol=0)
    found = float(place_term(volumes.float(), 4))
    assert found == pytest.approx(float(cell[:4].var(correction=0)), rel=0.2)
    chance = [float(place_term((torch.rand(4, 1, 8, 8, 8) < 0.3).float(), 4)) for _ in range(200)]
    assert abs(np.mean(chance)) < 4 * np.std(chance) / 200**0.5


def test_the_judge_fits_biases_to_all_places(monkeypatch):
    """A phase at every second column has its fraction; a sample of even columns would miss it."""
    task = SliceGan(TINY, SliceGanShape(2, 3, (6,)), [True] * 3, isotropic=True)
    columns = torch.arange(64).remainder(2).float().expand(4, 64, 64, 64)
    made = torch.stack([torch.rand(4, 64, 64, 64) + 2 * columns, torch.ones(4, 64, 64, 64)], dim=1)
    monkeypatch.setattr(judge_module, "judged_scores", lambda task, count: made)
    wanted = torch.tensor([[0.75, *[0.5625] * 4], [0.25, *[0.0625] * 4]]).expand(2, 2, 5)
    phases = []
    monkeypatch.setattr(judge_module, "_connected", lambda each: phases.append(each) or 1.0)
    found = SliceJudge(task, dict.fromkeys(range(3), wanted)).judge(4)
    assert np.mean([each == 0 for each in phases]) == pytest.approx(0.75, abs=0.01)
    assert found["places"] == pytest.approx(0.25, abs=0.02)
