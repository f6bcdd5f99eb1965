"""Settings for the measurement of pores."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from poroscale.config import Config

Connectivity = Literal[6, 18, 26]


class ClassRules(Config):
    """Bounds between the classes of pores.

    The classes are those of the field: gas pores are round, lack-of-fusion pores flat across the
    build direction or ragged, keyhole pores elongated along it. The literature agrees on these
    words and on no numbers; the numbers here are this program's convention, and every one can be
    set.

    Attributes
    ----------
    min_diameter_voxels
        Equivalent diameter below which a shape means nothing [voxels]: at 5 voxels the error of
        sphericity reaches 8 %, at 10 it is 1 %.
    min_extent_voxels
        Extent of the bounding box that a shape needs along every axis [voxels]; in an image of one
        slice along its two axes. One layer of voxels has neither a thickness nor a direction to
        trust.
    gas_min_sphericity
        Smallest sphericity of a gas pore.
    gas_min_aspect
        Smallest ratio of the short axis of a gas pore to its long axis.
    ragged_max_sphericity
        Sphericity below which a pore is lack of fusion, whatever its direction.
    max_tilt_deg
        Greatest angle to the build direction [deg] of the short axis of a flat pore, or of the long
        axis of an elongated one, that still counts as "across" or "along".
    """

    min_diameter_voxels: float = 5.0
    min_extent_voxels: int = 2
    gas_min_sphericity: float = 0.85
    gas_min_aspect: float = 0.6
    ragged_max_sphericity: float = 0.5
    max_tilt_deg: float = 45.0


class PoresConfig(Config):
    """Settings for finding and measuring pores.

    Attributes
    ----------
    pore
        Value of pore voxels; None takes 2 of the phases 0, 1, 2 and 1 of a mask 0, 1.
    outside
        Value of the voxels outside the part; None takes 0 of the phases 0, 1, 2 and no value of a
        mask.
    labels
        Take the volume for a label image: every value but 0 and that of the outside is a pore of
        its own, whether it touches others or not. A label volume that poroscale wrote is recognised
        without this setting.
    connectivity
        Number of neighbours of a voxel that can belong to the same pore: 6, 18 or 26.
    bank
        Also cut out every pore into `bank.zarr`.
    classes
        Class every pore as a pore of printed metal: gas, keyhole or lack of fusion. Without it all
        pores are "unclassified", because in another material these words mean nothing.
    rules
        Bounds between the classes.
    """

    pore: int | None = None
    outside: int | None = None
    labels: bool = False
    connectivity: Connectivity = 6
    bank: bool = False
    classes: bool = False
    rules: ClassRules = Field(default_factory=ClassRules)

    @model_validator(mode="after")
    def _one_meaning_of_each_value(self) -> PoresConfig:
        if self.pore is not None and self.pore == self.outside:
            raise ValueError(f"`pore` and `outside_value` must differ, got {self.pore} for both")
        if self.labels and self.pore is not None:
            raise ValueError("`labels` must come without `pore`: every value is a pore of its own")
        return self

    def as_json(self) -> dict[str, Any]:
        """The settings that change the table."""
        kept = self.model_dump(exclude={"bank", "labels"})
        return kept | {"labels": True} if self.labels else kept
