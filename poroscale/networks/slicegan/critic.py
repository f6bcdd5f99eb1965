"""The critic of SliceGAN (Table 1): slices to one number each.

Convolutions of 4² with stride 2 and padding 1, the last without padding; ReLU between them, neither
normalisation nor bias, as in the authors' code.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from poroscale.networks.adversarial.penalty import layer_slopes

SLICE_CRITIC_WIDTHS = (64, 128, 256, 512)
LAST_EDGE = 4
"""Edge of what the last convolution reads."""


class SliceCritic(nn.Module):
    """Slices to how real they are.

    Parameters
    ----------
    channels
        Phases, or 1 of grey values.
    widths
        Channels of the layers before the last.
    """

    def __init__(self, channels: int, widths: Sequence[int] = SLICE_CRITIC_WIDTHS) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1, bias=False) for a, b in itertools.pairwise([channels, *widths])
        )
        self.last = nn.Conv2d(widths[-1], 1, 4, 2, 0, bias=False)

    def forward(self, slices: Tensor) -> Tensor:
        """(n,) from (n, channels, edge, edge)."""
        values = slices
        for convolution in self.convolutions:
            values = torch.relu(convolution(values))
        found: Tensor = self.last(values)
        return found.flatten()

    def slopes(self, slices: Tensor) -> Tensor:
        """Gradients of the numbers by the slices, as the slices; see `layer_slopes`."""
        layers: list[nn.Module] = []
        for convolution in self.convolutions:
            layers += [convolution, nn.ReLU()]
        return layer_slopes([*layers, self.last], slices, slices.new_ones(len(slices), 1, 1, 1))


def edge_of_slices(widths: Sequence[int]) -> int:
    """Edge of the slices for which a critic gives one number each."""
    return int(LAST_EDGE * 2 ** len(widths))
