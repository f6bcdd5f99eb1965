"""RV-VAE: the decoder computes with random variables (section 3.2.2, Appendix C of the paper).

Nothing is sampled: mean and variance of the latent pass the decoder's layers, taken as independent.
Convolutions have weighted sums in closed form, LeakyReLU the moments of a cut normal variable, the
sigmoid Appendix C's expansion. Parameters are those of the VAE.

Inferred: that the loss is the VAE's on the expected reconstruction, and that convolutions with
replicated edges take the copies of a voxel as independent, too. The multiply-accumulates of Table 8
(0.456 G) are those of the encoder alone; the decoder makes twice the VAE's.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from poroscale.networks.segmenter import absolute_difference
from poroscale.networks.vae import KL_WEIGHT, VAE, decoder_layers, divergence

SMALLEST = 1e-12
"""Variances are kept above."""


class RVVAE(VAE):
    """The random-variable VAE; `width` and `edge` as of `VAE`."""

    def _decoder(self, channels: tuple[int, ...], edge: int) -> nn.Module:
        return RandomVariables(decoder_layers(channels, edge))

    def loss(self, patches: Tensor, truth: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        mean, log_variance = self.encoder(patches)
        found, _ = self.decoder(mean, log_variance.exp())
        error, kl = absolute_difference(patches, found), divergence(mean, log_variance)
        return {"loss": error + KL_WEIGHT * kl, "l1": error.detach(), "kl": kl.detach()}

    def reconstruct(self, patches: Tensor) -> Tensor:
        """The expected reconstruction; cut to [0, 1], which the expansion may leave."""
        mean, log_variance = self.encoder(patches)
        found: Tensor = self.decoder(mean, log_variance.exp())[0]
        return found.clamp(0, 1)


class RandomVariables(nn.ModuleList):
    """Layers that pass mean and variance on.

    Always in the precision of their weights: half precision has no room for small variances.
    """

    def forward(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the output."""
        precision = next(self.parameters()).dtype
        mean, variance = mean.to(precision), variance.to(precision)
        kind = "cpu" if mean.is_meta else mean.device.type
        with torch.autocast(kind, enabled=False):
            for layer in self:
                mean, variance = moments_of(layer, mean, variance)
        return mean, variance


def moments_of(layer: nn.Module, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of a layer's output for independent inputs.

    Raises
    ------
    TypeError
        If the layer is none of those of the decoder.
    """
    match layer:
        case nn.Conv3d():
            reach = [edge // 2 for edge in reversed(layer.kernel_size) for _ in range(2)]
            padded = functional.pad(variance, reach, mode="replicate")
            return layer(mean), functional.conv3d(padded, layer.weight**2)
        case nn.ConvTranspose3d():
            spread = functional.conv_transpose3d(variance, layer.weight**2, None, layer.stride)
            return layer(mean), spread
        case nn.LeakyReLU():
            return leaky_moments(mean, variance, layer.negative_slope)
        case nn.Sigmoid():
            return sigmoid_moments(mean, variance)
    raise TypeError(f"random variables cannot pass {type(layer).__name__}")


def leaky_moments(mean: Tensor, variance: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    """Moments of LeakyReLU of a normal variable.

    LeakyReLU(x) is slope · x + (1 - slope) · max(0, x); the variance of the last term and its
    covariance with x, the share of x above 0 times its variance, have closed forms.
    """
    deviation = variance.clamp_min(SMALLEST).sqrt()
    ratio = mean / deviation
    above = 0.5 * torch.erfc(-ratio / math.sqrt(2))
    below = 0.5 * torch.erfc(ratio / math.sqrt(2))
    density = torch.exp(-0.5 * ratio**2) / math.sqrt(2 * math.pi)
    found = slope * mean + (1 - slope) * (mean * above + deviation * density)
    # Variance of max(0, x) in units of x's; E[y²] - E[y]² would leave nothing of a small one.
    cut = above + ratio**2 * above * below + ratio * density * (below - above) - density**2
    spread = slope**2 + 2 * slope * (1 - slope) * above + (1 - slope) ** 2 * cut
    return found, (variance * spread).clamp_min(SMALLEST)


def sigmoid_moments(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of the sigmoid by Appendix C, eqs. C.5 and C.7.

    These drop fourth moments and the product of first and third derivative: around 0 the variance
    comes out too large by a share of half the input's variance, 8 % at 0.16.
    """
    value = torch.sigmoid(mean)
    slope = value * (1 - value)
    curvature = slope * (1 - 2 * value)
    expected = value + 0.5 * curvature * variance
    spread = slope**2 * variance - 0.25 * curvature**2 * variance**2
    return expected, spread.clamp_min(SMALLEST)
