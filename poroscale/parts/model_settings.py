"""Settings of a part model: a model.json that lacks one is refused when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Positive = Field(gt=0)
Number = int | float
"""A number stays as it was written: 100 does not become 100.0, which would be another digest."""


class Entries(BaseModel):
    """Entries that are read later; others may stand beside them, and are kept.

    An entry is an attribute where it is declared. Every entry can be read by its name, as in
    `settings["seed"]`, and all of them unpacked, as in `{**settings}`.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    def __getitem__(self, name: str) -> Any:
        if name in self.model_fields_set:
            return getattr(self, name)
        raise KeyError(name)

    def keys(self) -> list[str]:
        """Names of the entries that there are, sorted."""
        return sorted(self.model_fields_set)

    def but(self, **changes: Any) -> Self:
        """The same entries with some of them changed or added.

        Raises
        ------
        ValueError
            If an entry has a wrong value.
        """
        return type(self)(**{**self.entries(), **changes})

    def entries(self) -> dict[str, Any]:
        """The entries as model.json has them: plain values."""
        return self.model_dump(exclude_unset=True)


class SourceEntry(Entries):
    """A scan that was fitted.

    Attributes
    ----------
    length_um
        Length of the scan along the build direction [um].
    half_um
        Half edges (y, x) of its part [um]; None where they are not known.
    """

    length_um: Number = Positive
    half_um: list[Number] | None = None


class SpacingEntry(Entries):
    """Smallest distances of two pores [voxel], see `poroscale.kernels.parts.packing.Spacing`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    gap: Number
    wide: Number
    chance: Number


class JitterEntry(Entries):
    """By how much a pore that is drawn again is moved."""

    theta_rad: Number
    depth: Number


class ClusterEntry(Entries):
    """Clustering of pores."""

    fraction: Number
    scale_um: Number


class CalibrationEntry(Entries):
    """Results of the trial."""

    map_factor: Number
    placed_over_intended: Number
    offered_over_intended: Number


class ModelSettings(Entries):
    """The content of model.json: the entries that drawing and describing a part need, and others.

    Attributes
    ----------
    part
        Form of the cross-section.
    voxel_um
        Edge of a voxel [um].
    radius_um, half_um
        Mean radius, and half edges (y, x), of the part that the model is for [um].
    section_um2
        Area of the cross-section of the scanned parts [um²].
    volume_width
        Voxels of the volume across the part.
    width_um, window_um
        Width of the maps across the part, and length of one window along it [um].
    sampling
        How pores are drawn: joint, maps or polar.
    bins
        Bins of the maps across the part.
    bank
        Origin of the shapes.
    sources
        The scans.
    layer_um
        Thickness of the layers [um]; None where none is seen.
    spacing
        Smallest distances of two pores.
    dispersion
        Variance of the number of pores in a slab over its mean.
    use_roughness, roughness_spread_um
        True where pores near the surface are placed by δr, and its standard deviation [um].
    jitter, cluster, calibration
        Shifts of pores, their clustering, and results of the trial.
    made_by
        Digest of the scans and settings of the fit; None where it was not recorded.
    """

    part: Literal["cylinder", "box"]
    voxel_um: Number = Positive
    radius_um: Number = Positive
    half_um: list[Number] = Field(min_length=2, max_length=2)
    section_um2: Number = Positive
    volume_width: int = Positive
    width_um: Number = Positive
    window_um: Number = Positive
    sampling: str
    bins: int = Positive
    bank: str
    sources: list[SourceEntry] = Field(min_length=1)
    layer_um: Number | None
    spacing: SpacingEntry
    dispersion: Number
    use_roughness: bool
    roughness_spread_um: Number
    jitter: JitterEntry
    cluster: ClusterEntry
    calibration: CalibrationEntry
    made_by: str | None = None


PORE_COLUMNS = (
    "source", "bank_row", "rate", "weight", "map_bin", "opened", "z_phase", "r_star", "theta_rad",
    "depth_um", "local_roughness_um", "z_um", "y_um", "x_um",
)  # fmt: skip
"""Columns of pores.parquet without which no part can be drawn."""


def lacking(table: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Those of `names` that are no columns of `table`."""
    return [name for name in names if name not in table]
