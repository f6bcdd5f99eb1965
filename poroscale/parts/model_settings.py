"""What model.json must say: a model that lacks an entry is refused when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Field(gt=0)


class _Entries(BaseModel):
    """Entries that are read later; others may stand beside them."""

    model_config = ConfigDict(extra="allow", strict=True)


class SourceEntry(_Entries):
    """A scan that was fitted."""

    length_um: float = Positive


class SpacingEntry(_Entries):
    """How near two pores may stand [voxel], see `poroscale.kernels.parts.packing.Spacing`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    gap: float
    wide: float
    chance: float


class JitterEntry(_Entries):
    """By how much a pore that is drawn again is moved."""

    theta_rad: float
    depth: float


class ClusterEntry(_Entries):
    """How pores stand in clusters."""

    fraction: float
    scale_um: float


class CalibrationEntry(_Entries):
    """What the trial has found."""

    map_factor: float
    placed_over_intended: float
    offered_over_intended: float


class ModelEntries(_Entries):
    """The entries of model.json that drawing and describing a part need."""

    part: Literal["cylinder", "box"]
    voxel_um: float = Positive
    radius_um: float = Positive
    half_um: list[float] = Field(min_length=2, max_length=2)
    section_um2: float = Positive
    volume_width: int = Positive
    width_um: float = Positive
    window_um: float = Positive
    sampling: str
    bins: int = Positive
    bank: str
    sources: list[SourceEntry] = Field(min_length=1)
    layer_um: float | None
    spacing: SpacingEntry
    dispersion: float
    use_roughness: bool
    roughness_spread_um: float
    jitter: JitterEntry
    cluster: ClusterEntry
    calibration: CalibrationEntry


PORE_COLUMNS = (
    "source", "bank_row", "rate", "weight", "map_bin", "opened", "z_phase", "r_star", "theta_rad",
    "depth_um", "local_roughness_um", "z_um", "y_um", "x_um",
)  # fmt: skip
"""Columns of pores.parquet without which no part can be drawn."""


def lacking(table: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Those of `names` that are no columns of `table`."""
    return [name for name in names if name not in table]
