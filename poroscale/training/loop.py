"""The training loop: epochs of steps, a checkpoint after each, and a resume that changes nothing.

Every step's randomness is keyed by seed, epoch and step. So a run that was killed and goes on from
its last checkpoint comes to the same weights as one that was not. The weights of the best epoch are
written before its checkpoint: an epoch that is done again writes them again.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from poroscale.engine.plan import keep_memory
from poroscale.events import Event, Progress
from poroscale.training.metrics import Metrics
from poroscale.training.schedule import Schedule
from poroscale.training.weights import load_weights, save_weights

log = logging.getLogger("poroscale.training")

CHECKPOINTS = ("checkpoint_0.safetensors", "checkpoint_1.safetensors")
"""Written alternately: if a kill falls between one and its card, the other is still whole."""
BEST = "best.safetensors"
VALIDATED = "validation."
"""Prefix of the names of validation losses in a history."""
Batch = TypeVar("Batch")
Given_contra = TypeVar("Given_contra", contravariant=True)
History = list[dict[str, float]]


class Task(Protocol[Given_contra]):
    """The contract of a network that is trained.

    Attributes
    ----------
    modules, optimisers
        Modules and optimisers by name; all that a checkpoint holds.
    """

    @property
    def modules(self) -> Mapping[str, nn.Module]: ...  # noqa: D102
    @property
    def optimisers(self) -> Mapping[str, Optimizer]: ...  # noqa: D102

    def step(self, batch: Given_contra) -> dict[str, float]:
        """One step; returns its losses."""
        ...


@dataclass(frozen=True)
class Validation(Generic[Batch]):
    """Judgement of a network after every epoch.

    Attributes
    ----------
    batches
        Gives the same batches each time.
    judge
        The losses of one batch; it changes no weights.
    """

    batches: Callable[[], Iterator[Batch]]
    judge: Callable[[Batch], dict[str, float]]


def train(
    task: Task[Batch],
    batches: Callable[[int], Iterator[Batch]],
    folder: Path,
    *,
    schedule: Schedule,
    recipe: Mapping[str, Any],
    validation: Validation[Batch] | None = None,
    progress: Progress | None = None,
) -> History:
    """Train, or go on training.

    Parameters
    ----------
    task
        Networks, optimisers and a step.
    batches
        Gives the batches of an epoch; must be a function of the epoch alone.
    folder
        Keeps the checkpoint, the weights of the best epoch where the schedule has one, and the
        losses as JSON lines.
    schedule
        Schedule of the training.
    recipe
        JSON that tells data and settings; a checkpoint of another recipe is refused.
    validation
        Losses that are not trained on; they stand in the history as "validation.NAME".
    progress
        Called after each epoch, with its mean losses.

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
    keep_memory()
    folder.mkdir(parents=True, exist_ok=True)
    stopping = schedule.stopping
    history = _resume(task, folder, recipe)
    if len(history) > schedule.epochs:
        log.warning(
            "trained for %d epochs before, more than the %d asked for: nothing is trained",
            len(history),
            schedule.epochs,
        )
    metrics = Metrics(folder, history, tensorboard=schedule.tensorboard)
    for epoch in range(len(history), schedule.epochs):
        if stopping is not None and stopping.ends(history):
            break
        means = _means(task.step, batches(epoch), schedule.seed, epoch)
        if validation is not None:
            found = _means(validation.judge, validation.batches(), schedule.seed, -1)
            means |= {f"{VALIDATED}{name}": value for name, value in found.items()}
        if not all(math.isfinite(value) for value in means.values()):
            bad = ", ".join(name for name, value in means.items() if not math.isfinite(value))
            raise FloatingPointError(
                f"training came to a loss that is not finite in epoch {epoch + 1}: {bad}; lower "
                "the learning rate"
            )
        history.append(means)
        card = {"recipe": dict(recipe), "history": history}
        if stopping is not None and stopping.best_epoch(history) == epoch:
            save_weights(folder / BEST, _weights(task), {"recipe": dict(recipe), "epoch": epoch})
        metrics.add(epoch, means)
        save_weights(folder / CHECKPOINTS[epoch % 2], _weights(task) | _moments(task), card)
        log.debug("epoch %d of %d: %s", epoch + 1, schedule.epochs, means)
        if progress is not None:
            progress(Event("epoch", "", epoch + 1, schedule.epochs, means))
    metrics.close()
    return history


def _means(
    act: Callable[[Batch], dict[str, float]], batches: Iterable[Batch], seed: int, epoch: int
) -> dict[str, float]:
    """Mean losses of batches, each with a randomness of its own."""
    sums: dict[str, float] = {}
    count = 0
    for number, batch in enumerate(batches):
        torch.manual_seed(_key(seed, epoch, number))
        for name, value in act(batch).items():
            sums[name] = sums.get(name, 0.0) + value
        count += 1
    return {name: value / max(1, count) for name, value in sums.items()}


def best_weights(folder: Path, name: str, recipe: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights of the module `name` in the best epoch of a training with early stopping.

    Raises
    ------
    FileNotFoundError
        If there are none.
    ValueError
        If they are of another recipe.
    """
    tensors, card = load_weights(folder / BEST)
    if card["recipe"] != dict(recipe):
        raise ValueError(f"{folder / BEST} was trained on other data or with other settings")
    return _of_module(tensors, name)


def _key(seed: int, epoch: int, step: int) -> int:
    return (seed * 1_000_003 + epoch) * 1_000_003 + step & (1 << 63) - 1


def _weights(task: Task[Any]) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": value
        for name, module in task.modules.items()
        for key, value in module.state_dict().items()
    }


def _of_module(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _moments(task: Task[Any]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, optimiser in task.optimisers.items():
        for number, state in optimiser.state_dict()["state"].items():
            for key, value in state.items():
                found[f"optimiser.{name}.{number}.{key}"] = torch.as_tensor(value).clone()
    return found


def _resume(task: Task[Any], folder: Path, recipe: Mapping[str, Any]) -> History:
    found = _latest(folder)
    if found is None:
        return []
    tensors, card = found
    if card["recipe"] != dict(recipe):
        raise ValueError(f"{folder} was trained on other data or with other settings; remove it")
    for name, module in task.modules.items():
        module.load_state_dict(_of_module(tensors, name))
    for name, optimiser in task.optimisers.items():
        _restore(optimiser, tensors, f"optimiser.{name}.")
    return list(card["history"])


def _latest(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The checkpoint with the most epochs; OSError if there are some and none is whole."""
    whole: list[tuple[dict[str, Tensor], dict[str, Any]]] = []
    problem: OSError | None = None
    for name in CHECKPOINTS:
        try:
            whole.append(load_weights(folder / name))
        except FileNotFoundError:
            continue
        except OSError as error:
            problem = error
    if problem is not None and not whole:
        raise problem
    return max(whole, key=lambda each: len(each[1]["history"]), default=None)


def _restore(optimiser: Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix):
            number, name = key.removeprefix(prefix).split(".")
            state.setdefault(int(number), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    # A fused step goes through the memory: moments must lie there as their weights do.
    for weight, moments in optimiser.state.items():
        for name, value in moments.items():
            if value.shape == weight.shape:
                moments[name] = torch.empty_like(weight).copy_(value)
