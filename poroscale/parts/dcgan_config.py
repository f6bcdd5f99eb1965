"""How the GAN of pores is trained; apart from it, so that settings can be read without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from poroscale.config import Config


class DcganConfig(Config):
    """How the GAN is trained and used; the defaults are the published ones.

    Attributes
    ----------
    generator, critic
        Channels of the layers; the box has 4 · 2^len(generator) voxels along an edge.
    epochs, batch, learning_rate
        Of the training.
    pores
        How many boxes are drawn for the bank.
    device
        Where it is trained.
    """

    generator: tuple[PositiveInt, ...] = (512, 256, 128, 64)
    critic: tuple[PositiveInt, ...] = (16, 32, 64, 128)
    epochs: PositiveInt = 40
    batch: PositiveInt = 32
    learning_rate: float = Field(2e-5, gt=0)
    pores: PositiveInt = 50_000
    device: Literal["cpu", "cuda"] = "cpu"
