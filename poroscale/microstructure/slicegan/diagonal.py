"""Slices at 45° between two axes, with pixels as far apart as voxels are.

A pixel between voxels is interpolated from four of them, which blurs the slice along its rows as
an interpolation between two pixels blurs a row. So the crops of the image are read at the same
fractions of a pixel: what is left to tell them apart is the medium. The blur across the slice has
no like in an image; it makes thin films of a phase paler than they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

HALF = 0.5**0.5
PLANES_AT_45 = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""The axis that a slice has as its rows, and the two between which its columns run."""


@dataclass(frozen=True)
class DiagonalPlaces:
    """Where slices lie in a cube.

    Attributes
    ----------
    rows, first, second
        Axes: of the rows, and the two that the columns run between.
    starts
        float32 (slices, 2) first places along the two axes.
    turned
        Whether the second axis runs backwards.
    """

    rows: int
    first: int
    second: int
    starts: Tensor
    turned: bool

    @classmethod
    def drawn(cls, edge: int, count: int) -> DiagonalPlaces:
        """Random slices of a cube of an edge, all along one of the six diagonals of its faces."""
        rows, first, second = PLANES_AT_45[int(torch.randint(3, ()))]
        room = (edge - 1) * (1 - HALF)
        starts = torch.rand(count, 2) * room
        return cls(rows, first, second, starts, bool(torch.randint(2, ())))

    def steps(self, edge: int) -> tuple[Tensor, Tensor]:
        """Whole places and fractions (slices, 2, edge) along the two axes."""
        places = self.starts[:, :, None] + HALF * torch.arange(edge)
        whole = places.floor().clamp(max=edge - 2)
        return whole.long(), places - whole


def diagonal_slices(volumes: Tensor, places: DiagonalPlaces) -> Tensor:
    """(n · slices, channels, edge, edge) slices at 45° of cubes (n, channels, z, y, x)."""
    edge = volumes.shape[-1]
    ordered = volumes.movedim((2 + places.first, 2 + places.second, 2 + places.rows), (0, 1, 2))
    ordered = ordered.flip(1) if places.turned else ordered
    whole, part = places.steps(edge)
    part = part.to(volumes.device, volumes.dtype)[..., None, None, None]
    found = torch.zeros((), device=volumes.device)
    for a in (0, 1):
        for b in (0, 1):
            share = (part[:, 0] if a else 1 - part[:, 0]) * (part[:, 1] if b else 1 - part[:, 1])
            found = found + share * ordered[whole[:, 0] + a, whole[:, 1] + b]
    # (slices, columns, rows, n, channels)
    return found.permute(3, 0, 4, 2, 1).reshape(-1, volumes.shape[1], edge, edge)


def blurred_alike(crops: Tensor, places: DiagonalPlaces) -> Tensor:
    """Crops (n, channels, edge, edge), each read between its columns as one of the slices is.

    Where the two fractions of a slice differ, their mean variance is that of the crop.
    """
    _, parts = places.steps(crops.shape[-1])
    chosen = parts[torch.arange(len(crops)) % len(parts)]
    # An interpolation at f spreads by f (1 - f); the slice by the mean of this along both axes.
    spread = (chosen * (1 - chosen)).mean(dim=1).clamp(0, 0.25)
    share = (0.5 - (0.25 - spread).sqrt()).to(crops.device, crops.dtype)[:, None, None]
    beside = torch.cat([crops[..., 1:], crops[..., -2:-1]], dim=-1)
    return (1 - share) * crops + share * beside
