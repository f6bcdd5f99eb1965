"""Settings of the conditional network, in a file of their own: they are read without torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from poroscale.config import Config
from poroscale.micrographs.chips import EDGE, STRIDE

Beta = Annotated[float, Field(ge=0, lt=1)]
Change = Literal["turn", "shift", "cutout", "brightness", "contrast"]


class SemChipConfig(Config):
    """Settings for the chips of a training.

    Attributes
    ----------
    edge
        Edge of a chip [pixels].
    stride
        Distance of the first pixels of neighbouring chips [pixels].
    validation
        Share of the specimens whose images are not trained on; 0 takes none.
    """

    edge: PositiveInt = EDGE
    stride: PositiveInt = STRIDE
    validation: float = Field(0.1, ge=0, lt=1)


class SemGanConfig(Config):
    """Settings for training the conditional network; the defaults are the published ones.

    Where the paper states nothing, they are those of Gulrajani et al. (2017), as the critic's
    steps, the learning rate and its betas, and those of a DCGAN, as the widths.

    Attributes
    ----------
    latents
        "one" noise for a chip, as published, or a "lattice" of noises for images of any size.
    noise, embedding
        Numbers of a noise, and of the embedding of each condition.
    shared
        Numbers of each noise of a lattice that are those of the whole image: its brightness and
        contrast follow from them.
    grain
        Numbers of noise for each pixel, of which a filter of 5² makes a texture, whose strength
        follows from the conditions, and for each place of every layer but the first. 0 leaves them
        out.
    body
        Channels of convolutions of 3² on a lattice, before the layers that double; each ties two
        more noises along each axis together.
    generator
        Channels of the layers of the generator before the last; None takes 1024 to 64 for one
        noise, and 512 to 64 for a lattice.
    critic_kind
        "convolutional", or the "resnet18" of the ablation.
    critic
        Channels of the layers of the critic, or of the four stages of a resnet18; None takes 64 to
        1024, or 64 to 512.
    projection
        Whether the critic's score is told the conditions, by a projection: it judges a chip as one
        of its setting.
    epochs
        Epochs; each ends with a checkpoint.
    steps
        Steps of the generator in an epoch; None shows every chip once.
    batch
        Chips in a step of either network.
    critic_steps
        Steps of the critic for each step of the generator.
    penalty, classification
        Factors of the gradient penalty, and of what the heads of the critic have wrong.
    generator_classification
        Factor of what the critic's heads have wrong of made chips, in the loss of the generator.
    learning_rate, betas, weight_decay
        Of AdamW, for both networks.
    decay
        Share of the training at its end over which the learning rate falls to zero, in a straight
        line; 0 keeps it.
    balanced
        Whether every setting of the conditions is drawn as often as any other.
    augment
        Changes that real and made chips undergo before the critic sees them: "turn", "shift",
        "cutout", "brightness", "contrast".
    consistency
        Factor of how far the critic's scores of a chip and of a changed one are apart; 0 leaves it
        out.
    area
        Factor of a term of the share of the area above ten levels, in the loss of the generator; 0
        leaves it out.
    topology
        Factor of what a second critic says, which sees persistence images of holes instead of
        chips; 0 leaves it out.
    averages
        Factor of how far the running averages of the persistence images of made chips of each
        setting, and of the area of their openings, which tell how large particles are, are from
        those of real ones, in the loss of the generator; 0 leaves it out.
    averages_after
        Steps of the generator after which it counts: the critic comes first.
    vicinity
        Standard deviation by which continuous conditions of made chips are moved, as a share of
        their span: settings between those of the training are made, too.
    average
        Share of the past in a running average of the generator's weights, which is what is kept; 0
        keeps those of the last step.
    mixed
        Whether networks compute in bfloat16 where that is safe: faster on a GPU.
    device
        Device on which the networks are trained.
    """

    latents: Literal["one", "lattice"] = "one"
    noise: PositiveInt = 100
    embedding: PositiveInt = 20
    shared: int = Field(0, ge=0)
    grain: int = Field(0, ge=0)
    body: tuple[PositiveInt, ...] = ()
    generator: tuple[PositiveInt, ...] | None = Field(None, min_length=1)
    critic_kind: Literal["convolutional", "resnet18"] = "convolutional"
    critic: tuple[PositiveInt, ...] | None = Field(None, min_length=1)
    projection: bool = False
    epochs: PositiveInt = 400
    steps: PositiveInt | None = None
    batch: PositiveInt = 64
    critic_steps: PositiveInt = 5
    penalty: float = Field(10.0, ge=0)
    classification: float = Field(5.0, ge=0)
    generator_classification: float = Field(1.0, ge=0)
    learning_rate: float = Field(1e-4, gt=0)
    betas: tuple[Beta, Beta] = (0.0, 0.9)
    weight_decay: float = Field(0.01, ge=0)
    decay: float = Field(0.0, ge=0, le=1)
    balanced: bool = False
    augment: tuple[Change, ...] = ()
    consistency: float = Field(0.0, ge=0)
    area: float = Field(0.0, ge=0)
    topology: float = Field(0.0, ge=0)
    averages: float = Field(0.0, ge=0)
    averages_after: int = Field(0, ge=0)
    vicinity: float = Field(0.0, ge=0, le=1)
    average: float = Field(0.0, ge=0, lt=1)
    mixed: bool = False
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def trained(self) -> dict[str, Any]:
        """What the weights follow from: not on what, and not how long, unless the rate falls."""
        left_out = {"device"} if self.decay else {"epochs", "device"}
        return self.model_dump(mode="json", exclude=left_out)


def small_sem_gan() -> SemGanConfig:
    """A recipe for minutes on a CPU, for chips of 64²: not the published network.

    A lattice with a noise for 8² pixels, narrow layers with grain, a critic that is told the
    setting, settings drawn evenly, chips turned, terms of areas and averages, a critic of
    persistence images, a rate that falls, and a running average of the weights.
    """
    return SemGanConfig(
        latents="lattice",
        noise=18,
        embedding=8,
        shared=2,
        grain=2,
        body=(96, 96),
        generator=(48, 24),
        critic=(16, 32, 64, 96),
        projection=True,
        classification=1.0,
        generator_classification=0.1,
        epochs=50,
        steps=50,
        batch=24,
        critic_steps=2,
        learning_rate=1e-3,
        decay=0.4,
        balanced=True,
        augment=("turn",),
        area=5.0,
        topology=1.0,
        averages=2.0,
        averages_after=1300,
        vicinity=0.05,
        average=0.98,
    )
