"""Training of a network of SWNN on images, with checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poroscale.events import Event, Progress
from poroscale.manifest import fingerprint
from poroscale.microstructure.swnn_training.recipe import STEPS, SwnnRecipe
from poroscale.microstructure.swnn_training.targets import Target
from poroscale.microstructure.swnn_training.task import HELD_OUT, SwnnSteps, SwnnTask
from poroscale.networks.swnn import Swnn, SwnnShape, depth_for
from poroscale.training import EarlyStopping, Schedule, Validation, best_weights, train
from poroscale.training.loop import VALIDATED

log = logging.getLogger("poroscale.microstructure")

TOLD = 5
"""Epochs after which a training says how far it is."""
DIED, STILL = 0.02, 4
"""A correlation has died away where it stays below this for so many lags."""
DEEPEST = 12
GAIN = 0.002
"""A held-out distance that falls by no more than this has not fallen."""
SMOOTHED, JUDGED = 3, 2
"""Epochs over which the held-out distance is averaged, and samples of each."""
VERSION = 1
"""Of the training: a change of what it computes raises it."""


def depth_of(correlations: Sequence[NDArray[np.float64]], template: int) -> int:
    """Convolutions of 3³ for a material (eq. 12).

    At least as many as let two ends of a pattern depend on each other, and at most `DEEPEST`.

    Parameters
    ----------
    correlations
        Radial correlations at lags 0, 1 ... voxels, by image and phase.
    template
        Edge of the patterns [voxels].
    """
    distance = max(_died_away(each) for each in correlations)
    least = ceil((template - 1) / 2) + 1
    return min(DEEPEST, max(least, depth_for(float(distance))))


def _died_away(correlation: NDArray[np.float64]) -> int:
    """First lag from which a correlation stays small; the last lag if there is none.

    Where a region has no pair of voxels at a lag, it tells of no correlation.
    """
    small = np.abs(np.nan_to_num(correlation)) < DIED
    for lag in range(1, len(small)):
        if small[lag : lag + STILL].all():
            return lag
    return max(1, len(small) - 1)


def trained_swnn(
    targets: Sequence[Target],
    folder: Path,
    *,
    shape: SwnnShape,
    recipe: SwnnRecipe,
    template: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Swnn, float]:
    """Train a network, or go on with its training.

    Parameters
    ----------
    targets
        Patterns and noise that are learnt together.
    folder
        Keeps the checkpoints and the distances of all epochs.
    shape
        Architecture.
    recipe
        Settings of the training.
    template
        Edge of the patterns [voxels].
    seed
        Number from which weights and noise are drawn.
    progress
        Called after each epoch.

    Returns
    -------
    network, distance
        The network, and the mean sliced-Wasserstein distance of its last epoch.

    Raises
    ------
    ValueError
        If the folder holds a training of something else.
    """
    torch.manual_seed(seed)
    task = SwnnTask(shape, targets, recipe, template=template)
    task.network.train()
    stopping = validation = None
    if recipe.patience is not None:
        stopping = EarlyStopping(f"{VALIDATED}{HELD_OUT}", GAIN, recipe.patience, SMOOTHED)
        validation = Validation(lambda: iter(range(JUDGED)), task.judged)
    told = _recipe(targets, shape, recipe, template=template, seed=seed)
    history = train(
        task,
        SwnnSteps(recipe.iterations),
        folder,
        schedule=Schedule(recipe.epochs, seed, stopping),
        recipe=told,
        validation=validation,
        progress=_told_too(progress, recipe),
    )
    if stopping is not None:
        task.network.load_state_dict(best_weights(folder, "network", told))
        log.info("%d epochs, of which the best is %d", len(history), stopping.best_epoch(history))
    network = task.steadied() if recipe.cube else task.network
    return network.eval(), history[-1]["distance"]


def _told_too(progress: Progress | None, recipe: SwnnRecipe) -> Progress:
    def tell_epoch(event: Event) -> None:
        if event.done % TOLD == 0 or event.done == event.total:
            done = min(event.done * STEPS, recipe.iterations)
            distance = event.values["distance"]
            log.info("%d of %d iterations: distance %.4f", done, recipe.iterations, distance)
        if progress is not None:
            progress(event)

    return tell_epoch


def _recipe(
    targets: Sequence[Target], shape: SwnnShape, recipe: SwnnRecipe, *, template: int, seed: int
) -> dict[str, Any]:
    return {
        "training": "swnn",
        "version": VERSION,
        "network": shape.recipe,
        "recipe": _recipe_words(recipe),
        "template": template,
        "seed": seed,
        "targets": [_told(each) for each in targets],
    }


def _recipe_words(recipe: SwnnRecipe) -> dict[str, Any]:
    """Settings of a recipe; a training without the lineal path is told as it was before it."""
    found = asdict(recipe)
    if not recipe.lineal_path:
        del found["lineal_path"]
    return found


def _told(target: Target) -> Mapping[str, Any]:
    found: dict[str, Any] = {"patterns": _digests(target.patterns)}
    found |= {"mean": target.mean, "deviation": target.deviation}
    for name, levels in (
        ("coarse", target.coarse),
        ("s2", [target.s2]),
        ("lineal", [target.lineal]),
    ):
        told = [_digests(each) for each in levels if each]
        found |= {name: told} if told else {}
    return found


def _digests(tensors: Mapping[int, Tensor]) -> dict[str, str]:
    return {
        str(axis): fingerprint(np.ascontiguousarray(each.numpy()).data)[1]
        for axis, each in sorted(tensors.items())
    }
