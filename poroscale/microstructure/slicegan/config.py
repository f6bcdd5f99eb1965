"""Settings of SliceGAN, in a file of their own, so that they can be read without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from poroscale.config import Config


class SliceGanConfig(Config):
    """Settings for training SliceGAN; the defaults are the published ones.

    Attributes
    ----------
    latent
        Channels of a latent.
    generator
        Channels of the layers of the generator before the last; with n of them there is a latent
        for 2^(n + 1) voxels along each axis.
    upsampling
        Layers of the generator: "transposed" convolutions as published, or "resize" convolutions.
    critic
        Channels of the layers of the critic; its slices have 4 · 2^len(critic) voxels along an
        edge.
    isotropic
        One critic for the slices of all directions, or one for each; None takes one where one
        section stands for all directions.
    turned
        Whether crops are turned by quarters and mirrored at random: four to eight times the data,
        where the medium has no direction.
    epochs
        Epochs at the most; each ends with a checkpoint and a look at volumes that were made.
    steps
        Steps of the generator in an epoch.
    critic_steps
        Steps of a critic on each direction, for each step of the generator.
    batch, critic_batch
        Volumes in a step of the generator and in one of a critic.
    crops
        Real crops for each direction and step of a critic.
    slices
        Slices of each direction and volume that the critics see, chosen at random; None shows all.
    penalty
        Factor of the gradient penalty, on as many slices as there are crops.
    learning_rate, betas
        Of Adam, for all networks.
    generator_rate
        Learning rate of the generator, where it has another one.
    last_rate
        Factor of the learning rate of the generator's last layer. The first weights give mixtures
        of the phases, which part as fast as the weights of this layer grow.
    average
        Share of the past in a running average of the generator's weights, which is what is judged
        and kept; 0 keeps the weights of the last step.
    diagonal
        Whether a critic of its own sees slices at 45° between two axes; of an isotropic medium
        alone.
    pairs
        Factor of a term of S2 in the loss of the generator, which counts once voxels are of one
        phase; 0 leaves it out.
    even
        Factor of a term of the means at the places within the voxels of a latent, which differ
        where a generator repeats itself; it counts as `pairs` does.
    lags
        Largest lag of that term and of the judgement [voxels]; None takes half of a slice.
    patience
        Epochs without a better S2 after which the training ends; None never ends it.
    volumes
        Volumes that are made at the end of an epoch.
    device
        Device on which the networks are trained.
    """

    latent: PositiveInt = 64
    generator: tuple[PositiveInt, ...] = Field((512, 256, 128, 64), min_length=1)
    upsampling: Literal["transposed", "resize"] = "transposed"
    critic: tuple[PositiveInt, ...] = Field((64, 128, 256, 512), min_length=1)
    isotropic: bool | None = None
    turned: bool = False
    epochs: PositiveInt = 100
    steps: PositiveInt = 50
    critic_steps: PositiveInt = 5
    batch: PositiveInt = 8
    critic_batch: PositiveInt = 8
    crops: PositiveInt = 8
    slices: PositiveInt | None = None
    penalty: float = Field(10.0, ge=0)
    learning_rate: float = Field(1e-4, gt=0)
    betas: tuple[float, float] = (0.9, 0.99)
    generator_rate: float | None = Field(None, gt=0)
    last_rate: float = Field(1.0, gt=0)
    average: float = Field(0.0, ge=0, lt=1)
    diagonal: bool = False
    pairs: float = Field(0.0, ge=0)
    even: float = Field(0.0, ge=0)
    lags: PositiveInt | None = None
    patience: PositiveInt | None = None
    volumes: PositiveInt = 4
    device: Literal["cpu", "cuda"] = "cpu"


def small_slicegan() -> SliceGanConfig:
    """A recipe for ten minutes on a CPU: a hundredth of the numbers, a latent for 8³ voxels.

    It is not the published network. A voxel sees three latents along an axis, so that nothing is
    tied over 24 voxels or more; slices have 32² voxels, of which a random part is seen; the critics
    take three steps instead of five. The last layer learns faster, so that voxels come to be of one
    phase early. From then on S2 of the images is a part of what is learnt, and the places within
    the voxels of a latent are made alike. A running average of the weights is kept.
    """
    return SliceGanConfig(
        latent=16,
        generator=(48, 24),
        critic=(16, 32, 64),
        turned=True,
        epochs=40,
        steps=25,
        critic_steps=3,
        batch=4,
        critic_batch=4,
        crops=12,
        slices=12,
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        last_rate=4.0,
        average=0.98,
        pairs=1000.0,
        even=3000.0,
        lags=24,
        patience=16,
    )
