"""Training of SliceGAN (Kench and Cooper 2021, Algorithms 1 and S1).

1. The generator makes volumes; each is cut into its slices across z, y and x.
2. A critic learns to tell these slices from crops of the image: a Wasserstein distance with a
   penalty of gradients. In an isotropic medium one critic sees all directions, one after the other;
   else each direction has its own.
3. After some steps of the critics, the generator learns to raise what they say of its slices.

On request a term of S2 is added to what the generator learns, and a running average of its weights
is kept: the weights of the last step swing about what the training has come to.

Where text and code differ this follows the code: both batches are of one size (text: that of the
generator twice as large), the penalty is taken on a few slices of one volume, and as many crops as
these are real in a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.microstructure.slicegan.diagonal import (
    DiagonalPlaces,
    blurred_alike,
    diagonal_slices,
)
from poroscale.microstructure.slicegan.grey import LEVELS
from poroscale.microstructure.slicegan.pairs import PairTerm, place_term
from poroscale.networks.adversarial.averaging import running_average
from poroscale.networks.adversarial.penalty import gradient_penalty
from poroscale.networks.slicegan.critic import SliceCritic, edge_of_slices
from poroscale.networks.slicegan.generator import (
    LEAST_LATENTS,
    ResizeConvolution,
    SliceGanShape,
    SliceGenerator,
)

DIAGONAL = "critic_diagonal"
"""Name of the critic of slices at 45°."""
MOST_MIXED = 0.5
"""Mixture of phases in voxels, beside that of voxels which all hold the fractions, above which S2
is no part of what is learnt."""
SPREAD = 0.02
"""Standard deviation of the first weights, as in other GANs of convolutions."""


class SliceGan:
    """Generator and critics with their optimisers, and one step of training.

    Parameters
    ----------
    config
        Networks and training.
    shape
        Architecture of the generator; channels and output are those of the images.
    directions
        Of slices across z, y, x: whether they have a critic.
    isotropic
        Whether one critic sees all directions.
    wanted
        By direction S2 of the images, for the term of `pairs`.

    Raises
    ------
    ValueError
        If the slices of the critic are no whole volumes of the generator.
    """

    def __init__(
        self,
        config: SliceGanConfig,
        shape: SliceGanShape,
        directions: Sequence[bool],
        *,
        isotropic: bool,
        wanted: Mapping[int, Tensor] | None = None,
    ) -> None:
        self.config, self.device = config, torch.device(config.device)
        self.latents = latents_of(shape, config)
        self.generator = SliceGenerator(shape).to(self.device)
        self.axes = [axis for axis in range(3) if directions[axis]]
        critics = 1 if isotropic else len(self.axes)
        self.critics = [
            SliceCritic(shape.channels, config.critic).to(self.device) for _ in range(critics)
        ]
        self.modules: dict[str, nn.Module] = {
            "generator": self.generator,
            **{f"critic_{k}": each for k, each in enumerate(self.critics)},
        }
        if config.diagonal:
            if not isotropic:
                raise ValueError(
                    "`diagonal` must be false where directions differ: no image shows their slices "
                    "at 45°"
                )
            self.modules[DIAGONAL] = SliceCritic(shape.channels, config.critic).to(self.device)
        for module in self.modules.values():
            module.apply(_begin)
        rate = config.generator_rate or config.learning_rate
        last = {id(each) for each in self.generator.convolutions[-1].parameters()}
        groups: list[dict[str, Any]] = [
            {"params": [each for each in self.generator.parameters() if id(each) not in last]},
            {
                "params": [each for each in self.generator.parameters() if id(each) in last],
                "lr": rate * config.last_rate,
            },
        ]
        self.optimisers: dict[str, Optimizer] = {
            name: Adam(module.parameters(), lr=config.learning_rate, betas=config.betas)
            for name, module in self.modules.items()
        }
        self.optimisers["generator"] = Adam(groups, lr=rate, betas=config.betas)
        self._pairs = PairTerm(wanted) if wanted and config.pairs else None
        if config.average:
            self.modules["average"] = deepcopy(self.generator).requires_grad_(False)

    @property
    def kept(self) -> str:
        """Name of the module that is judged and kept."""
        return "average" if self.config.average else "generator"

    @property
    def judged(self) -> SliceGenerator:
        """The module that is judged and kept."""
        found = self.modules[self.kept]
        assert isinstance(found, SliceGenerator)
        return found

    def step(self, batch: Tensor) -> dict[str, float]:
        """Steps of the critics on crops (critic steps, 3, crops, edge, edge), one of the generator.

        Returns
        -------
        dict
            "distance" is what the critics tell real from made by, "penalty" that of the gradients,
            both of the last step; "generator" the loss of the generator, as the critics tell it.
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
            real = real_slices(crops[axis].to(self.device), self.generator.shape)
            slices = slices_across(made, axis, self._planes(made, axis))
            name = f"critic_{self.critic_of(index)}"
            for key, value in self._told_apart(name, real, slices).items():
                told[key] += value / len(self.axes)
        if self.config.diagonal:
            real = real_slices(crops[self.axes[0]].to(self.device), self.generator.shape)
            places = self._places(made)
            slices = diagonal_slices(made, places)
            self._told_apart(DIAGONAL, blurred_alike(real, places), slices)
        return told

    def _told_apart(self, name: str, real: Tensor, slices: Tensor) -> dict[str, float]:
        """One step of a critic."""
        critic = self.modules[name]
        assert isinstance(critic, SliceCritic)
        distance = critic(real).mean() - critic(slices).mean()
        penalty = gradient_penalty(critic.slopes, real, slices[: len(real)])
        self._descend(name, self.config.penalty * penalty - distance)
        return {"distance": float(distance.detach()), "penalty": float(penalty.detach())}

    def _generate(self) -> float:
        critics = [each for name, each in self.modules.items() if name.startswith("critic")]
        for critic in critics:
            critic.requires_grad_(False)
        made = self._made(self.config.batch)
        loss, term = torch.zeros(2, device=self.device).unbind()
        lags = self._pairs.lags() if self._pairs is not None else []
        factor = self.config.pairs * decided_share(made.detach())
        for index, axis in enumerate(self.axes):
            slices = slices_across(made, axis, self._planes(made, axis))
            loss = loss - self.critics[self.critic_of(index)](slices).mean()
            if self._pairs is not None:
                term = term + factor * self._pairs(slices, axis, lags)
        if self.config.diagonal:
            slices = diagonal_slices(made, self._places(made))
            loss = loss - self.modules[DIAGONAL](slices).mean()
        if self.config.even:
            even = place_term(made, self.generator.shape.cell)
            term = term + self.config.even * decided_share(made.detach()) * even
        told = self._descend("generator", loss + term) - float(term.detach())
        for critic in critics:
            critic.requires_grad_(True)
        if self.config.average:
            running_average(self.judged, self.generator, self.config.average)
        return told

    def _places(self, made: Tensor) -> DiagonalPlaces:
        edge = made.shape[-1]
        return DiagonalPlaces.drawn(edge, min(self.config.slices or edge, edge))

    def _planes(self, made: Tensor, axis: int) -> Tensor | None:
        """Numbers of the slices across an axis that are shown, at random; None of all."""
        edge = made.shape[2 + axis]
        if self.config.slices is None or self.config.slices >= edge:
            return None
        return torch.randperm(edge)[: self.config.slices].to(made.device)

    def _descend(self, name: str, loss: Tensor) -> float:
        self.optimisers[name].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[name].step()
        return float(loss.detach())


