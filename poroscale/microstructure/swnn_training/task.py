"""One step of the training of SWNN (Ma et al., Algorithm 1, eqs. 19 to 21)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from poroscale.microstructure.swnn_training.autocorrelation import s2_distance
from poroscale.microstructure.swnn_training.distance import (
    projected_sections,
    random_filters,
    sliced_wasserstein,
    thinned,
)
from poroscale.microstructure.swnn_training.lineal import lineal_distance
from poroscale.microstructure.swnn_training.recipe import STEPS, SwnnRecipe
from poroscale.microstructure.swnn_training.targets import Target
from poroscale.networks.swnn import Swnn, SwnnShape

HELD_OUT = "distance"
"""Name of the measure by which a training ends early."""
STEADYING = 20
"""Samples from which the statistics of the normalisations are found after a training by cubes."""


class SwnnTask:
    """A network with its optimiser and one step of training.

    Parameters
    ----------
    shape
        Architecture.
    targets
        What it is to show; several are learnt together, each from noise of its own, or with a
        condition of its own where the architecture has targets.
    recipe
        Settings of the training.
    template
        Edge of the patterns [voxels].
    """

    def __init__(
        self,
        shape: SwnnShape,
        targets: Sequence[Target],
        recipe: SwnnRecipe,
        *,
        template: int,
    ) -> None:
        self.network = Swnn(shape)
        self.targets, self.recipe, self.template = targets, recipe, template
        self.modules: Mapping[str, nn.Module] = {"network": self.network}
        self._adam = Adam(self.network.parameters(), lr=recipe.learning_rate)
        self.optimisers: Mapping[str, Optimizer] = {"adam": self._adam}

    def step(self, batch: int) -> dict[str, float]:
        """The iteration `batch`, counted from 0; returns the distance (eq. 19 or 20)."""
        for group in self._adam.param_groups:
            group["lr"] = self.recipe.rate(batch)
        self._adam.zero_grad()
        losses = self._cube_losses() if self.recipe.cube else self._slab_losses()
        total = 0.0
        for loss in losses:  # one after another, so that one graph alone is held
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        self._adam.step()
        return {"distance": total}

    def made(self, extents: Sequence[int], numbers: Sequence[int] | None = None) -> Tensor:
        """What the network makes of noise for some targets, or for all: (targets, 1, *extents)."""
        reach, channels = 2 * self.network.shape.depth, self.network.shape.noise
        grown = [extent + reach for extent in extents]
        numbers = range(len(self.targets)) if numbers is None else numbers
        noise = [
            each.mean + each.deviation * torch.randn(1, channels, *grown)
            for each in (self.targets[number] for number in numbers)
        ]
        found: Tensor = self.network(torch.cat(noise), numbers)
        return found

    def _slab_losses(self) -> Iterator[Tensor]:
        """As published: a slab one voxel thick across each axis, each target by itself."""
        edge = self.recipe.edge
        if self.network.shape.dimensions == 2:
            for number, target in enumerate(self.targets):
                made = self.made((edge, edge), [number])
                yield self._distance(made, target, 0) / len(self.targets)
            return
        axes = sorted(self.targets[0].patterns)
        for axis in axes:
            extents = [1 if k == axis else edge for k in range(3)]
            for number, target in enumerate(self.targets):
                section = self.made(extents, [number]).squeeze(2 + axis)
                yield self._distance(section, target, axis) / (len(axes) * len(self.targets))

    def _cube_losses(self) -> Iterator[Tensor]:
        """A cube for each target, all normalised together, as they are when the network is used;
        those of a network with conditions each by itself."""
        shape = self.network.shape
        made = self.made([self.recipe.edge] * shape.dimensions)
        losses = []
        for each, target in zip(made, self.targets, strict=True):
            if shape.dimensions == 2:
                losses.append(self._distance(each[None], target, 0))
                continue
            for axis in target.patterns:
                losses.append(self._distance(each[0].movedim(axis, 0)[:, None], target, axis))
        yield torch.stack(losses).mean()

    def _distance(self, sections: Tensor, target: Target, axis: int) -> Tensor:
        """Distance of sections (n, 1, rows, columns) from a target, with all terms."""
        found = self._compared(sections, target, axis)
        if self.recipe.lineal_path:
            path = lineal_distance(sections, target.lineal[axis])
            return found + self.recipe.lineal_path * path
        return found

    def _compared(self, sections: Tensor, target: Target, axis: int) -> Tensor:
        """The distance of S2, or of patterns: the mean over all scales."""
        if self.recipe.loss == "autocorrelation":
            return s2_distance(sections, target.s2[axis])
        scales = enumerate(self.recipe.steps)
        losses = [self._at_scale(sections, target.at_scale(k, axis), step) for k, step in scales]
        return torch.stack(losses).mean() if len(losses) > 1 else losses[0]

    def _at_scale(self, sections: Tensor, theirs: Tensor, step: int) -> Tensor:
        """Sliced-Wasserstein distance of the patterns of sections."""
        filters = random_filters(self.recipe.filters, self.template, self.recipe.projections)
        ours = projected_sections(sections, filters, step)
        if self.recipe.patterns is not None:
            ours = thinned(ours, self.recipe.patterns)
            theirs = theirs[torch.randint(len(theirs), (ours.shape[1],))]
        return sliced_wasserstein(ours, filters @ theirs.T)

    def judged(self, number: int) -> dict[str, float]:
        """The held-out distance: on noise, filters and patterns that are the same at every call.

        The running statistics of the normalisations stay as they are.
        """
        norms = self._norms()
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 0.0
        with torch.no_grad():
            losses = self._cube_losses() if self.recipe.cube else self._slab_losses()
            total = sum(float(loss) for loss in losses)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        return {HELD_OUT: total}

    def _norms(self) -> list[nn.BatchNorm2d | nn.BatchNorm3d]:
        kinds = nn.BatchNorm2d | nn.BatchNorm3d
        return [module for module in self.network.modules() if isinstance(module, kinds)]

    def steadied(self) -> Swnn:
        """The network with the statistics that its normalisations show over many samples.

        While it is trained, a normalisation uses the statistics of its sample, and keeps a running
        mean that still holds those of weights since changed.
        """
        norms = self._norms()
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all samples
        self.network.train()
        with torch.no_grad():
            for number in range(STEADYING):
                torch.manual_seed(number)
                self.made([self.recipe.edge] * self.network.shape.dimensions)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        return self.network


@dataclass(frozen=True)
class SwnnSteps:
    """Numbers of the iterations of an epoch."""

    iterations: int

    def __call__(self, epoch: int) -> Iterator[int]:
        """Those of one epoch."""
        yield from range(epoch * STEPS, min(self.iterations, (epoch + 1) * STEPS))
