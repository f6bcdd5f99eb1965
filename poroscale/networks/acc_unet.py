"""ACC-UNet in 3D (section 3.2.1 of the pore-segmentation paper; Ibtehaz and Kihara 2023).

A convolutional UNet with ideas of transformers: blocks that widen, filter each channel by itself,
add neighbourhoods of several sizes (HANC), and weigh channels (squeeze and excitation); skip
connections with residual convolutions that are compiled over all levels (MLFC). 16 filters and
four poolings are the authors'. Squeeze and excitation looks at the whole patch: there is no halo.

Inferred, as they give Table 8's 5.062 million parameters: factors and repetitions as published for
2D, and heads of 1³ on the three finest levels of the decoder. Table 8 has 39.7 G
multiply-accumulates, the convolutions here 37.2 G: the paper's also counts the many normalisations,
poolings and interpolations.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from poroscale.networks.convolutions import SLOPE, enlarged, widened
from poroscale.networks.segmenter import SupervisedSegmenter

CHANNELS = (16, 32, 64, 128, 256)
SIZES = (3, 3, 3, 2, 1)
"""Number of neighbourhood sizes on each level: 1, 2, 4 voxels."""
WIDENING, WIDEST = 3, 34
"""Factor inside a block; the last block of the second level down is wider, as published."""
REDUCTION = 8
RESIDUALS = (4, 3, 2, 1)
COMPILATIONS = 3


class Excitation(nn.Module):
    """Channels weighed by what the whole patch shows, then normalised."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // REDUCTION)
        self.squeeze, self.excite = nn.Linear(channels, inner), nn.Linear(inner, channels)
        self.norm = nn.BatchNorm3d(channels)

    def forward(self, field: Tensor) -> Tensor:
        """Field (n, channels, z, y, x), weighed."""
        inner = functional.leaky_relu(self.squeeze(field.mean(dim=(2, 3, 4))), SLOPE)
        weight = torch.sigmoid(self.excite(inner))[:, :, None, None, None]
        return functional.leaky_relu(self.norm(field * weight), SLOPE)