def decided_share(made: Tensor) -> float:
    """From 0 where voxels are mixtures of phases to 1 where each is of one phase; 1 of grey values.

    A mixture can have S2 of the images without any shape of theirs: a term of S2 would keep it.
    """
    if made.shape[1] == 1:
        return 1.0
    shares = made.mean(dim=(0, 2, 3, 4))
    mixed = (1 - (made**2).sum(dim=1).mean()) / (1 - (shares**2).sum()).clamp(min=1e-6)
    return max(0.0, 1 - float(mixed) / MOST_MIXED) ** 2


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


def real_slices(codes: Tensor, shape: SliceGanShape) -> Tensor:
    """float32 (n, channels, edge, edge) of codes (n, edge, edge), as the generator makes slices."""
    if shape.output == "grey":
        return codes[:, None].float() / (LEVELS - 1)
    return one_hot(codes, shape.channels)


def one_hot(codes: Tensor, phases: int) -> Tensor:
    """float32 (n, phases, edge, edge) of codes (n, edge, edge)."""
    return functional.one_hot(codes.long(), phases).movedim(-1, 1).float()


def slices_across(volumes: Tensor, axis: int, planes: Tensor | None = None) -> Tensor:
    """(n · slices, channels, rows, columns) of volumes (n, channels, z, y, x), all or some."""
    chosen = volumes if planes is None else volumes.index_select(2 + axis, planes)
    moved = chosen.movedim(2 + axis, 1)
    return moved.reshape(-1, *moved.shape[2:])


def _begin(module: nn.Module) -> None:
    """First weights from N(0, 0.02), scales of the normalisation from N(1, 0.02)."""
    if isinstance(module, ResizeConvolution):
        nn.init.normal_(module.taps, 0.0, SPREAD)
    elif isinstance(module, nn.ConvTranspose3d | nn.Conv2d):
        nn.init.normal_(module.weight, 0.0, SPREAD)
    elif isinstance(module, nn.BatchNorm3d):
        nn.init.normal_(module.weight, 1.0, SPREAD)
        nn.init.zeros_(module.bias)
