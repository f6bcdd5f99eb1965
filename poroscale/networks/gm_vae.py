"""gmVAE in 3D: a mixture of normal laws over the latent (section 3.2.2 of the paper).

After Dilokthanakul et al. (2016). Every voxel of the coarsest level has a latent z, drawn from one
of c laws whose means and variances a second latent w sets. Losses: L1, and with the authors'
weights the conditional prior of z (1e-12), the prior of w (1e-7) and that of the mixture (1e-9).

Channels, c = 500, z = 200 and w = 150 are the authors'. Inferred, as they give Table 8's 383.650
million parameters and its 207 G multiply-accumulates: double convolutions on five levels, average
pooling, 1³ convolutions between the deepest level (1/16 of the edge) and the latents, those to z, w
and the laws without bias, and a decoder of transposed 2³ convolutions, each followed by a double
one. A reconstruction does without the laws: 13 G less.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from poroscale.networks.convolutions import SLOPE, convolution, double, widened
from poroscale.networks.segmenter import Autoencoder, absolute_difference
from poroscale.networks.vae import divergence

CHANNELS = (16, 64, 256, 1024, 1024)
MIXTURE, LATENT, SECOND = 500, 200, 150
HALO = 112
"""Two convolutions on each of five levels down and four up, the last one, and pooling."""
LOG_VARIANCE = (-10.0, 10.0)
"""The ratio of two variances, up to e²⁰, stays small under its weight of 1e-12."""
CONDITIONAL_WEIGHT, SECOND_WEIGHT, MIXTURE_WEIGHT = 1e-12, 1e-7, 1e-9


class GMVAE(Autoencoder):
    """The Gaussian-mixture VAE.

    Parameters
    ----------
    width
        Factor of the channels, of both latents and of the number of laws.
    edge
        Edge of the patches [voxels], a multiple of 16.
    """

    multiple = 16
    halo = HALO

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(edge)
        channels = widened(CHANNELS, width)
        self.laws, self.latent, self.second = widened((MIXTURE, LATENT, SECOND), width)
        before = (1, *channels[:-1])
        self.down = nn.ModuleList(
            double(a, b, dropout=0.0) for a, b in zip(before, channels, strict=True)
        )
        deepest = channels[-1]
        self.to_second = nn.ModuleList(_pointwise(deepest, self.second) for _ in range(2))
        self.to_latent = nn.ModuleList(_pointwise(deepest, self.latent) for _ in range(2))
        self.from_second = nn.Sequential(nn.Conv3d(self.second, deepest, 1), nn.LeakyReLU(SLOPE))
        self.to_laws = nn.ModuleList(_pointwise(deepest, self.latent * self.laws) for _ in range(2))
        self.up = nn.Sequential(*_decoder(channels, self.latent))

    def _encode(self, patches: Tensor) -> Tensor:
        field = patches
        for i, block in enumerate(self.down):
            field = block(field if i == 0 else functional.avg_pool3d(field, 2))
        return field

    def loss(self, patches: Tensor, truth: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        field = self._encode(patches)
        mean, spread = _moments(self.to_latent, field)
        second_mean, second_spread = _moments(self.to_second, field)
        latent = _drawn(mean, spread)
        means, spreads = _moments(
            self.to_laws, self.from_second(_drawn(second_mean, second_spread))
        )
        shape = (len(patches), self.laws, self.latent, *mean.shape[2:])
        means, spreads = means.view(shape), spreads.view(shape)
        share = _responsibilities(latent, means, spreads)
        error = absolute_difference(patches, self.up(latent))
        priors = {
            "conditional": _between(mean, spread, means, spreads, share),
            "second": divergence(second_mean, second_spread),
            "mixture": (share * (share + 1e-12).log()).sum(1).mean(0).sum()
            + math.log(self.laws) * share[0, 0].numel(),
        }
        weights = (CONDITIONAL_WEIGHT, SECOND_WEIGHT, MIXTURE_WEIGHT)
        total = error + sum(w * each for w, each in zip(weights, priors.values(), strict=True))
        return {"loss": total, "l1": error.detach()} | {k: v.detach() for k, v in priors.items()}

    def reconstruct(self, patches: Tensor) -> Tensor:
        """From the mean of the latent."""
        found: Tensor = self.up(self.to_latent[0](self._encode(patches)))
        return found


def _pointwise(before: int, after: int) -> nn.Conv3d:
    return nn.Conv3d(before, after, 1, bias=False)


def _decoder(channels: tuple[int, ...], latent: int) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv3d(latent, channels[-1], 1), nn.LeakyReLU(SLOPE)]
    for before, after in zip(channels[:0:-1], channels[-2::-1], strict=True):
        layers += [nn.ConvTranspose3d(before, before, 2, stride=2)]
        layers += [double(before, after, dropout=0.0)]
    return [*layers, convolution(channels[0], 1), nn.Sigmoid()]


def _moments(layers: nn.ModuleList, field: Tensor) -> tuple[Tensor, Tensor]:
    return layers[0](field), layers[1](field).clamp(*LOG_VARIANCE)


def _drawn(mean: Tensor, log_variance: Tensor) -> Tensor:
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


def _responsibilities(latent: Tensor, means: Tensor, spreads: Tensor) -> Tensor:
    """(n, laws, z, y, x) posterior of the laws at every voxel."""
    square = (latent[:, None] - means) ** 2
    log_likelihood = -0.5 * (square * torch.exp(-spreads) + spreads).sum(dim=2)
    return torch.softmax(log_likelihood, dim=1)


def _between(mean: Tensor, spread: Tensor, means: Tensor, spreads: Tensor, share: Tensor) -> Tensor:
    """Divergence of the latent's law from each of the mixture, by share."""
    ratio = torch.exp(spread[:, None] - spreads)
    square = (mean[:, None] - means) ** 2 * torch.exp(-spreads)
    each = 0.5 * (ratio + square - 1 - spread[:, None] + spreads).sum(dim=2)
    return (share * each).sum(dim=1).mean(dim=0).sum()
