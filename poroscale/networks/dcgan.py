"""The 3D deep convolutional GAN of single pores (section 2.6 and Appendix C of the paper).

The generator turns a latent vector into two channels of scores, solid and pore, by transposed
convolutions of 4³; the critic is its mirror image. Text and authors' code agree on the widths; what
the text leaves out (batch normalisation, slopes, the initial weights) is as in the code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

GENERATOR_WIDTHS = (512, 256, 128, 64)
CRITIC_WIDTHS = (16, 32, 64, 128)
LATENT = 100
SMALLEST = 4
"""Edge after the first layer; each further layer doubles it."""


class Generator(nn.Module):
    """Latent vectors to pores.

    Parameters
    ----------
    widths
        Channels of the layers before the last; the edge of a box is 4 · 2^len(widths).
    latent
        Length of a latent vector.
    """

    def __init__(self, widths: Sequence[int] = GENERATOR_WIDTHS, latent: int = LATENT) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = latent
        for i, width in enumerate(widths):
            stride, padding = (1, 0) if i == 0 else (2, 1)
            layers += [
                nn.ConvTranspose3d(before, width, 4, stride, padding, bias=False),
                nn.BatchNorm3d(width),
                nn.ReLU(),
            ]
            before = width
        layers += [nn.ConvTranspose3d(before, 2, 4, 2, 1, bias=False), nn.Softmax(dim=1)]
        self.layers = nn.Sequential(*layers)
        self.latent = latent
        self.apply(_initialise)

    def forward(self, latent: Tensor) -> Tensor:
        """Probabilities (n, 2, edge, edge, edge) of solid and pore from latents (n, latent)."""
        found: Tensor = self.layers(latent[:, :, None, None, None])
        return found


class Critic(nn.Module):
    """Pores to the probability that they are real.

    Parameters
    ----------
    widths
        Channels of the layers before the last.
    """

    def __init__(self, widths: Sequence[int] = CRITIC_WIDTHS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 2
        for i, width in enumerate(widths):
            layers.append(nn.Conv3d(before, width, 4, 2, 1, bias=False))
            if i > 0:
                layers.append(nn.BatchNorm3d(width))
            layers.append(nn.LeakyReLU(0.2))
            before = width
        layers += [nn.Conv3d(before, 1, 4, 1, 0, bias=False), nn.Sigmoid()]
        self.layers = nn.Sequential(*layers)
        self.apply(_initialise)

    def forward(self, boxes: Tensor) -> Tensor:
        """(n,) probabilities from (n, 2, edge, edge, edge)."""
        found: Tensor = self.layers(boxes)
        return found.flatten()


def edge_of(widths: Sequence[int]) -> int:
    """Edge of the boxes of a generator."""
    return SMALLEST * 2 ** len(widths)


def widths_for(edge: int, widest: int, narrowest: int) -> tuple[int, ...]:
    """Widths of a narrower generator for boxes of `edge`: halved from layer to layer.

    Raises
    ------
    ValueError
        If the edge is not 8, 16, 32 or 64.
    """
    layers = round(math.log2(edge / SMALLEST))
    if edge not in (8, 16, 32, 64):
        raise ValueError(f"edge of a box must be 8, 16, 32 or 64 voxels, got {edge}")
    return tuple(max(narrowest, widest >> i) for i in range(layers))


def _initialise(module: nn.Module) -> None:
    """Weights from N(0, 0.02), scales of the normalisation from N(1, 0.02)."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm3d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
