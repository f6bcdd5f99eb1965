"""One step of the published training, and what each switch beyond it does."""

from functools import partial

import numpy as np
import pytest
import torch

from poroscale.micrographs.gan.batches import ChipBatch
from poroscale.micrographs.gan.levels import GreyWindow
from poroscale.micrographs.gan.training import MicrographGan, gan_shape, moved_codes, trained_on
from poroscale.networks.acwgan.losses import condition_loss
from poroscale.networks.adversarial.penalty import gradient_penalty
from tests.micrographs.conftest import TINY

WINDOW = GreyWindow(0, 255, 8)
CLASSES = (2, 0)


def task_of(steps=1, **changes):
    config = TINY.model_copy(update={"average": 0.0, **changes})
    torch.manual_seed(0)
    shape, areas = gan_shape(config, CLASSES), torch.full((4, 10), 0.1)
    return MicrographGan(
        config, shape, 32, window=WINDOW, areas=areas, names=("t", "f"), steps=steps
    )


def batch_of(steps=2, count=6):
    draw = torch.Generator().manual_seed(5)
    chips = torch.randint(0, 256, (steps, count, 32, 32), generator=draw, dtype=torch.int32)
    codes = torch.stack(
        [
            torch.randint(-1, 2, (steps, count), generator=draw).float(),
            torch.rand(steps, count, generator=draw),
        ],
        dim=2,
    )
    return ChipBatch(chips, codes, torch.randint(0, 4, (steps, count), generator=draw))


def weights(module):
    return torch.cat([each.detach().flatten() for each in module.parameters()])


def step(task, seed=3, batch=None):
    torch.manual_seed(seed)
    return task.step(batch or batch_of())


def test_the_loss_of_the_critic_is_the_published_one():
    """10 times the penalty and 5 times the heads, less the distance: its gradient moves it."""
    config = {"critic_steps": 1, "generator_classification": 0.0}
    task, batch = task_of(**config), batch_of(1)
    seen = {}
    task._descend = lambda name, loss: seen.update({name: loss})
    told = step(task, batch=batch)
    assert task.config.penalty == 10
    assert task.config.classification == 5
    expected = 10 * told["penalty"] + 5 * told["heads"] - told["distance"]
    assert float(seen["critic"].detach()) == pytest.approx(expected, rel=1e-5)
    assert float(seen["generator"].detach()) == pytest.approx(told["generator"], rel=1e-5)
    # The same numbers, computed here from the networks.
    torch.manual_seed(3)
    real = WINDOW.to_unit(batch.chips[0])[:, None]
    with torch.no_grad():
        made, _ = task._made(batch.codes[0])
    codes = batch.codes[0]
    scores, heads = task.critic(real, codes)
    distance = scores.mean() - task.critic.scores(made, codes).mean()
    assert told["distance"] == pytest.approx(float(distance.detach()), rel=1e-4)
    wrong = condition_loss(heads, batch.codes[0], CLASSES)
    assert told["heads"] == pytest.approx(float(wrong.detach()), rel=1e-4)
    penalty = gradient_penalty(partial(task.critic.slopes, codes=codes), real, made)
    assert told["penalty"] == pytest.approx(float(penalty.detach()), rel=1e-4)


def test_a_step_moves_both_networks_by_adamw():
    task = task_of()
    before = {name: weights(module) for name, module in task.modules.items()}
    told = step(task)
    for name, module in task.modules.items():
        assert (weights(module) != before[name]).float().mean() > 0.9
        assert isinstance(task.optimisers[name], torch.optim.AdamW)
    assert all(np.isfinite(value) for value in told.values())
    assert {*told} == {"distance", "penalty", "heads", "generator", "told"}
    assert all(each.requires_grad for each in task.critic.parameters())


def test_heads_learn_what_chips_show():
    """Bright chips are the first level, dark ones the second."""
    task = task_of(critic_steps=1, learning_rate=1e-2)
    levels = torch.tensor([200, 40] * 6)
    chips = levels[:, None, None].expand(-1, 32, 32)[None].to(torch.int32)
    codes = torch.stack([(levels < 100).float(), levels / 200], dim=1)[None]
    batch = ChipBatch(chips, codes, torch.zeros(1, 12, dtype=torch.int64))
    first = step(task, batch=batch)["heads"]
    for k in range(12):
        last = step(task, seed=k, batch=batch)["heads"]
    assert last < 0.5 * first
    assert task.judge(batch)["real_t"] == 1.0


def test_the_average_follows_the_generator():
    task = task_of(average=0.75)
    start = weights(task.generator)
    step(task)
    torch.testing.assert_close(
        weights(task.kept), 0.75 * start + 0.25 * weights(task.generator), atol=1e-6, rtol=0
    )
    assert task_of().kept is not None
    plain = task_of()
    assert plain.kept is plain.generator


def test_each_switch_tells_its_term():
    assert "area" not in step(task_of())
    assert step(task_of(area=2.0))["area"] > 0
    assert step(task_of(consistency=10.0))["consistency"] > 0


def test_consistency_lowers_what_turning_changes():
    """The same steps with a factor of ten: the scores of chips depend less on how they lie."""
    batch = batch_of(1, 6)
    ramp = torch.linspace(0, 255, 32).to(torch.int32).expand(6, 32, 32)
    batch = ChipBatch(ramp[None].contiguous(), batch.codes, batch.settings)
    apart = []
    for factor in (0.0, 10.0):
        task = task_of(critic_steps=1, consistency=factor, learning_rate=2e-2)
        for k in range(7):
            step(task, seed=k, batch=batch)
        torch.manual_seed(0)
        real = WINDOW.to_unit(batch.chips[0])[:, None]
        apart.append(float(task._inconsistency(real, batch.codes[0]).detach()))
    assert apart[1] < 0.3 * apart[0]


