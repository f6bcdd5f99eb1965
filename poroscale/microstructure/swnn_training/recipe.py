"""Settings of a training of SWNN: as published, or shortened for a few minutes on CPUs."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Literal

RecipeName = Literal["published", "short"]
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
    """

    iterations: int = 2000
    learning_rate: float = 0.05
    filters: int = 512
    edge: int = 128
    cube: bool = False
    patterns: int | None = None
    falling: bool = False

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
