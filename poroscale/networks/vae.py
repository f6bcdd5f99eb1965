"""VAE and context-encoding VAE in 3D (section 3.2.2 of the pore-segmentation paper).

Encoder: four convolutions of 3³ with stride 2, then one that spans what is left and gives mean and
logarithm of the variance, half of its channels each. Decoder: transposed convolutions that do not
overlap (one of the latent's whole box, then four of 2³ with stride 2), each followed by a 3³
convolution; a sigmoid at the end. The latent's channels pass no activation, because a mean may be
negative.

The widths are the authors'. Inferred, as it gives the 29.024 and 140.650 million parameters and
the 3.70 and 8.34 G multiply-accumulates of Table 8 (transposed convolutions at the size of their
outputs): which kernels are 3³, which span the rest, and which have no bias. That the masked half of
ceVAE's loss uses the latent's mean, unlike its other half, is our choice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from poroscale.networks.convolutions import SLOPE, convolution, widened
from poroscale.networks.segmenter import Autoencoder, absolute_difference

VAE_CHANNELS = (32, 64, 128, 256, 1024)
CE_CHANNELS = (16, 64, 256, 1024, 1024)
"""The last is twice the latent's length."""
KL_WEIGHT = 1e-5
MASK_EDGES = (4, 16)
"""Edges of a masked box in a patch of 64."""
LOG_VARIANCE = (-20.0, 10.0)
DOWN = 16
"""Factor between the edge of a patch and that of the field under the latent."""


class Latent(nn.Module):
    """Patches to mean and logarithm of the variance, each (n, latent, 1, 1, 1)."""

    def __init__(self, channels: tuple[int, ...], edge: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((1, *channels[:-2]), channels[:-1], strict=True):
            step = nn.Conv3d(before, after, 3, stride=2, padding=1, padding_mode="replicate")
            nn.init.kaiming_normal_(step.weight, SLOPE)
            layers += [step, nn.LeakyReLU(SLOPE)]
        layers.append(nn.Conv3d(channels[-2], channels[-1], edge // DOWN, bias=False))
        self.layers = nn.Sequential(*layers)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of patches (n, 1, edge, edge, edge)."""
        mean, log_variance = self.layers(patches).chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE)


def decoder_layers(channels: tuple[int, ...], edge: int) -> list[nn.Module]:
    """The decoder from the latent (n, channels[-1] / 2, 1, 1, 1) to patches in [0, 1]."""
    before, layers = channels[-1] // 2, list[nn.Module]()
    for after in (*channels[-2::-1], 1):
        first = before == channels[-1] // 2 and not layers
        kernel = edge // DOWN if first else 2
        stride = 1 if first else 2
        layers += [
            nn.ConvTranspose3d(before, after, kernel, stride=stride, bias=not first),
            convolution(after, after),
            nn.LeakyReLU(SLOPE),
        ]
        before = after
    layers[-1] = nn.Sigmoid()
    nn.init.xavier_normal_(layers[-2].weight)  # type: ignore[arg-type]
    return layers


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence from the standard normal law: sum over a latent, mean over n."""
    each = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
    return each.flatten(1).sum(dim=1).mean()


class VAE(Autoencoder):
    """The variational autoencoder.

    Parameters
    ----------
    width
        Factor of the channels and of the latent.
    edge
        Edge of the patches [voxels], a multiple of 16.
    """

    multiple = DOWN
    channels = VAE_CHANNELS

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(edge)
        channels = widened(self.channels, width)
        self.encoder = Latent(channels, edge)
        self.decoder = self._decoder(channels, edge)

    def _decoder(self, channels: tuple[int, ...], edge: int) -> nn.Module:
        return nn.Sequential(*decoder_layers(channels, edge))

    def loss(self, patches: Tensor, truth: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        mean, log_variance = self.encoder(patches)
        drawn = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        error = absolute_difference(patches, self.decoder(drawn))
        kl = divergence(mean, log_variance)
        return {"loss": error + KL_WEIGHT * kl, "l1": error.detach(), "kl": kl.detach()}

    def reconstruct(self, patches: Tensor) -> Tensor:
        """From the mean of the latent, so that nothing is random."""
        found: Tensor = self.decoder(self.encoder(patches)[0])
        return found


class CEVAE(VAE):
    """The context-encoding VAE.

    Half of its loss is that of the VAE, half the absolute difference of the reconstruction of a
    masked patch from the patch itself, unmasked: the network has to fill in what is missing. One
    or two boxes are masked by 0. (In the authors' code the target loses the boxes, too.)
    """

    channels = CE_CHANNELS

    def loss(self, patches: Tensor, truth: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        parts = super().loss(patches)
        filled = self.reconstruct(masked(patches))
        context = absolute_difference(patches, filled)
        return {**parts, "loss": 0.5 * (parts["loss"] + context), "context": context.detach()}


def masked(patches: Tensor) -> Tensor:
    """A copy of patches (n, 1, e, e, e), each with one or two boxes of zeros."""
    found, edge = patches.clone(), patches.shape[-1]
    low, high = (max(1, round(each * edge / 64)) for each in MASK_EDGES)
    for patch in found:
        for _ in range(int(torch.randint(1, 3, ()))):
            size = torch.randint(low, high + 1, (3,)).tolist()
            corner = [int(torch.randint(0, edge - each + 1, ())) for each in size]
            box = tuple(slice(c, c + s) for c, s in zip(corner, size, strict=True))
            patch[(slice(None), *box)] = 0
    return found
