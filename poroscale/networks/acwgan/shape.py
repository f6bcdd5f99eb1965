"""Architecture of the networks of the conditional micrographs (Howland et al., section 3.2).

The paper states what goes in and what comes out, and neither widths nor depth. Those here are the
usual ones of a DCGAN for 128² pixels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

NOISE, EMBEDDING = 100, 20
"""Numbers of the noise, and of the embedding of a condition, as published."""
ONE_WIDTHS, LATTICE_WIDTHS = (1024, 512, 256, 128, 64), (512, 256, 128, 64)
CRITIC_WIDTHS = (64, 128, 256, 512, 1024)
RESNET_WIDTHS = (64, 128, 256, 512)
FIRST_EDGE = 4
"""Edge of the first layer of a generator of one noise, and of the last of a critic."""
GRAIN_REACH = 2
"""Pixels to every side whose noise a pixel of the texture is made of."""
LATTICE_MARGIN = 2
"""Latents along an axis beyond one for each cell, without a body."""
Latents = Literal["one", "lattice"]
CriticKind = Literal["convolutional", "resnet18"]


@dataclass(frozen=True)
class MicrographGanShape:
    """Architecture of generator and critic.

    Attributes
    ----------
    classes
        Levels of each condition; 0 of a continuous one.
    latents
        "one" noise for an image of one size, as published, or a "lattice" of noises for images of
        any size.
    noise, embedding
        Numbers of a noise, and of the embedding of each condition.
    shared
        Numbers of a noise of the lattice that are those of the whole image: its brightness and
        contrast follow from them.
    grain
        Numbers of noise for each pixel, of which a texture is made, and for each place of every
        layer but the first; 0 makes none.
    body
        Channels of convolutions of 3² on the lattice, before the layers that double: they tie
        together what is larger than three latents. Of a lattice alone.
    generator
        Channels of the layers of the generator before the last.
    critic_kind
        "convolutional", or the "resnet18" of the ablation.
    critic
        Channels of the layers, or of the four stages, of the critic.
    projection
        Whether the critic's score is told the conditions.
    """

    classes: tuple[int, ...]
    latents: Latents = "one"
    noise: int = NOISE
    embedding: int = EMBEDDING
    shared: int = 0
    grain: int = 0
    body: tuple[int, ...] = ()
    generator: tuple[int, ...] = ONE_WIDTHS
    critic_kind: CriticKind = "convolutional"
    critic: tuple[int, ...] = CRITIC_WIDTHS
    projection: bool = False

    def __post_init__(self) -> None:
        if not self.classes or not self.generator or not self.critic:
            raise ValueError("the networks must have a condition and a layer each, got none")
        if min(self.noise, self.embedding, *self.generator, *self.critic) < 1:
            raise ValueError("noise, embedding and layers must have one channel each at least")
        if not 0 <= self.shared < self.noise:
            raise ValueError(f"`shared` must be from 0 to {self.noise - 1}, got {self.shared}")
        if self.grain < 0:
            raise ValueError(f"`grain` must be 0 or more, got {self.grain}")
        for name in ("body", "shared"):
            if getattr(self, name) and self.latents == "one":
                raise ValueError(f"`{name}` must be left out without `latents: lattice`")
        if self.critic_kind == "resnet18" and len(self.critic) != len(RESNET_WIDTHS):
            raise ValueError(f"a resnet18 must have four stages, got {len(self.critic)}")

    @property
    def told(self) -> int:
        """Channels that the body reads: the noises of a place alone, and all embeddings."""
        return self.noise - self.shared + self.embedding * len(self.classes)

    @property
    def heads(self) -> tuple[int, ...]:
        """Outputs of the critic beside its score: the logits of a condition, or its number."""
        return tuple(max(1, each) for each in self.classes)

    @property
    def cell(self) -> int:
        """Pixels along an axis for each latent of a lattice; the edge of an image of one noise."""
        if self.latents == "one":
            return int(FIRST_EDGE * 2 ** len(self.generator))
        return int(2 ** (len(self.generator) + 1))

    @property
    def channels(self) -> list[tuple[int, int]]:
        """Channels that each layer of the generator behind the body reads and makes."""
        outputs = [*self.generator, 1]
        inputs = [(self.told, *self.body)[-1], *(each + self.grain for each in self.generator)]
        return list(zip(inputs, outputs, strict=True))

    def grain_of(self, edge: int) -> list[int]:
        """Places along an axis with noises of their own, of an image or tile of so many pixels.

        Of each layer but the first, as many as it reads; then of the pixels, with the reach of the
        texture.
        """
        if self.latents == "one":
            places = [FIRST_EDGE * 2**k for k in range(len(self.generator))]
        else:
            cells = edge // self.cell
            places = [2**k * cells + 2 for k in range(1, len(self.generator) + 1)]
        return [*places, edge + 2 * GRAIN_REACH]

    @property
    def margin(self) -> int:
        """Latents of a lattice along an axis beyond one for each cell."""
        return LATTICE_MARGIN + 2 * len(self.body)

    def latents_of(self, edge: int) -> int:
        """Latents along an axis of an image.

        Raises
        ------
        ValueError
            If no image of the generator has this edge.
        """
        if self.latents == "one":
            if edge != self.cell:
                raise ValueError(
                    f"a generator of one noise makes images of {self.cell} pixels, got {edge}"
                )
            return 1
        if edge < 1 or edge % self.cell:
            raise ValueError(f"an edge must be a multiple of {self.cell} pixels, got {edge}")
        return edge // self.cell + self.margin

    @property
    def stored(self) -> dict[str, Any]:
        """The architecture as JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def check_chip(shape: MicrographGanShape, edge: int) -> None:
    """Refuse a chip that generator or critic cannot have.

    Raises
    ------
    ValueError
        Naming the one that does not fit.
    """
    wanted = int(FIRST_EDGE * 2 ** len(shape.critic))
    if shape.critic_kind == "convolutional" and edge != wanted:
        raise ValueError(
            f"`critic` must have layers for chips of {edge} pixels, got {len(shape.critic)} for "
            f"{wanted}"
        )
    try:
        shape.latents_of(edge)
    except ValueError as error:
        raise ValueError(f"`generator` must make chips of {edge} pixels: {error}") from None
