"""The generator: noise and the embeddings of the conditions to a grey image.

As published, one noise with its embeddings becomes a map of 4² pixels, which transposed
convolutions double. On a lattice, each place has a noise of its own and the same embeddings. Its
convolutions follow the rules of SliceGAN (kernel 4, stride 2, padding 2, the last 3): every pixel
is made of as many latents as any other, so that images of any size have neither border nor seam.

White noise is what convolutions of few noises make worst. With grain, each pixel has noises of its
own: a small filter makes a texture of them, as strong as the conditions want it. Every layer but
the first reads noises of its places, too (as Karras et al. 2019). Else a particle would lie where
the lattice has a place, and never between.

Noises that a whole image shares move its brightness and contrast alone. The critic sees no more
than chips: if the layers read them, particles of one image would be more numerous than those of
the next, and nothing would correct it.
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
FIRST_EXPOSURE = 0.02
"""Standard deviation of the first weights from shared noises to brightness and contrast."""
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
        if shape.shared:
            self.exposure = nn.Linear(shape.shared, 2)
            nn.init.normal_(self.exposure.weight, 0.0, FIRST_EXPOSURE)
            nn.init.zeros_(self.exposure.bias)
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
            (n, noise, l, m); the first ones are those of the whole image, if the shape has any.
        codes
            (n, conditions).
        grain
            Of a generator with grain: noises (n, grain, rows, columns) of the places of each layer
            but the first, and of the pixels, as `MicrographGanShape.grain_of` counts them.
        """
        embedded, shared = self.embedding(codes), self.shape.shared
        told = embedded[:, :, None, None].expand(-1, -1, *noise.shape[2:])
        values = self.body(torch.cat([noise[:, shared:], told], dim=1))
        between = iter(grain or ())
        for layer in self.layers:
            values = layer(values)
            if grain is not None and isinstance(layer, nn.ReLU):
                values = torch.cat([values, next(between)], dim=1)
        if grain is not None:
            strength = functional.softplus(self.strength(embedded))[:, :, None, None]
            values = values + strength * self.texture(next(between))
        return torch.tanh(self._exposed(values, noise[:, :shared, 0, 0]))

    def _exposed(self, values: Tensor, shared: Tensor) -> Tensor:
        """Images as bright and as rich in contrast as their shared noises (n, shared) want them."""
        if not self.shape.shared:
            return values
        brighter, stronger = self.exposure(shared)[:, :, None, None, None].unbind(1)
        return torch.exp(stronger) * values + brighter


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
