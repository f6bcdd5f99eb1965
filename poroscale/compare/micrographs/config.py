"""Settings of a comparison of micrographs."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from poroscale.config import Config


class CompareSemConfig(Config):
    """Settings for comparing generated micrographs with real ones.

    Attributes
    ----------
    conditions
        Kind of each condition as "NAME=KIND", with commas between: "category", "thirds",
        "continuous" or "logarithmic"; None takes those of the model that made the images.
    chip
        Edge of a chip [pixels]; None takes 128, or the shortest edge of the images, and halves it,
        not below 16, until each setting has four chips on either side.
    chips
        Chips of each setting and side, at the most.
    splits
        Ways to split the real images of a setting into halves.
    resamples
        Bootstrap samples of an interval.
    directions
        Directions of a sliced-Wasserstein distance.
    seed
        Number from which halves, resamples and directions are drawn.
    """

    conditions: str | None = None
    chip: int | None = Field(None, ge=7)  # as large as a patch
    chips: int = Field(1000, ge=8)
    splits: PositiveInt = 8
    resamples: int = Field(100, ge=10)
    directions: PositiveInt = 64
    seed: int = Field(0, ge=0, lt=2**64)