def test_the_area_term_moves_the_generator_to_the_shares_of_its_settings():
    """Alone, without what the critic says, it brings the shares of the area near."""
    task = task_of(area=1.0, generator_classification=0.0, learning_rate=2e-2, critic_steps=1)
    task.areas[:] = torch.linspace(0.9, 0.05, 10)
    batch = batch_of(1, 12)
    task._criticise = lambda _real, _codes, last: {}
    task.critic.score.weight.data.zero_()
    first = step(task, batch=batch)["area"]
    for k in range(12):
        last = step(task, seed=k, batch=batch)["area"]
    assert last < 0.5 * first


def test_augmentation_is_applied_to_real_and_made_chips():
    batch = batch_of()
    plain, turned = step(task_of(), batch=batch), step(task_of(augment=("cutout",)), batch=batch)
    assert plain["distance"] != turned["distance"]
    seen = []
    task = task_of(augment=("cutout",), critic_steps=1)
    scores = task.critic.scores
    task.critic.scores = lambda images, codes: seen.append(images) or scores(images, codes)
    task._criticise(WINDOW.to_unit(batch.chips[0])[:, None], batch.codes[0], last=True)
    assert (seen[0] == 0).flatten(1).sum(dim=1).min() > 0  # a hole in every made chip


def test_continuous_conditions_are_moved_within_their_span():
    codes = torch.stack([torch.tensor([0.0, 1.0, -1.0]), torch.tensor([0.0, 0.5, 1.0])], dim=1)
    torch.manual_seed(0)
    moved = moved_codes(codes.repeat(200, 1), CLASSES, 0.1)
    assert (moved[:, 0] == codes.repeat(200, 1)[:, 0]).all()
    shift = (moved - codes.repeat(200, 1))[1::3, 1]
    assert float(shift.std()) == pytest.approx(0.1, rel=0.15)
    assert moved[:, 1].min() >= 0
    assert moved[:, 1].max() <= 1
    assert moved_codes(codes, CLASSES, 0.0) is codes
    assert moved_codes(codes, (2, 3), 0.5) is codes


def test_mixed_precision_runs_in_half_and_keeps_the_penalty_whole():
    task = task_of(mixed=True)
    kinds = []
    task.generator.layers[0].register_forward_hook(lambda *a: kinds.append(a[2].dtype))
    told, plain = step(task), step(task_of())
    assert set(kinds) == {torch.bfloat16}
    assert told["distance"] == pytest.approx(plain["distance"], abs=0.05)
    assert told["penalty"] == pytest.approx(plain["penalty"], rel=0.1)
    assert {each.dtype for each in task.generator.parameters()} == {torch.float32}


def test_the_ablation_trains_a_resnet():
    task = task_of(critic_kind="resnet18", critic=(8, 8, 8, 8))
    before = weights(task.critic)
    assert all(np.isfinite(value) for value in step(task).values())
    assert (weights(task.critic) != before).float().mean() > 0.9


def test_one_noise_as_published():
    task = task_of(latents="one", shared=0, generator=(8, 6, 4))
    told = step(task)
    assert all(np.isfinite(value) for value in told.values())
    with torch.no_grad():
        assert task._made(torch.zeros(3, 2))[0].shape == (3, 1, 32, 32)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_there():
    with pytest.raises(ValueError, match="`device` must be cpu on this machine"):
        trained_on("cuda")


def test_levels_go_to_the_unit_and_back():
    window = GreyWindow(300, 4000, 16)
    levels = torch.arange(300, 4001, dtype=torch.int32)
    unit = window.to_unit(levels)
    assert float(unit[0]) == -1
    assert float(unit[-1]) == 1
    np.testing.assert_array_equal(window.to_levels(unit.numpy()), levels.numpy())
    assert window.dtype == np.uint16


def test_the_strength_of_the_grain_is_learnt():
    task = task_of(grain=1)
    before = [each.detach().clone() for each in task.generator.strength.parameters()]
    texture = weights(task.generator.texture)
    step(task)
    assert (weights(task.generator.texture) != texture).any()
    after = task.generator.strength.parameters()
    assert any((one != other).any() for one, other in zip(before, after, strict=True))


def test_the_rate_falls_in_a_straight_line_at_the_end():
    task, rates = task_of(steps=4, decay=0.5, topology=1.0), []
    for _ in range(4):
        step(task)
        rates.append({g["lr"] for each in task.optimisers.values() for g in each.param_groups})
    assert rates == [{1e-3}, {1e-3}, {1e-3}, {5e-4}]
    before = weights(task.generator).clone()
    step(task)
    assert torch.equal(weights(task.generator), before)


def test_a_vicinity_that_moves_nothing_is_refused():
    config = TINY.model_copy(update={"vicinity": 0.1})
    shape, areas = gan_shape(config, (2, 3)), torch.full((4, 10), 0.1)
    with pytest.raises(ValueError, match="`vicinity` must be 0 without a continuous condition"):
        MicrographGan(config, shape, 32, window=WINDOW, areas=areas, names=("t", "f"))
