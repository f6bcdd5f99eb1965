"""UNet++ in 3D: nested, dense skip connections (section 3.2.1 of the pore-segmentation paper).

Node (i, j) of level i sees all earlier nodes of its level and the one below; blocks and widths are
UNet's. Every node of the finest level is supervised. Inferred: that their heads are 3³
convolutions, which makes Table 8's 1.503 million parameters (1³ ones: 1.501 million).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from poroscale.networks.convolutions import Upward, convolution, double
from poroscale.networks.unet import EncodedSegmenter


class UNetPlusPlus(EncodedSegmenter):
    """UNet++; see `EncodedSegmenter` for the settings."""

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(width, edge)
        channels = self.channels
        self.nodes = [(i, j) for j in range(1, len(channels)) for i in range(len(channels) - j)]
        self.up = nn.ModuleDict()
        self.blocks = nn.ModuleDict()
        for i, j in self.nodes:
            self.up[_node_name(i, j)] = Upward(channels[i + 1], channels[i])
            self.blocks[_node_name(i, j)] = double((j + 1) * channels[i], channels[i])
        self.heads = nn.ModuleList(convolution(channels[0], 1) for _ in channels[1:])

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        rows = [[level] for level in self.encoder(patches)]
        for i, j in self.nodes:
            below = self.up[_node_name(i, j)](rows[i + 1][j - 1])
            rows[i].append(self.blocks[_node_name(i, j)](torch.cat([*rows[i], below], dim=1)))
        logits = [head(field) for head, field in zip(self.heads, rows[0][1:], strict=True)]
        return tuple(logits[::-1])


def _node_name(i: int, j: int) -> str:
    return f"{i}_{j}"
