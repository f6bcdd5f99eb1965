"""vqVAE in 3D: the latent is a code book (section 3.2.2 of the pore-segmentation paper).

Three convolutions of 4³ with stride 2, one of 3³ and two residual blocks before and after; the code
book follows moving averages of what is assigned to it. One stage more than in the original, for
patches of 64³.

The paper gives no widths. Inferred, as they give Table 8's 2.511 million parameters and (at the
size of the outputs) its 8.47 G multiply-accumulates: 32, 64 and 128 channels, 32 inside a residual
block without bias, codes of 64 numbers, and that the count has the code book and its moving sums,
512 x 64 each. Only 2.446 million of these follow a gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from poroscale.networks.convolutions import widened
from poroscale.networks.segmenter import Autoencoder, absolute_difference

CHANNELS = (32, 64, 128)
RESIDUAL, RESIDUAL_BLOCKS = 32, 2
CODE, CODES = 64, 512
COMMITMENT, DECAY = 0.25, 0.99
HALO = 72
"""Six convolutions of 3³ on the coarsest level, and the ways down and up."""
EMPTY = 1e-5
"""Added to the sizes of codes, so that none is divided by zero."""


class CodeBook(nn.Module):
    """Codes that follow the mean of what is nearest to them.

    Attributes
    ----------
    codes, sums : Tensor (CODES, length)
    counts : Tensor (CODES,)
        Moving averages; buffers, because no gradient moves them.
    """

    codes: Tensor
    sums: Tensor
    counts: Tensor

    def __init__(self, length: int, number: int) -> None:
        super().__init__()
        drawn = torch.randn(number, length)
        self.register_buffer("codes", drawn)
        self.register_buffer("sums", drawn.clone())
        self.register_buffer("counts", torch.ones(number))

    def forward(self, field: Tensor) -> tuple[Tensor, Tensor]:
        """Field (n, length, z, y, x) in codes, with the gradient of the field; the commitment."""
        field = field.to(self.codes.dtype)  # moving averages would stand still in half precision
        flat = field.movedim(1, -1).flatten(0, -2)
        nearest = torch.cdist(flat.detach(), self.codes).argmin(dim=1)
        quantised = self.codes[nearest].reshape(field.movedim(1, -1).shape).movedim(-1, 1)
        commitment = functional.mse_loss(field, quantised)
        if self.training:
            self._follow(flat.detach(), nearest)
        return field + (quantised - field).detach(), commitment

    def _follow(self, flat: Tensor, nearest: Tensor) -> None:
        number = len(self.codes)
        found = torch.zeros_like(self.sums).index_add_(0, nearest, flat)
        count = torch.bincount(nearest, minlength=number).to(flat.dtype)
        self.counts.mul_(DECAY).add_(count, alpha=1 - DECAY)
        self.sums.mul_(DECAY).add_(found, alpha=1 - DECAY)
        total = self.counts.sum()
        sizes = (self.counts + EMPTY) / (total + number * EMPTY) * total
        self.codes.copy_(self.sums / sizes[:, None])


class _Residual(nn.Module):
    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.Conv3d(channels, inner, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.Conv3d(inner, channels, 1, bias=False),
        )

    def forward(self, field: Tensor) -> Tensor:
        found: Tensor = field + self.layers(field)
        return found


class VQVAE(Autoencoder):
    """The vector-quantised VAE.

    Parameters
    ----------
    width
        Factor of the channels, the code's length and the number of codes.
    edge
        Edge of the patches [voxels], a multiple of 8 from 16 on.
    """

    halo = HALO

    def __init__(self, width: float = 1.0, edge: int = 64) -> None:
        super().__init__(edge)
        first, second, last = widened(CHANNELS, width)
        inner, code, codes = widened((RESIDUAL, CODE, CODES), width)

        def residuals() -> list[nn.Module]:
            return [*(_Residual(last, inner) for _ in range(RESIDUAL_BLOCKS)), nn.ReLU()]

        self.encoder = nn.Sequential(
            nn.Conv3d(1, first, 4, 2, 1),
            nn.ReLU(),
            nn.Conv3d(first, second, 4, 2, 1),
            nn.ReLU(),
            nn.Conv3d(second, last, 4, 2, 1),
            nn.ReLU(),
            nn.Conv3d(last, last, 3, padding=1),
            *residuals(),
            nn.Conv3d(last, code, 1),
        )
        self.book = CodeBook(code, codes)
        self.decoder = nn.Sequential(
            nn.Conv3d(code, last, 3, padding=1),
            *residuals(),
            nn.ConvTranspose3d(last, second, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose3d(second, first, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose3d(first, 1, 4, 2, 1),
            nn.Sigmoid(),
        )

    def loss(self, patches: Tensor, truth: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        coded, commitment = self.book(self.encoder(patches))
        error = absolute_difference(patches, self.decoder(coded))
        return {
            "loss": error + COMMITMENT * commitment,
            "l1": error.detach(),
            "commitment": commitment.detach(),
        }

    def reconstruct(self, patches: Tensor) -> Tensor:
        """From the nearest codes."""
        found: Tensor = self.decoder(self.book(self.encoder(patches))[0])
        return found
