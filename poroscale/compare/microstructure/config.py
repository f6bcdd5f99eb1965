"""Settings of the comparison of microstructures."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from poroscale.config import Config

ComparedStatistic = Literal[
    "surface", "s2", "lineal_path", "chords", "connectivity", "c2", "betti", "thickness"
]
STANDARD: tuple[ComparedStatistic, ...] = get_args(ComparedStatistic)[:-1]
"""What is compared where nothing is asked for: all but the thickness, which takes longest."""


class CompareMicrostructureConfig(Config):
    """What is compared, and how the samples are cut.

    Attributes
    ----------
    which
        Names of the statistics, with commas between them: surface, s2, lineal_path, chords,
        connectivity, c2, betti, thickness; None takes all but the thickness. The fraction is always
        given.
    plane
        Plane of the reference in the generated volumes, where it is an image: axes of its rows and
        columns. None takes sections of all three planes: one image stands for all directions.
    samples
        Sub-volumes or sub-images of the reference at most. None takes 8 volumes, or 16 images.
    sections
        Sections of each generated volume in each plane, where the reference is an image.
    edge
        Edge of the samples at most [voxels]; None takes the largest with which the reference gives
        8 sub-volumes, or 4 sub-images.
    lags
        Largest lag of the curves [voxels]; None takes half of the longest edge of a sample, 64 at
        most.
    limit
        Largest ratio that counts as within: the difference of generated and reference over the
        standard deviation between samples of the reference. Of few samples twice the ratio that
        chance gives is allowed, where that is more.
    voxel_um
        Edge of a voxel of the reference, for pictures that do not state it [um]; None takes that of
        the generated volumes.
    """

    which: tuple[ComparedStatistic, ...] | None = None
    plane: Literal["yx", "zx", "zy"] | None = None
    samples: PositiveInt | None = Field(None, ge=2)
    sections: PositiveInt = 4
    edge: PositiveInt | None = Field(None, ge=8)
    lags: PositiveInt | None = None
    limit: PositiveFloat = 1.0
    voxel_um: PositiveFloat | None = None

    @field_validator("which", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """Names of one string, as the command line takes them."""
        return [name.strip() for name in given.split(",")] if isinstance(given, str) else given

    @property
    def wanted(self) -> tuple[ComparedStatistic, ...]:
        """Names of the statistics that are compared."""
        return STANDARD if self.which is None else self.which
