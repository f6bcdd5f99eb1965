"""Settings of the GAN of pores, in a file of their own, so that they can be read without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from poroscale.config import Config


class DcganConfig(Config):
    """Settings for training and using the GAN; the defaults are the published ones.

    Attributes
    ----------
    generator
        Channels of the layers of the generator; the box has 4 · 2^len(generator) voxels along an
        edge.
    critic
        Channels of the layers of the critic.
    epochs
        Number of passes over all pores.
    batch
        Number of pores in a step.
    learning_rate
        Learning rate of both networks.
    pores
        Number of boxes that are drawn for the bank.
    device
        Device on which the GAN is trained.
    """

    generator: tuple[PositiveInt, ...] = (512, 256, 128, 64)
    critic: tuple[PositiveInt, ...] = (16, 32, 64, 128)
    epochs: PositiveInt = 40
    batch: PositiveInt = 32
    learning_rate: float = Field(2e-5, gt=0)
    pores: PositiveInt = 50_000
    device: Literal["cpu", "cuda"] = "cpu"
