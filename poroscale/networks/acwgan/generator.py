"""The generator: noise and the embeddings of the conditions to a grey image.

As published, one noise with its embeddings becomes a map of 4² pixels, which transposed
convolutions double. On a lattice, each place has a noise of its own and the same embeddings. Its
convolutions follow the rules of SliceGAN (kernel 4, stride 2, padding 2, the last 3): every pixel
is made of as many latents as any other, so that images of any size have neither border nor seam.

White noise is what convolutions of few noises make worst. With grain, each pixel has noises of its
own: a small filter makes a texture of them, as strong as the conditions want it. Every layer but
the first reads noises of its places, too (as Karras et al. 2019). Else a particle would lie where
the lattice has a place, and never between.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from poroscale.networks.acwgan.embedding import ConditionEmbedding
from poroscale.networks.acwgan.shape import GRAIN_REACH, MicrographGanShape

KERNEL, STRIDE = 4, 2
FIRST_GRAIN, FAINTEST_GRAIN = 0.1, 1e-3
"""Standard deviations of a texture, of a range of two: where none is measured, and at least."""


class MicrographGenerator(nn.Module):
    """Noise and codes to images from -1 to 1.

    Parameters
    ----------
    shape
        Architecture.
    """

    def __init__(self, shape: MicrographGanShape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = ConditionEmbedding(shape.classes, shape.embedding)
        body: list[nn.Module] = []
        for a, b in itertools.pairwise([shape.told, *shape.body]):
            body += [nn.Conv2d(a, b, 3, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*body)
        layers: list[nn.Module] = []
        last = len(shape.generator)
        for number, (a, b) in enumerate(shape.channels):
            stride, padding = self._step(number, last)
            layers.append(nn.ConvTranspose2d(a, b, KERNEL, stride, padding, bias=number == last))
            if number < last:
                layers += [nn.BatchNorm2d(b), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        if shape.grain:
            self.texture = nn.Conv2d(shape.grain, 1, 2 * GRAIN_REACH + 1, bias=False)
            self.strength = nn.Linear(shape.embedding * len(shape.classes), 1)
            self.begin_grain()

    def begin_grain(self, texture: Tensor | None = None) -> None:
        """First weights of the texture, the same in every setting.

        Parameters
        ----------
        texture
            (5, 5) filter of white noise, as `micrographs.gan.texture` measures it; None takes a
            faint white noise. A strong one drowns what the convolutions make, and `tanh` leaves it
            no gradient.
        """
        if texture is None:
            texture = torch.zeros(self.texture.weight.shape[2:])
            texture[GRAIN_REACH, GRAIN_REACH] = FIRST_GRAIN
        strength = texture.norm().clamp(min=FAINTEST_GRAIN)
        many = self.shape.grain
        with torch.no_grad():
            self.texture.weight.copy_((texture / strength / many**0.5).expand(1, many, -1, -1))
            # softplus of it is the strength
            self.strength.bias.copy_(torch.log(torch.expm1(strength)).expand(1))
        nn.init.zeros_(self.strength.weight)

    def _step(self, number: int, last: int) -> tuple[int, int]:
        """Stride and padding of a layer."""
        if self.shape.latents == "lattice":
            return STRIDE, 3 if number == last else 2
        return (1, 0) if number == 0 else (STRIDE, 1)

    def forward(
        self, noise: Tensor, codes: Tensor, grain: Sequence[Tensor] | None = None
    ) -> Tensor:
        """Images (n, 1, rows, columns).

        Parameters
        ----------
        noise
            (n, noise, l, m).
        codes
            (n, conditions).
        grain
            Of a generator with grain: noises (n, grain, rows, columns) of the places of each layer
            but the first, and of the pixels, as `MicrographGanShape.grain_of` counts them.
        """
        embedded = self.embedding(codes)
        told = embedded[:, :, None, None].expand(-1, -1, *noise.shape[2:])
        values = self.body(torch.cat([noise, told], dim=1))
        if grain is None:
            return torch.tanh(self.layers(values))
        between = iter(grain)
        for layer in self.layers:
            values = layer(values)
            if isinstance(layer, nn.ReLU):
                values = torch.cat([values, next(between)], dim=1)
        strength = functional.softplus(self.strength(embedded))[:, :, None, None]
        return torch.tanh(values + strength * self.texture(next(between)))


def drawn_noise(shape: MicrographGanShape, count: int, edge: int) -> Tensor:
    """Noise (count, noise, l, l) of square images, drawn by torch on the CPU."""
    latents = shape.latents_of(edge)
    found = torch.randn(count, shape.noise, latents, latents)
    if shape.shared:
        found[:, : shape.shared] = found[:, : shape.shared, :1, :1]
    return found


def drawn_grain(shape: MicrographGanShape, count: int, edge: int) -> list[Tensor] | None:
    """Grain of square images, as the generator reads it, drawn by torch; None of none."""
    if not shape.grain:
        return None
    return [torch.randn(count, shape.grain, each, each) for each in shape.grain_of(edge)]
