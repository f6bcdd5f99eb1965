"""Settings of a training of SWNN: as published, or shortened for a few minutes on CPUs."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Literal

RecipeName = Literal["published", "short"]
Projections = Literal["normal", "orthogonal"]
Loss = Literal["patterns", "autocorrelation"]
STEPS = 20
"""Iterations of an epoch: a checkpoint is written after each."""
WARM, LAST = 10, 0.02
"""Iterations in which a falling rate first rises, and its last value over its first."""


@dataclass(frozen=True)
class SwnnRecipe:
    """How a network is trained.

    Attributes
    ----------
    iterations
        Steps of the optimiser.
    learning_rate
        Of Adam, at its highest.
    filters
        Directions onto which patterns are projected, drawn again at each comparison.
    edge
        Voxels of the edge of what the network makes in a step.
    cube
        True makes a cube, whose sections across an axis are compared together; False makes slabs
        one voxel thick, one across each axis, as published.
    patterns
        Patterns that are compared at most; None compares all.
    falling
        Whether the rate falls to `LAST` of itself, along half a cosine.
    scales
        Resolutions at which patterns are compared: 1 is that of the image alone, 2 adds half of it,
        3 a quarter.
    projections
        "normal" filters are independent; "orthogonal" ones are so in sets of as many as a pattern
        has voxels, which spreads them over all directions.
    patience
        Epochs without a gain of the held-out distance after which the training ends with the
        weights of the best epoch; None trains all iterations.
    loss
        "patterns" compares local patterns, "autocorrelation" S2 of whole sections (A.3).
    lineal_path
        Weight of the lineal path of whole sections beside that distance; 0 leaves it out.
    """

    iterations: int = 2000
    learning_rate: float = 0.05
    filters: int = 512
    edge: int = 128
    cube: bool = False
    patterns: int | None = None
    falling: bool = False
    scales: int = 1
    projections: Projections = "normal"
    patience: int | None = None
    loss: Loss = "patterns"
    lineal_path: float = 0.0

    @property
    def steps(self) -> tuple[int, ...]:
        """Voxels of the image along the edge of a voxel, by scale."""
        return tuple(2**scale for scale in range(self.scales))

    def check(self, template: int, edge: int) -> None:
        """Refuse scales that are too coarse for the sections.

        Parameters
        ----------
        template
            Edge of the patterns [voxels].
        edge
            Shorter edge of the images [voxels].

        Raises
        ------
        ValueError
            If the template does not fit at the coarsest scale.
        """
        least, most = template * self.steps[-1], min(self.edge, edge)
        if self.loss == "patterns" and self.scales > 1 and most < least:
            raise ValueError(
                f"`scales` must be fewer than {self.scales}: the coarsest pattern spans {least} "
                f"voxels, the sections {most}"
            )

    @property
    def epochs(self) -> int:
        """Epochs of `STEPS` iterations, the last one perhaps shorter."""
        return -(-self.iterations // STEPS)

    def rate(self, iteration: int) -> float:
        """Learning rate of an iteration, counted from 0."""
        if not self.falling:
            return self.learning_rate
        rising = min(1.0, (iteration + 1) / WARM)
        falling = 0.5 * (1 + cos(pi * iteration / self.iterations))
        return self.learning_rate * rising * (LAST + (1 - LAST) * falling)


RECIPES: dict[RecipeName, SwnnRecipe] = {
    "published": SwnnRecipe(),
    "short": SwnnRecipe(
        iterations=600,
        learning_rate=0.02,
        filters=128,
        edge=32,
        cube=True,
        patterns=4096,
        falling=True,
    ),
}
"""Published: section 3.1 and the authors' code; 2,000 iterations take 2.3 hours on two cores."""
