"""Building blocks that the UNets and the mixture autoencoder share.

As in the paper's configurations: kernels of 3³ with replicated edges and bias, LeakyReLU of slope
0.01, no normalisation, dropout of whole channels at the end of a block.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.01
DROPOUT = 0.1
CHANNELS = (16, 32, 64, 128)
"""Of the four levels of UNet, MSS-UNet, UNet++ and UNet 3+."""


def widened(channels: tuple[int, ...], width: float) -> tuple[int, ...]:
    """Channels times a factor, at least two of each and an even number.

    Raises
    ------
    ValueError
        If the factor is not positive.
    """
    if not width > 0:
        raise ValueError(f"width must be positive, got {width}")
    return tuple(max(2, 2 * round(each * width / 2)) for each in channels)


def convolution(before: int, after: int) -> nn.Conv3d:
    """A 3³ convolution that keeps the shape, initialised for LeakyReLU."""
    made = nn.Conv3d(before, after, 3, padding=1, padding_mode="replicate")
    nn.init.kaiming_normal_(made.weight, SLOPE)
    return made


def single(before: int, after: int) -> nn.Sequential:
    """One convolution and its activation."""
    return nn.Sequential(convolution(before, after), nn.LeakyReLU(SLOPE))


def double(before: int, after: int, *, dropout: float = DROPOUT) -> nn.Sequential:
    """Two convolutions with their activations; dropout at the end."""
    return nn.Sequential(
        convolution(before, after),
        nn.LeakyReLU(SLOPE),
        convolution(after, after),
        nn.LeakyReLU(SLOPE),
        nn.Dropout3d(dropout),
    )


class Upward(nn.Module):
    """Channels mixed by a 1³ convolution, then trilinear interpolation.

    The paper's order is the other one. Both are linear, and the weights of an interpolation add up
    to one, so that the result is the same; on the coarse grid the convolution costs 1/factor³.
    """

    def __init__(self, before: int, after: int, factor: int = 2) -> None:
        super().__init__()
        self.mix = nn.Conv3d(before, after, 1)
        self.factor = factor

    def forward(self, field: Tensor) -> Tensor:
        """(n, after, f z, f y, f x) from (n, before, z, y, x)."""
        return enlarged(self.mix(field), self.factor)


def enlarged(field: Tensor, factor: int) -> Tensor:
    """Trilinear interpolation to `factor` times as many voxels."""
    if factor == 1:
        return field
    return functional.interpolate(field, scale_factor=factor, mode="trilinear", align_corners=False)
