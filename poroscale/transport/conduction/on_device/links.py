"""A network of conductances between the cells of a grid, as whole arrays on a device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True)
class GridLinks:
    """Conductances of a grid of cells, any of which may be empty.

    Attributes
    ----------
    z, y, x
        float32 (nz, ny, nx): conductance from each cell to the next one along an axis. That of
        the last cell along y and x leads to the first one; it is 0 where sides are closed, and
        always along z.
    ground
        float32 (nz, ny, nx): conductance from each cell to fixed potentials.
    """

    z: Tensor
    y: Tensor
    x: Tensor
    ground: Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along the axes."""
        z, y, x = self.ground.shape
        return z, y, x

    @property
    def axes(self) -> tuple[tuple[Tensor, int], ...]:
        """Links along each axis, and the axis."""
        return (self.z, 0), (self.y, 1), (self.x, 2)

    @cached_property
    def inverse(self) -> Tensor:
        """One over the sum of the conductances of each cell; 0 of an empty one."""
        total = self.ground.clone()
        for links, axis in self.axes:
            total += links
            total += links.roll(1, axis)
        return torch.where(total > 0, 1 / total, 0.0)

    def into(self, values: Tensor) -> Tensor:
        """Current into each cell, where all fixed potentials are 0."""
        out = -self.ground * values
        for links, axis in self.axes:
            through = values.roll(-1, axis)
            through -= values
            through *= links
            out += through
            out -= through.roll(1, axis)
        return out

    def coarse(self) -> GridLinks:
        """The network between blocks of 2x2x2 cells that each have one potential.

        Links inside a block carry nothing then. Along an odd axis the last block has one layer.
        """
        ground = _pooled(self.ground, (0, 1, 2))
        links = []
        for held, axis in self.axes:
            others = tuple(k for k in range(3) if k != axis)
            cells = held.shape[axis]
            last = held.narrow(axis, cells - 1, 1)
            odd = held.narrow(axis, 1, cells - 1)[_every_other(axis)]
            if cells % 2:  # what leads on from the last cell leads on from its block
                odd = torch.cat([odd, last], axis)
            if odd.shape[axis] == 1:
                odd = torch.zeros_like(odd)  # a block that leads to itself carries nothing
            links.append(_pooled(odd, others))
        return GridLinks(links[0], links[1], links[2], ground)

    def pooled(self, values: Tensor) -> Tensor:
        """Sums over the cells of each block."""
        return _pooled(values, (0, 1, 2))

    def spread(self, values: Tensor) -> Tensor:
        """Values of the blocks, in each of their cells."""
        for axis, cells in enumerate(self.shape):
            values = values.repeat_interleave(2, axis).narrow(axis, 0, cells)
        return values

    def dense(self) -> Tensor:
        """float64 (cells, cells): the operator, with a 1 on the diagonal of an empty cell."""
        numbers = torch.arange(self.ground.numel(), device=self.ground.device).reshape(self.shape)
        matrix = torch.zeros(numbers.numel(), numbers.numel(), dtype=torch.float64)
        matrix = matrix.to(self.ground.device)
        for links, axis in self.axes:
            pair = numbers.flatten(), numbers.roll(-1, axis).flatten()
            weights = -links.flatten().double()
            matrix.index_put_(pair, weights, accumulate=True)
            matrix.index_put_(pair[::-1], weights, accumulate=True)
        total = self.ground.flatten().double() - matrix.sum(dim=1)
        matrix.diagonal().add_(torch.where(total > 0, total, 1.0))
        return matrix


def _every_other(axis: int) -> tuple[slice, ...]:
    return tuple(slice(None, None, 2 if k == axis else 1) for k in range(3))


def _pooled(values: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Sums over pairs along some axes; a last one without a partner stays alone."""
    for axis in axes:
        if values.shape[axis] % 2:
            sides = [0, 0] * (2 - axis) + [0, 1]
            values = pad(values, sides)
        shape = list(values.shape)
        shape[axis : axis + 1] = [shape[axis] // 2, 2]
        values = values.reshape(shape).sum(dim=axis + 1)
    return values
