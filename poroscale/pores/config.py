"""What can be set about the measurement of pores."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Connectivity = Literal[6, 18, 26]


@dataclass(frozen=True)
class ClassRules:
    """Where the classes of pores part.

    The classes are those of the field: gas pores are round, lack-of-fusion pores flat across the
    build direction or ragged, keyhole pores elongated along it. The literature agrees on these
    words and on no numbers; the numbers here are this program's convention, and every one can be
    set.

    Attributes
    ----------
    min_diameter_voxels
        Equivalent diameter below which a shape means nothing: at 5 voxels the error of sphericity
        reaches 8 %, at 10 it is 1 %.
    min_extent_voxels
        Extent of the bounding box that is needed along every axis, of an image of one slice along
        its two. One layer of voxels has neither a thickness nor a direction to trust.
    gas_min_sphericity, gas_min_aspect
        A gas pore is at least that spherical, and its short axis at least that part of the long.
    ragged_max_sphericity
        What is less spherical is lack of fusion, whichever way it lies.
    max_tilt_deg
        Greatest angle to the build direction of the short axis of a flat pore, or of the long
        axis of an elongated one, that is still "across" or "along".
    """

    min_diameter_voxels: float = 5.0
    min_extent_voxels: int = 2
    gas_min_sphericity: float = 0.85
    gas_min_aspect: float = 0.6
    ragged_max_sphericity: float = 0.5
    max_tilt_deg: float = 45.0


@dataclass(frozen=True)
class PoresConfig:
    """How pores are found and measured.

    Attributes
    ----------
    pore
        Value of pore voxels; None takes 2 of the phases 0, 1, 2 and 1 of a mask 0, 1.
    outside
        Value of the voxels outside the part; None takes 0 of the phases 0, 1, 2 and nothing of
        a mask.
    labels
        Take the volume for a label image: every value but 0 and that of the outside is a pore of
        its own, whether it touches others or not. A label volume of ours is one without being told.
    connectivity
        Neighbours over which voxels hang together: 6, 18 or 26.
    bank
        Also cut out every pore into `bank.zarr`.
    classes
        Class every pore as a pore of printed metal: gas, keyhole or lack of fusion. Off by
        default, since in another material the words mean nothing; then all are "unclassified".
    rules
        Of the classes.
    """

    pore: int | None = None
    outside: int | None = None
    labels: bool = False
    connectivity: Connectivity = 6
    bank: bool = False
    classes: bool = False
    rules: ClassRules = field(default_factory=ClassRules)

    def __post_init__(self) -> None:
        if self.connectivity not in (6, 18, 26):
            raise ValueError(f"connectivity must be 6, 18 or 26, got {self.connectivity}")
        if self.pore is not None and self.pore == self.outside:
            raise ValueError(f"pore and outside must differ, got {self.pore} for both")
        if self.labels and self.pore is not None:
            raise ValueError("--labels must come without --pore: every value is a pore of its own")

    def as_json(self) -> dict[str, Any]:
        """The settings that change the table."""
        kept = {key: value for key, value in asdict(self).items() if key not in ("bank", "labels")}
        return kept | {"labels": True} if self.labels else kept
