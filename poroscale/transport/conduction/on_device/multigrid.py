"""A preconditioner of blocks on a device, in which every step is one of whole arrays.

As in `poroscale.transport.conduction.multigrid`, blocks of 2x2x2 cells have one potential, and each
level is asked twice. Two things differ. A sweep of Gauss and Seidel goes from voxel to voxel, which
a device cannot: a polynomial of Chebyshev takes its place. And all cells of a block belong
together, even if nothing joins them, so that blocks are a grid again.
"""

from __future__ import annotations

import torch
from torch import Tensor

from poroscale.transport.conduction.multigrid import FACTORS
from poroscale.transport.conduction.on_device.links import GridLinks

SMALLEST = 600
"""Cells of a grid that is inverted."""
LARGEST, LEAST = 2.0, 0.4
"""Eigenvalues of the operator over its diagonal that the polynomial makes small: none is larger."""
STEPS = 3
"""Degree of the polynomial, before and after the correction."""


class BlockMultigrid:
    """The cycle over all levels.

    Parameters
    ----------
    links
        The network of the voxels.
    """

    def __init__(self, links: GridLinks) -> None:
        self._levels = [links]
        while self._levels[-1].ground.numel() > SMALLEST:
            self._levels.append(self._levels[-1].coarse())
        self._inverse = torch.linalg.inv(self._levels[-1].dense()).float()

    def apply(self, right: Tensor, out: Tensor) -> None:
        """Set `out` to the product of the preconditioner with `right`."""
        out.copy_(self._cycle(0, right))

    def _answer(self, k: int, right: Tensor) -> Tensor:
        """What level k answers to its right side: asked twice, but for the last."""
        if k == len(self._levels) - 1:
            return (self._inverse @ right.flatten()).reshape(right.shape)
        first, second = FACTORS
        values = first * self._cycle(k, right)
        left = right + self._levels[k].into(values)
        return values + second * self._cycle(k, left)

    def _cycle(self, k: int, right: Tensor) -> Tensor:
        if k == len(self._levels) - 1:
            return self._answer(k, right)
        links = self._levels[k]
        values = _smoothed(links, right)
        left = right + links.into(values)
        values = values + links.spread(self._answer(k + 1, links.pooled(left)))
        left = right + links.into(values)
        return values + _smoothed(links, left)


def _smoothed(links: GridLinks, right: Tensor) -> Tensor:
    """A polynomial of the operator over its diagonal, applied to a right side.

    Chebyshev's, for eigenvalues from `LEAST` to `LARGEST` (Saad, Iterative Methods for Sparse
    Linear Systems, algorithm 12.1). It is the same before and after a correction, so that the cycle
    is symmetric.
    """
    middle, half = (LARGEST + LEAST) / 2, (LARGEST - LEAST) / 2
    ratio = half / middle
    step = links.inverse * right / middle
    values = step.clone()
    for _ in range(STEPS - 1):
        following = 1 / (2 * middle / half - ratio)
        left = right + links.into(values)
        step = following * ratio * step + 2 * following / half * links.inverse * left
        values += step
        ratio = following
    return values
