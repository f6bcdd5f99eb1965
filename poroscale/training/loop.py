"""The training loop: epochs of steps, a checkpoint after each, and a resume that changes nothing.

Every step's randomness is keyed by seed, epoch and step. So a run that was killed and goes on from
its last checkpoint comes to the same weights as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from poroscale.training.weights import load_weights, save_weights

CHECKPOINT = "checkpoint.safetensors"
Batches = Callable[[int], Iterator[Tensor]]
"""The batches of an epoch."""


class Task(Protocol):
    """What is trained.

    Attributes
    ----------
    modules, optimisers
        By name; all that a checkpoint holds.
    """

    @property
    def modules(self) -> Mapping[str, nn.Module]: ...  # noqa: D102
    @property
    def optimisers(self) -> Mapping[str, Optimizer]: ...  # noqa: D102

    def step(self, batch: Tensor) -> dict[str, float]:
        """One step; returns its losses."""
        ...


def train(
    task: Task,
    batches: Batches,
    folder: Path,
    *,
    epochs: int,
    seed: int,
    recipe: Mapping[str, Any],
) -> list[dict[str, float]]:
    """Train, or go on training.

    Parameters
    ----------
    task
        Networks, optimisers and a step.
    batches
        Gives the batches of an epoch; must be a function of the epoch alone.
    folder
        Keeps the checkpoint.
    epochs
        In all.
    seed
        Of the steps.
    recipe
        JSON that tells data and settings; a checkpoint of another recipe is refused.

    Returns
    -------
    list of dict
        Mean losses of every epoch.

    Raises
    ------
    ValueError
        If the folder holds a checkpoint of another recipe.
    FloatingPointError
        If a loss is no longer finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CHECKPOINT
    history = _resume(task, path, recipe)
    for epoch in range(len(history), epochs):
        sums: dict[str, float] = {}
        count = 0
        for number, batch in enumerate(batches(epoch)):
            torch.manual_seed(_key(seed, epoch, number))
            for name, value in task.step(batch).items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
        means = {name: value / max(1, count) for name, value in sums.items()}
        if not all(math.isfinite(value) for value in means.values()):
            raise FloatingPointError(f"training came to a loss that is not finite: {means}")
        history.append(means)
        card = {"recipe": dict(recipe), "history": history}
        save_weights(path, _tensors(task), card)
    return history


def _key(seed: int, epoch: int, step: int) -> int:
    return (seed * 1_000_003 + epoch) * 1_000_003 + step & (1 << 63) - 1


def _tensors(task: Task) -> dict[str, Tensor]:
    found = {
        f"{name}.{key}": value
        for name, module in task.modules.items()
        for key, value in module.state_dict().items()
    }
    for name, optimiser in task.optimisers.items():
        for number, state in optimiser.state_dict()["state"].items():
            for key, value in state.items():
                found[f"optimiser.{name}.{number}.{key}"] = torch.as_tensor(value).clone()
    return found


def _resume(task: Task, path: Path, recipe: Mapping[str, Any]) -> list[dict[str, float]]:
    try:
        tensors, card = load_weights(path)
    except FileNotFoundError:
        return []
    if card["recipe"] != dict(recipe):
        raise ValueError(f"{path} was trained on other data or with other settings; remove it")
    for name, module in task.modules.items():
        prefix = f"{name}."
        own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        module.load_state_dict(own)
    for name, optimiser in task.optimisers.items():
        _restore(optimiser, tensors, f"optimiser.{name}.")
    return list(card["history"])


def _restore(optimiser: Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix):
            number, name = key.removeprefix(prefix).split(".")
            state.setdefault(int(number), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
