"""Settings of the comparison of microstructures."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from poroscale.config import Config

ComparedStatistic = Literal[
    "surface", "s2", "lineal_path", "chords", "connectivity", "c2", "betti", "thickness",
    "diffusivity", "conductivity", "permeability",
]  # fmt: skip
STANDARD: tuple[ComparedStatistic, ...] = get_args(ComparedStatistic)[:7]
"""What is compared where nothing is asked for: all but the thickness and transport."""


class CompareMicrostructureConfig(Config):
    """What is compared, and how the samples are cut.

    Attributes
    ----------
    which
        Names of the statistics, with commas between them: surface, s2, lineal_path, chords,
        connectivity, c2, betti, thickness, diffusivity (of each phase, where the others block),
        conductivity, permeability; None takes the first seven. The fraction is always given.
    conductivities
        Conductivity of the phases 0, 1 ..., with commas between them, for `conductivity`.
    pore
        Phases through which a fluid flows, with commas between them, for `permeability`.
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
    conductivities: tuple[NonNegativeFloat, ...] | None = None
    pore: tuple[NonNegativeInt, ...] | None = None
    plane: Literal["yx", "zx", "zy"] | None = None
    samples: PositiveInt | None = Field(None, ge=2)
    sections: PositiveInt = 4
    edge: PositiveInt | None = Field(None, ge=8)
    lags: PositiveInt | None = None
    limit: PositiveFloat = 1.0
    voxel_um: PositiveFloat | None = None

    @field_validator("which", "conductivities", "pore", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """Words of one string, as the command line gives them; a number alone is a list of one."""
        if isinstance(given, str):
            return [name.strip() for name in given.split(",")]
        return [given] if isinstance(given, int | float) else given

    @model_validator(mode="after")
    def _complete(self) -> CompareMicrostructureConfig:
        for name, setting in (("conductivity", "conductivities"), ("permeability", "pore")):
            if (name in self.wanted) != (getattr(self, setting) is not None):
                raise ValueError(
                    f"`{setting}` must be given with `{name}` in `which`, and with it alone"
                )
        return self

    @property
    def wanted(self) -> tuple[ComparedStatistic, ...]:
        """Names of the statistics that are compared."""
        return STANDARD if self.which is None else self.which
