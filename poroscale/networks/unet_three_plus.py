"""UNet 3+ in 3D: skip connections from every scale (section 3.2.1 of the pore-segmentation paper).

Every level of the decoder sees its own and all finer levels of the encoder, pooled, and all deeper
levels of the decoder, interpolated, each through 16 channels; the deepest level and every level of
the decoder are supervised.

Inferred, as they give Table 8's 1.672 million parameters and its 84.9 G multiply-accumulates
within 2 %: what is deeper comes through a 1³ and a 3³ convolution, what is finer is convolved
before it is pooled, two convolutions of 64 channels merge the four, and a coarse head mixes to one
channel, interpolates, and convolves that (3³).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from poroscale.networks.convolutions import Upward, convolution, double, single
from poroscale.networks.unet import EncodedSegmenter

HALO = 72
"""A value depends on up to 66 voxels to each side."""


class UNetThreePlus(EncodedSegmenter):
    """UNet 3+; see `EncodedSegmenter` for the settings."""

    halo = HALO

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(width, edge)
        channels = self.channels
        self.depth = len(channels)
        merged = self.depth * channels[0]
        self.ways = nn.ModuleDict()
        for level in range(self.depth - 1):
            for source in range(self.depth):
                self.ways[_way_name(source, level)] = self._way(channels, source, level)
        self.blocks = nn.ModuleList(double(merged, merged) for _ in channels[:-1])
        self.finest = convolution(merged, 1)
        deep = [merged] * (self.depth - 2) + [channels[-1]]
        self.heads = nn.ModuleList(
            nn.Sequential(Upward(each, 1, 2**level), convolution(1, 1))
            for level, each in enumerate(deep, start=1)
        )

    def _way(self, channels: tuple[int, ...], source: int, level: int) -> nn.Module:
        share, merged = channels[0], self.depth * channels[0]
        if source <= level:
            return single(channels[source], share)
        before = channels[source] if source == self.depth - 1 else merged
        return nn.Sequential(Upward(before, share, 2 ** (source - level)), single(share, share))

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        levels = self.encoder(patches)
        decoded = {self.depth - 1: levels[-1]}
        for level in range(self.depth - 2, -1, -1):
            seen = [self._seen(levels, decoded, source, level) for source in range(self.depth)]
            decoded[level] = self.blocks[level](torch.cat(seen, dim=1))
        logits = [self.finest(decoded[0])]
        logits += [head(decoded[level]) for level, head in enumerate(self.heads, start=1)]
        return tuple(logits)

    def _seen(
        self, levels: list[Tensor], decoded: dict[int, Tensor], source: int, level: int
    ) -> Tensor:
        way = self.ways[_way_name(source, level)]
        if source > level:
            found: Tensor = way(decoded[source])
            return found
        found = way(levels[source])
        return functional.avg_pool3d(found, 2 ** (level - source)) if source < level else found


def _way_name(source: int, level: int) -> str:
    return f"{source}_{level}"
