"""Training: targets by direction, steps, a loss that falls, and a resume that changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from poroscale.kernels.noise import correlated_noise
from poroscale.microstructure.swnn_training import targets as module
from poroscale.microstructure.swnn_training import train as train_module
from poroscale.microstructure.swnn_training.patterns import patterns_of
from poroscale.microstructure.swnn_training.recipe import RECIPES, STEPS, SwnnRecipe
from poroscale.microstructure.swnn_training.targets import (
    coarse_of_sections,
    image_target,
    of_conditions,
    of_one_deviation,
    pattern_codes,
    sections_by_axis,
    wanted_target,
)
from poroscale.microstructure.swnn_training.task import SwnnTask
from poroscale.microstructure.swnn_training.train import depth_of, trained_swnn
from poroscale.networks.swnn import SwnnShape

SHAPE = SwnnShape(depth=2, width=4)
SLABS = SwnnRecipe(iterations=2 * STEPS + 3, learning_rate=0.02, filters=8, edge=12)
CUBE = replace(SLABS, cube=True, edge=10, patterns=200, falling=True)


def image(levels=(0.4,), seed=1):
    field = correlated_noise((0, 0, 0), (1, 24, 24), seed=seed, sigma=1.2)[0]
    return np.digitize(field, levels).astype(np.uint8)


def targets_of(sections, phases=2, template=3):
    codes = {
        axis: pattern_codes(each, template, seed=0, axis=axis)
        for axis, each in sections_by_axis(sections).items()
    }
    return codes, image_target(codes, phases)


def test_one_section_stands_for_all_directions():
    _, target = targets_of([(0, image())])
    assert set(target.patterns) == {0, 1, 2}
    assert all(torch.equal(each, target.patterns[0]) for each in target.patterns.values())
    assert target.patterns[0].shape == (22 * 22, 9)
    assert (target.mean, target.deviation) == (0, 1)
    assert sum(target.fractions) == pytest.approx(1)


def test_each_direction_has_the_image_of_its_plane():
    a, b, c = (image(seed=seed) for seed in (1, 2, 3))
    three = sections_by_axis([(0, a), (1, b), (2, c)])
    assert [three[axis][0] is each for axis, each in enumerate((a, b, c))] == [True] * 3
    two = sections_by_axis([(0, a), (2, c)])
    assert two[1][0] is c
    upright = sections_by_axis([(1, b), (2, c)])
    assert set(upright) == {1, 2}
    assert sections_by_axis([(0, a), (0, b)])[2][1] is b


def test_three_phases_have_three_levels():
    _, target = targets_of([(0, image((-0.5, 0.5)))], phases=3)
    assert target.patterns[0].unique().tolist() == [-1, 0, 1]


def test_a_large_image_gives_some_of_its_patterns(monkeypatch):
    monkeypatch.setattr(module, "MOST_PATTERNS", 50)
    first, second = image(seed=1), image(seed=2)
    some = pattern_codes([first, second], 3, seed=0, axis=0)
    assert some.shape == (50, 9)
    every = {tuple(row) for each in (first, second) for row in patterns_of(each, 3)}
    assert {tuple(row) for row in some} <= every
    assert np.array_equal(some, pattern_codes([first, second], 3, seed=0, axis=0))


def test_a_wanted_target_has_the_noise_of_its_patterns():
    codes, plain = targets_of([(0, image())])
    target = wanted_target(codes, 2, phase=1, wanted=0.2, seed=0)
    assert plain.fractions[1] > 0.25
    assert target.fractions[1] == pytest.approx(0.2, abs=0.01)
    grey = torch.cat([each.mean(dim=1) for each in target.patterns.values()])
    assert target.mean == pytest.approx(2 * 0.2 - 1, abs=0.02)
    assert target.deviation == pytest.approx(float(grey.std()))
    other = wanted_target(codes, 2, phase=1, wanted=0.5, seed=0)
    both = of_one_deviation([other, target])
    assert [each.mean for each in both] == [target.mean, other.mean]
    assert both[0].deviation == both[1].deviation


def test_the_published_recipe_is_that_of_the_paper():
    recipe = RECIPES["published"]
    assert (recipe.iterations, recipe.learning_rate, recipe.filters) == (2000, 0.05, 512)
    assert (recipe.edge, recipe.cube, recipe.patterns) == (128, False, None)
    assert recipe.rate(0) == recipe.rate(1999) == 0.05


def test_slabs_are_one_voxel_thick(monkeypatch):
    _, target = targets_of([(0, image())])
    task = SwnnTask(SHAPE, [target], SLABS, template=3)
    seen = []
    original = task.network.forward
    monkeypatch.setattr(
        task.network, "forward", lambda noise, _: seen.append(noise.shape) or original(noise)
    )
    task.step(0)
    assert [tuple(each) for each in seen] == [
        (1, 3, 5, 16, 16),
        (1, 3, 16, 5, 16),
        (1, 3, 16, 16, 5),
    ]


@pytest.mark.parametrize("recipe", [SLABS, CUBE], ids=["slabs", "cube"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_distance_falls(recipe, dimensions, tmp_path):
    _, target = targets_of([(0, image())])
    if dimensions == 2:
        target = replace(target, patterns={0: target.patterns[0]})
    history = []
    trained_swnn(
        [target],
        tmp_path,
        shape=replace(SHAPE, dimensions=dimensions),
        recipe=recipe,
        template=3,
        progress=lambda event: history.append(event.values["distance"]),
    )
    assert len(history) == 3
    assert history[-1] < 0.8 * history[0]


@pytest.mark.parametrize("conditions", [False, True], ids=["noise", "condition"])
def test_a_training_that_goes_on_comes_to_the_same_weights(tmp_path, conditions):
    codes, _ = targets_of([(0, image())])
    wanted = [wanted_target(codes, 2, phase=1, wanted=f, seed=0) for f in (0.5, 0.2)]
    targets = of_conditions(wanted, 1) if conditions else of_one_deviation(wanted)
    shape = replace(SHAPE, targets=2 if conditions else 0)

    def stop(event):
        raise KeyboardInterrupt

    def run(folder, progress=None):
        where = tmp_path / folder
        return trained_swnn(targets, where, shape=shape, recipe=CUBE, template=3, progress=progress)

    straight, distance = run("straight")
    with pytest.raises(KeyboardInterrupt):
        run("stopped", stop)
    resumed, again = run("stopped")
    assert distance == again
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.mark.parametrize("recipe", [SLABS, CUBE], ids=["slabs", "cube"])
def test_conditions_learn_their_fractions(recipe, tmp_path):
    codes, _ = targets_of([(0, image())])
    wanted = [wanted_target(codes, 2, phase=1, wanted=f, seed=0) for f in (0.6, 0.2)]
    targets = of_conditions(wanted, 1)
    assert [each.fractions[1] for each in targets] == pytest.approx([0.2, 0.6], abs=0.01)
    assert {(each.mean, each.deviation) for each in targets} == {(0.0, 1.0)}
    shape = replace(SHAPE, targets=2)
    recipe = replace(recipe, iterations=3 * STEPS)
    network, _ = trained_swnn(targets, tmp_path, shape=shape, recipe=recipe, template=3)
    noise = torch.randn(1, 3, 24, 24, 24, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        means = [float(network(noise, [k]).mean()) for k in (0, 1)]
    assert means[1] > means[0] + 0.4  # by 0.8 in the patterns


def coarse_of(sections, steps, phases=2):
    by_axis = sections_by_axis(sections)
    return [
        {
            axis: coarse_of_sections(each, 3, step, phases, seed=0, axis=axis)
            for axis, each in by_axis.items()
        }
        for step in steps
    ]


@pytest.mark.parametrize("projections", ["normal", "orthogonal"])
def test_patterns_of_several_scales_are_learnt_together(projections, tmp_path):
    codes, _ = targets_of([(0, image())])
    coarse = coarse_of([(0, image())], (2,))
    target = image_target(codes, 2, coarse)
    assert target.at_scale(1, 0).shape == (19 * 19, 9)
    recipe = replace(CUBE, scales=2, projections=projections)
    recipe.check(3, 24)
    history = []
    trained_swnn(
        [target],
        tmp_path,
        shape=SHAPE,
        recipe=recipe,
        template=3,
        progress=lambda event: history.append(event.values["distance"]),
    )
    assert history[-1] < 0.9 * history[0]
    with pytest.raises(ValueError, match=r"`scales` must be fewer than 3: .* spans 12 voxels"):
        replace(CUBE, scales=3).check(3, 24)


def test_coarse_patterns_are_resampled_for_a_fraction():
    codes, _ = targets_of([(0, image())])
    coarse = coarse_of([(0, image())], (2,))
    target = wanted_target(codes, 2, phase=1, wanted=0.2, seed=0, coarse=coarse)
    assert float(0.5 * (target.at_scale(1, 0).mean() + 1)) == pytest.approx(0.2, abs=0.02)


def test_a_training_ends_where_the_held_out_distance_stalls(tmp_path, monkeypatch):
    monkeypatch.setattr(train_module, "GAIN", 10.0)  # nothing is a gain but the first
    _, target = targets_of([(0, image())])
    recipe = replace(CUBE, iterations=8 * STEPS, patience=2)
    events = []

    def run(folder, progress):
        where = tmp_path / folder
        return trained_swnn(
            [target], where, shape=SHAPE, recipe=recipe, template=3, progress=progress
        )

    network, _ = run("straight", events.append)
    assert len(events) == 3
    assert all(event.values["validation.distance"] > 0 for event in events)

    def stop(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("stopped", stop)
    again, _ = run("stopped", None)
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_held_out_distance_changes_nothing():
    _, target = targets_of([(0, image())])
    task = SwnnTask(SHAPE, [target], SLABS, template=3)
    task.network.train()
    before = {name: value.clone() for name, value in task.network.state_dict().items()}
    task.judged(0)
    for name, value in task.network.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(value, before[name]), name


def test_a_training_of_something_else_is_refused(tmp_path):
    _, target = targets_of([(0, image())])
    _, other = targets_of([(0, image(seed=5))])
    recipe = replace(CUBE, iterations=1)
    trained_swnn([target], tmp_path, shape=SHAPE, recipe=recipe, template=3)
    with pytest.raises(ValueError, match="trained on other data"):
        trained_swnn([other], tmp_path, shape=SHAPE, recipe=recipe, template=3)


def test_the_depth_follows_from_the_autocorrelation_distance():
    lags = np.arange(40)
    dead_at_17 = np.where(lags < 17, 1 - lags / 18, 0.0)
    assert depth_of([dead_at_17], 7) == 8
    ringing = dead_at_17 + np.where(lags == 20, 0.1, 0)
    assert depth_of([dead_at_17, ringing], 7) == 10
    assert depth_of([np.where(lags < 2, 1.0, 0.0)], 7) == 4
    assert depth_of([np.ones(40)], 7) == 12
