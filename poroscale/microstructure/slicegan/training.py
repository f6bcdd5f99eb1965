"""Training of SliceGAN (Kench and Cooper 2021, Algorithms 1 and S1).

1. The generator makes volumes; each is cut into its slices across z, y and x.
2. A critic learns to tell these slices from crops of the image: a Wasserstein distance with a
   penalty of gradients. In an isotropic medium one critic sees all directions, one after the other;
   else each direction has its own.
3. After some steps of the critics, the generator learns to raise what they say of its slices.

Where text and code differ this follows the code: both batches are of one size (text: that of the
generator twice as large), the penalty is taken on a few slices of one volume, and as many crops as
these are real in a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.networks.slicegan.critic import SliceCritic, edge_of_slices
from poroscale.networks.slicegan.generator import LEAST_LATENTS, SliceGanShape, SliceGenerator

SPREAD = 0.02
"""Standard deviation of the first weights, as in other GANs of convolutions."""


class SliceGan:
    """Generator and critics with their optimisers, and one step of training.

    Parameters
    ----------
    config
        Networks and training.
    phases
        Number of phases.
    directions
        Of slices across z, y, x: whether they have a critic.
    isotropic
        Whether one critic sees all directions.

    Raises
    ------
    ValueError
        If the slices of the critic are no whole volumes of the generator.
    """

    def __init__(
        self, config: SliceGanConfig, phases: int, directions: Sequence[bool], *, isotropic: bool
    ) -> None:
        self.config, self.device = config, torch.device(config.device)
        shape = SliceGanShape(phases, config.latent, config.generator)
        self.latents = latents_of(shape, config)
        self.generator = SliceGenerator(shape).to(self.device)
        self.axes = [axis for axis in range(3) if directions[axis]]
        critics = 1 if isotropic else len(self.axes)
        self.critics = [SliceCritic(phases, config.critic).to(self.device) for _ in range(critics)]
        self.modules: dict[str, nn.Module] = {
            "generator": self.generator,
            **{f"critic_{k}": each for k, each in enumerate(self.critics)},
        }
        for module in self.modules.values():
            module.apply(_begin)
        self.optimisers: dict[str, Optimizer] = {
            name: Adam(module.parameters(), lr=config.learning_rate, betas=config.betas)
            for name, module in self.modules.items()
        }

    def step(self, batch: Tensor) -> dict[str, float]:
        """Steps of the critics on crops (critic steps, 3, crops, edge, edge), one of the generator.

        Returns
        -------
        dict
            "distance" is what the critics tell real from made by, "penalty" that of the gradients,
            both of the last step; "generator" the loss of the generator.
        """
        told: dict[str, float] = {}
        for crops in batch:
            with torch.no_grad():
                made = self._made(self.config.critic_batch)
            told = self._criticise(made, crops)
        return told | {"generator": self._generate()}

    def critic_of(self, index: int) -> int:
        """Number of the critic of the direction `index` of those that have one."""
        return index % len(self.critics)

    def _made(self, count: int) -> Tensor:
        noise = torch.randn(count, self.config.latent, *(self.latents,) * 3)
        found: Tensor = self.generator(noise.to(self.device))
        return found

    def _criticise(self, made: Tensor, crops: Tensor) -> dict[str, float]:
        told = {"distance": 0.0, "penalty": 0.0}
        for index, axis in enumerate(self.axes):
            number = self.critic_of(index)
            critic = self.critics[number]
            real = one_hot(crops[axis].to(self.device), made.shape[1])
            slices = self._slices(made, axis)
            distance = critic(real).mean() - critic(slices).mean()
            penalty = gradient_penalty(critic, real, slices[: len(real)])
            self._descend(f"critic_{number}", self.config.penalty * penalty - distance)
            told["distance"] += float(distance.detach()) / len(self.axes)
            told["penalty"] += float(penalty.detach()) / len(self.axes)
        return told

    def _generate(self) -> float:
        for critic in self.critics:
            critic.requires_grad_(False)
        made = self._made(self.config.batch)
        loss = torch.zeros((), device=self.device)
        for index, axis in enumerate(self.axes):
            loss = loss - self.critics[self.critic_of(index)](self._slices(made, axis)).mean()
        told = self._descend("generator", loss)
        for critic in self.critics:
            critic.requires_grad_(True)
        return told

    def _slices(self, made: Tensor, axis: int) -> Tensor:
        """(n, channels, edge, edge) slices of volumes across an axis, all or some at random."""
        if self.config.slices is not None and self.config.slices < made.shape[2 + axis]:
            chosen = torch.randperm(made.shape[2 + axis])[: self.config.slices]
            made = made.index_select(2 + axis, chosen.to(made.device))
        return slices_across(made, axis)

    def _descend(self, name: str, loss: Tensor) -> float:
        self.optimisers[name].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[name].step()
        return float(loss.detach())


def latents_of(shape: SliceGanShape, config: SliceGanConfig) -> int:
    """Latents along an edge of the volumes of a training, whose slices the critic sees.

    Raises
    ------
    ValueError
        If the edge is no multiple of the voxels for a latent.
    """
    edge = edge_of_slices(config.critic)
    if edge % shape.cell:
        raise ValueError(
            f"`critic` must have layers for slices of a multiple of {shape.cell} voxels, as "
            f"`generator` makes {shape.cell} for each latent, got {len(config.critic)} layers for "
            f"slices of {edge}"
        )
    return edge // shape.cell + LEAST_LATENTS - 1


def one_hot(codes: Tensor, phases: int) -> Tensor:
    """float32 (n, phases, edge, edge) of codes (n, edge, edge)."""
    return functional.one_hot(codes.long(), phases).movedim(-1, 1).float()


def slices_across(volumes: Tensor, axis: int) -> Tensor:
    """(n · slices, channels, rows, columns) of volumes (n, channels, z, y, x)."""
    moved = volumes.movedim(2 + axis, 1)
    return moved.reshape(-1, *moved.shape[2:])


def gradient_penalty(critic: nn.Module, real: Tensor, made: Tensor) -> Tensor:
    """How far the slope of a critic between pairs of slices is from one, squared."""
    count = min(len(real), len(made))
    share = torch.rand(count, 1, 1, 1).to(real.device)
    between = share * real[:count] + (1 - share) * made[:count].detach()
    between.requires_grad_(True)
    slopes: tuple[Any, ...] = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    found: Tensor = ((slopes[0].flatten(1).norm(dim=1) - 1) ** 2).mean()
    return found


def _begin(module: nn.Module) -> None:
    """First weights from N(0, 0.02), scales of the normalisation from N(1, 0.02)."""
    if isinstance(module, nn.ConvTranspose3d | nn.Conv2d):
        nn.init.normal_(module.weight, 0.0, SPREAD)
    elif isinstance(module, nn.BatchNorm3d):
        nn.init.normal_(module.weight, 1.0, SPREAD)
        nn.init.zeros_(module.bias)
