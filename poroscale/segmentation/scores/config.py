"""Configuration of the steps from scores to phases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from poroscale.config import Config
from poroscale.segmentation.thresholds.config import OtsuConfig, PoreRules


class ScoresConfig(PoreRules):
    """Settings by which scores become phases, with the rules of `PoreRules`.

    Attributes
    ----------
    threshold
        Score from which on a voxel is pore; "otsu" and "yen" find it inside the part, "dice" on
        labels.
    hysteresis
        Distance below the threshold down to which a pore grows from voxels above it.
    outside
        Settings for finding the outside in a scan.
    """

    threshold: float | Literal["otsu", "yen", "dice"] = "otsu"
    hysteresis: float = Field(0.0, ge=0, lt=1)
    outside: OtsuConfig = OtsuConfig()

    @field_validator("threshold")
    @classmethod
    def _threshold_is_a_score(cls, value: float | str) -> float | str:
        if not isinstance(value, str) and not 0 < value <= 1:
            raise ValueError("threshold must be above 0 and at most 1, or otsu, yen or dice")
        return value


class PostprocessConfig(Config):
    """Settings for finding the scores of the surface.

    Attributes
    ----------
    weight
        λ; None finds it.
    sigma
        σ [voxels]; None finds it.
    sigma_range
        Smallest and largest σ that are tried [voxels].
    sigmas
        Number of σ that one pass over the volume tries.
    """

    weight: PositiveFloat | None = None
    sigma: PositiveFloat | None = Field(None, le=16)
    sigma_range: tuple[PositiveFloat, PositiveFloat] = (0.4, 6.0)
    sigmas: PositiveInt = Field(7, ge=4, le=32)

    @model_validator(mode="after")
    def _range_ascends(self) -> PostprocessConfig:
        low, high = self.sigma_range
        if not low < high <= 16:
            raise ValueError(f"sigma_range must ascend and end at 16 at most, got {low}, {high}")
        return self
