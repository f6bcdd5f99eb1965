"""UNet and MSS-UNet in 3D (section 3.2.1 of the pore-segmentation paper).

Both have four levels of two convolutions, average pooling between them, and skip connections. The
widths (16, 32, 64, 128) are the authors' and give Table 8's 1.325 million parameters.

Inferred, as they give its 1.328 million for MSS-UNet and the 0.15 G multiply-accumulates that this
one has more: heads on the three levels of the decoder, not on the deepest, each a 3³ convolution
whose logits are then interpolated to the patch; UNet's own head is 1³.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from poroscale.networks.convolutions import (
    CHANNELS,
    Upward,
    convolution,
    double,
    enlarged,
    widened,
)
from poroscale.networks.segmenter import SupervisedSegmenter

HALO = 64
"""A value depends on up to 58 voxels to each side, with 3³ heads on 59: two convolutions on every
level down and up reach 44, pooling and interpolation the rest."""


class Encoder(nn.Module):
    """Blocks of two convolutions, each on the average-pooled output of the one above."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        before = (1, *channels[:-1])
        self.blocks = nn.ModuleList(double(a, b) for a, b in zip(before, channels, strict=True))

    def forward(self, field: Tensor) -> list[Tensor]:
        """The output of every level, the finest first."""
        levels = []
        for i, block in enumerate(self.blocks):
            field = block(field if i == 0 else functional.avg_pool3d(field, 2))
            levels.append(field)
        return levels


class _Decoder(nn.Module):
    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(zip(channels[1:], channels[:-1], strict=True))
        self.up = nn.ModuleList(Upward(deep, fine) for deep, fine in pairs)
        self.blocks = nn.ModuleList(double(2 * fine, fine) for _, fine in pairs)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """The decoder's output at every level but the deepest, the finest first."""
        field, found = levels[-1], []
        for i in range(len(levels) - 2, -1, -1):
            field = self.blocks[i](torch.cat([self.up[i](field), levels[i]], dim=1))
            found.append(field)
        return found[::-1]


class EncodedSegmenter(SupervisedSegmenter):
    """A network whose first half is UNet's encoder.

    Parameters
    ----------
    width
        Factor of the channels.
    edge
        Edge of the patches [voxels], a multiple of 8 from 16 on.

    Attributes
    ----------
    channels
        Channels of each level, the finest first.
    """

    halo = HALO

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(edge)
        self.channels = widened(CHANNELS, width)
        self.encoder = Encoder(self.channels)


class UNet(EncodedSegmenter):
    """The UNet: one head, at full resolution; see `EncodedSegmenter` for the settings."""

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(width, edge)
        self.decoder = _Decoder(self.channels)
        self.head = nn.Conv3d(self.channels[0], 1, 1)

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        return (self.head(self.decoder(self.encoder(patches))[0]),)


class MSSUNet(EncodedSegmenter):
    """UNet with supervision on all three levels of the decoder; settings of `EncodedSegmenter`."""

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(width, edge)
        self.decoder = _Decoder(self.channels)
        self.heads = nn.ModuleList(convolution(each, 1) for each in self.channels[:-1])

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        fields = self.decoder(self.encoder(patches))
        return tuple(
            enlarged(head(field), 2**i)
            for i, (head, field) in enumerate(zip(self.heads, fields, strict=True))
        )
