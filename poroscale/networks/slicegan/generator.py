"""The generator of SliceGAN (Kench and Cooper 2021, Table 1): latents on a lattice to a volume.

Transposed convolutions of 4³ with stride 2 and padding 2, each but the last with normalisation and
ReLU; the last has padding 3. So l latents along an axis give 2^n (l - 2) voxels with n layers, and
every voxel sees as many latents as any other: the density of information is uniform (section 4).
As in the authors' code the convolutions have no bias.

A resize-convolution doubles its inputs along each axis, each value twice, and convolves them with
3³ taps without padding (Supplementary S3). Two neighbouring results see two neighbouring inputs, as
those of a transposed convolution do: it is one whose 4³ taps are sums of these 3³. So it needs no
more memory, and follows from the same latents.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from poroscale.networks.swnn import TORCH_TYPES, Precision

SLICEGAN_LATENT = 64
SLICEGAN_WIDTHS = (512, 256, 128, 64)
"""As published: 13.1 million numbers with three phases."""
KERNEL, STRIDE, PADDING, LAST_PADDING = 4, 2, 2, 3
SUMS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))
"""Taps of a transposed convolution as sums of those on doubled inputs, along an axis."""
LEAST_LATENTS = 3
"""Latents along an axis of the smallest volume."""
Output = Literal["phases", "grey"]
Upsampling = Literal["transposed", "resize"]


def check_density(kernel: int, stride: int, padding: int) -> None:
    """Refuse a transposed convolution whose results are not all made of as much (section 4).

    Raises
    ------
    ValueError
        If one of the three rules of the paper is broken; the sentence says what would be seen.
    """
    got = f"got kernel {kernel}, stride {stride}, padding {padding}"
    if not stride < kernel:
        raise ValueError(
            f"the kernel must be longer than the stride, or neighbouring patches do not meet; {got}"
        )
    if kernel % stride:
        raise ValueError(
            f"the kernel must be a multiple of the stride, or a checkerboard is seen; {got}"
        )
    if padding < kernel - stride:
        raise ValueError(
            "the padding must be the kernel less the stride at least, or the faces of a volume are "
            f"made of less than its middle; {got}"
        )


@dataclass(frozen=True)
class SliceGanShape:
    """Architecture of a generator.

    Attributes
    ----------
    channels
        Phases, or 1 of grey values.
    latent
        Channels of a latent.
    widths
        Channels of the layers before the last.
    output
        "phases" by a softmax over the channels, "grey" by tanh, from 0 to 1.
    upsampling
        "transposed" convolutions as published, or "resize" convolutions.
    """

    channels: int
    latent: int = SLICEGAN_LATENT
    widths: tuple[int, ...] = SLICEGAN_WIDTHS
    output: Output = "phases"
    upsampling: Upsampling = "transposed"

    def __post_init__(self) -> None:
        if self.upsampling not in ("transposed", "resize"):
            raise ValueError(f"`upsampling` must be transposed or resize, got {self.upsampling!r}")
        least = 2 if self.output == "phases" else 1
        if self.output not in ("phases", "grey"):
            raise ValueError(f"`output` must be phases or grey, got {self.output!r}")
        if self.channels < least or not self.widths or min(self.latent, *self.widths) < 1:
            raise ValueError(
                f"a generator of {self.output} must have {least} channels at least, and latents "
                f"and layers of 1 at least, got {self.words}"
            )

    @property
    def layers(self) -> int:
        """Transposed convolutions."""
        return len(self.widths) + 1

    @property
    def cell(self) -> int:
        """Voxels along an axis for each latent."""
        return int(STRIDE**self.layers)

    @property
    def words(self) -> str:
        """The architecture in words."""
        between = ", ".join(map(str, self.widths))
        resized = " by resize-convolutions" if self.upsampling == "resize" else ""
        found = f"{self.latent} latent channels, layers of {between}, {self.channels} {self.output}"
        return found + resized

    def edge(self, latents: int) -> int:
        """Voxels along an axis of so many latents.

        Raises
        ------
        ValueError
            If there are fewer than three.
        """
        if latents < LEAST_LATENTS:
            raise ValueError(f"latents must be {LEAST_LATENTS} along an axis, got {latents}")
        return self.cell * (latents - LEAST_LATENTS + 1)


class SliceGenerator(nn.Module):
    """Latents to phases or grey values.

    Parameters
    ----------
    shape
        Architecture.
    """

    def __init__(self, shape: SliceGanShape) -> None:
        super().__init__()
        check_density(KERNEL, STRIDE, PADDING)
        self.shape = shape
        widths = [shape.latent, *shape.widths, shape.channels]
        paddings = [PADDING] * len(shape.widths) + [LAST_PADDING]
        kind = ResizeConvolution if shape.upsampling == "resize" else nn.ConvTranspose3d
        self.convolutions = nn.ModuleList(
            kind(a, b, KERNEL, STRIDE, padding, bias=False)
            for (a, b), padding in zip(itertools.pairwise(widths), paddings, strict=True)
        )
        self.normalisations = nn.ModuleList(nn.BatchNorm3d(width) for width in shape.widths)

    def scores(self, latents: Tensor) -> Tensor:
        """Values before softmax or tanh, in the shape of `forward`."""
        values = latents
        for convolution, normalisation in zip(
            self.convolutions[:-1], self.normalisations, strict=True
        ):
            values = torch.relu(normalisation(convolution(values)))
        found: Tensor = self.convolutions[-1](values)
        return found

    def forward(self, latents: Tensor) -> Tensor:
        """(n, channels, edge, edge, edge) from (n, latent, l, l, l): shares of phases, or grey."""
        scores = self.scores(latents)
        if self.shape.output == "grey":
            return (torch.tanh(scores) + 1) / 2
        return torch.softmax(scores, dim=1)


class ResizeConvolution(nn.ConvTranspose3d):
    """Doubling of each input along each axis, and a convolution of 3³ taps without padding.

    It takes the arguments of the transposed convolution that it is, of kernel 4 and stride 2; a
    padding of 2 makes up for what the doubled inputs lack at the ends.

    Attributes
    ----------
    taps
        The parameter, (before, behind, 3, 3, 3).
    """

    def __init__(
        self,
        before: int,
        behind: int,
        kernel: int,
        stride: int,
        padding: int,
        *,
        bias: bool = False,
    ) -> None:
        super().__init__(before, behind, kernel, stride, padding, bias=bias)
        del self.weight
        self.taps = nn.Parameter(torch.empty(before, behind, 3, 3, 3))
        nn.init.kaiming_uniform_(self.taps, a=5**0.5)

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """(before, behind, 4, 4, 4) taps of the transposed convolution."""
        sums = torch.tensor(SUMS, dtype=self.taps.dtype, device=self.taps.device)
        found: Tensor = torch.einsum("abxyz,ix,jy,kz->abijk", self.taps, sums, sums, sums)
        return found


def folded_generator(network: SliceGenerator) -> Iterator[tuple[Tensor, Tensor]]:
    """float32 weight (before, behind, 4, 4, 4) and bias of each layer with its normalisation."""
    for number, convolution in enumerate(network.convolutions):
        assert isinstance(convolution, nn.ConvTranspose3d)
        # In single precision, in one copy: a layer of the published network takes 34 MB.
        weight = convolution.weight.detach().to("cpu", torch.float32, copy=True)
        bias = torch.zeros(weight.shape[1])
        if number < len(network.normalisations):
            normalisation = network.normalisations[number]
            assert isinstance(normalisation, nn.BatchNorm3d)
            mean, variance = normalisation.running_mean, normalisation.running_var
            assert mean is not None
            assert variance is not None
            scale = normalisation.weight.detach().double()
            scale = scale / torch.sqrt(variance.double() + normalisation.eps)
            weight *= scale.float().cpu().reshape(1, -1, 1, 1, 1)
            bias = (normalisation.bias.detach().double() - mean.double() * scale).float().cpu()
        yield weight, bias


class FoldedGenerator:
    """A trained generator as convolutions alone, in torch: each normalisation is part of its layer.

    Parameters
    ----------
    network
        The network; its running statistics are frozen.
    precision
        Type of weights and values; what comes out is float32.
    device
        "cpu" or "cuda".
    """

    def __init__(
        self,
        network: SliceGenerator,
        *,
        precision: Precision = "float32",
        device: str = "cpu",
    ) -> None:
        dtype = TORCH_TYPES[precision]
        self.layers = [
            (weight.to(device, dtype), bias.to(device, dtype))
            for weight, bias in folded_generator(network)
        ]

    def __call__(self, latents: Tensor) -> Tensor:
        """float32 scores (n, channels, z, y, x) from latents (n, latent, ...)."""
        weight, _ = self.layers[0]
        with torch.inference_mode():
            values = latents.to(weight.device, weight.dtype)
            for weight, bias in self.layers[:-1]:
                found = functional.conv_transpose3d(values, weight, bias, STRIDE, PADDING)
                values = found.relu_()
            weight, bias = self.layers[-1]
            return functional.conv_transpose3d(values, weight, bias, STRIDE, LAST_PADDING).float()