def _mixed(before: int, after: int, kernel: int = 1) -> nn.Sequential:
    """A convolution with normalisation and activation."""
    return nn.Sequential(
        nn.Conv3d(before, after, kernel, padding=kernel // 2),
        nn.BatchNorm3d(after),
        nn.LeakyReLU(SLOPE),
    )


class Neighbourhoods(nn.Module):
    """Means and maxima over cells of 2, 4, ... voxels beside the voxel itself, mixed (HANC)."""

    def __init__(self, before: int, after: int, sizes: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.mix = _mixed((2 * sizes - 1) * before, after)

    def forward(self, field: Tensor) -> Tensor:
        """(n, after, z, y, x); edges must be multiples of the largest cell."""
        cells = [2**i for i in range(1, self.sizes)]
        pools = (functional.avg_pool3d, functional.max_pool3d)
        coarse = [functional.interpolate(p(field, c), scale_factor=c) for p in pools for c in cells]
        found: Tensor = self.mix(torch.cat([field, *coarse], dim=1))
        return found


class Block(nn.Module):
    """Widen, filter each channel, look at neighbourhoods, add, mix, weigh."""

    def __init__(self, before: int, after: int, *, sizes: int, widening: int = WIDENING) -> None:
        super().__init__()
        wide = before * widening
        self.widen = _mixed(before, wide)
        self.filter = nn.Sequential(
            nn.Conv3d(wide, wide, 3, padding=1, groups=wide),
            nn.BatchNorm3d(wide),
            nn.LeakyReLU(SLOPE),
        )
        self.neighbourhoods = Neighbourhoods(wide, before, sizes)
        self.norm = nn.BatchNorm3d(before)
        self.mix = nn.Sequential(_mixed(before, after), Excitation(after))

    def forward(self, field: Tensor) -> Tensor:
        """(n, after, z, y, x) from (n, before, z, y, x)."""
        seen = self.neighbourhoods(self.filter(self.widen(field)))
        found: Tensor = self.mix(self.norm(seen + field))
        return found


class ResidualPath(nn.Module):
    """Residual convolutions of a skip connection."""

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(
            nn.Sequential(_mixed(channels, channels, 3), Excitation(channels)) for _ in range(steps)
        )
        self.last = nn.Sequential(
            nn.BatchNorm3d(channels), nn.LeakyReLU(SLOPE), nn.BatchNorm3d(channels)
        )

    def forward(self, field: Tensor) -> Tensor:
        """A field of the same shape."""
        for step in self.steps:
            field = field + step(field)
        found: Tensor = self.last(field)
        return found


class Compilation(nn.Module):
    """Every level of the skip connections is mixed with all others (MLFC)."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        whole = sum(channels)

        def level(build: object) -> nn.ModuleList:
            return nn.ModuleList(build(each) for each in channels)  # type: ignore[operator]

        self.gather = level(lambda c: nn.Sequential(_mixed(whole, c), Excitation(c)))
        self.gathered = level(lambda c: nn.Sequential(nn.BatchNorm3d(c), nn.LeakyReLU(SLOPE)))
        self.merge = level(lambda c: nn.Sequential(_mixed(2 * c, c), Excitation(c)))
        self.merged = level(lambda c: nn.Sequential(nn.BatchNorm3d(c), nn.LeakyReLU(SLOPE)))
        self.weigh = level(Excitation)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """Fields of the same shapes, the finest level first."""
        return [self._compiled(levels, i) for i in range(len(levels))]

    def _compiled(self, levels: list[Tensor], i: int) -> Tensor:
        seen = torch.cat([_resized(field, j - i) for j, field in enumerate(levels)], dim=1)
        found = self.gathered[i](self.gather[i](seen))
        merged = self.merge[i](torch.cat([found, levels[i]], dim=1)) + levels[i]
        weighed: Tensor = self.weigh[i](self.merged[i](merged))
        return weighed


def _resized(field: Tensor, levels: int) -> Tensor:
    """A field of a deeper level repeated, one of a finer level averaged."""
    if levels > 0:
        return functional.interpolate(field, scale_factor=2**levels)
    return functional.avg_pool3d(field, 2**-levels) if levels < 0 else field


class ACCUNet(SupervisedSegmenter):
    """ACC-UNet.

    Parameters
    ----------
    width
        Factor of the channels.
    edge
        Edge of the patches [voxels], a multiple of 16 from 32 on.
    """

    multiple, smallest = 16, 32

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(edge)
        channels = widened(CHANNELS, width)
        before = (1, *channels[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(Block(a, b, sizes=n), Block(b, b, sizes=n))
            for a, b, n in zip(before, channels, SIZES, strict=True)
        )
        skips = channels[:-1]
        self.paths = nn.ModuleList(
            ResidualPath(c, steps) for c, steps in zip(skips, RESIDUALS, strict=True)
        )
        self.compilations = nn.ModuleList(Compilation(skips) for _ in range(COMPILATIONS))
        self.up = nn.ModuleList(
            nn.ConvTranspose3d(deep, fine, 2, stride=2)
            for fine, deep in zip(skips, channels[1:], strict=True)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                Block(2 * c, c, sizes=SIZES[i]),
                Block(c, c, sizes=SIZES[i], widening=WIDEST if i == 2 else WIDENING),
            )
            for i, c in enumerate(skips)
        )
        self.heads = nn.ModuleList(nn.Conv3d(c, 1, 1) for c in skips[:3])

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        field, levels = patches, []
        for i, block in enumerate(self.down):
            field = block(field if i == 0 else functional.max_pool3d(field, 2))
            levels.append(field)
        skips = [path(level) for path, level in zip(self.paths, levels[:-1], strict=True)]
        for compilation in self.compilations:
            skips = compilation(skips)
        logits: list[Tensor] = []
        for i in range(len(skips) - 1, -1, -1):
            field = self.blocks[i](torch.cat([self.up[i](field), skips[i]], dim=1))
            if i < len(self.heads):
                logits.append(enlarged(self.heads[i](field), 2**i))
        return tuple(logits[::-1])
