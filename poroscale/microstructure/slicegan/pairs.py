"""Pairs of voxels of one phase in slices, by lag, and terms of a loss: of S2, and of repetition.

A mean square of differences of S2 would punish a generator for the chance in a few volumes, too,
and so for volumes that differ as samples of a medium do. The term multiplies the differences of two
halves of a batch, which are independent: its mean is the square of what is wrong on average alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

DRAWN = 8
"""Lags of a step at most, drawn at random besides 0 and 1."""


def pair_shares(slices: Tensor, lags: int) -> Tensor:
    """(2, channels, lags + 1): shares of pairs of one phase along rows and columns, by lag.

    Parameters
    ----------
    slices
        From 0 to 1, (n, channels, rows, columns).
    lags
        Largest lag.
    """
    return pairs_at(slices, range(lags + 1))


def pairs_at(slices: Tensor, lags: Sequence[int]) -> Tensor:
    """(2, channels, len(lags)): the shares of `pair_shares` at some lags."""
    found = []
    for axis in (3, 2):
        length = slices.shape[axis]
        products = [
            (slices.narrow(axis, 0, length - r) * slices.narrow(axis, r, length - r)) for r in lags
        ]
        found.append(torch.stack([each.mean(dim=(0, 2, 3)) for each in products], dim=1))
    return torch.stack(found)


class PairTerm:
    """How far S2 of generated slices is from that of the images, squared, without the chance in it.

    Parameters
    ----------
    wanted
        For each direction, the shares of `pair_shares` of the images.
    """

    def __init__(self, wanted: Mapping[int, Tensor]) -> None:
        self._wanted = wanted

    def lags(self) -> list[int]:
        """Lags of a step: 0 and 1, which tell fractions and surfaces, and some at random."""
        most = next(iter(self._wanted.values())).shape[2] - 1
        far = torch.randperm(max(0, most - 1))[:DRAWN] + 2
        return [0, 1, *(int(each) for each in far.sort().values)]

    def __call__(self, slices: Tensor, axis: int, lags: Sequence[int]) -> Tensor:
        """The term for slices (n, channels, rows, columns) across an axis, volume by volume.

        Half of the slices must be of other volumes than the other half.
        """
        wanted = self._wanted[axis][:, :, list(lags)].to(slices.device)
        half = len(slices) // 2
        first, other = (pairs_at(each, lags) - wanted for each in (slices[:half], slices[half:]))
        return (first * other).mean()


def place_means(volumes: Tensor, cell: int) -> Tensor:
    """(channels, cell, cell, cell): the mean at each place within the voxels of a latent.

    Parameters
    ----------
    volumes
        (n, channels, z, y, x), whole cells along each axis.
    cell
        Voxels of a latent along an axis.
    """
    n, channels, *shape = volumes.shape
    z, y, x = (edge // cell for edge in shape)
    cut = volumes.reshape(n, channels, z, cell, y, cell, x, cell)
    return cut.mean(dim=(0, 2, 4, 6))


def place_term(volumes: Tensor, cell: int) -> Tensor:
    """How far the means at places within a cell differ, squared, without the chance in it.

    A generator computes each place by weights of its own. As in `PairTerm` two halves are compared.
    """
    half = len(volumes) // 2
    first, other = (place_means(each, cell) for each in (volumes[:half], volumes[half:]))
    dims = (1, 2, 3)
    first, other = (each - each.mean(dim=dims, keepdim=True) for each in (first, other))
    return (first * other).mean()
