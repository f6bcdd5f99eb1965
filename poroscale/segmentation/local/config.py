"""Configuration of the segmentation by local levels."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from poroscale.config import Config
from poroscale.segmentation.thresholds.config import Face


class LocalConfig(Config):
    """Settings of the segmentation by local levels and partial volume.

    Attributes
    ----------
    outside
        Outside of the part. "auto" decides from where air lies, how it is connected and
        whether the frame cuts the part; "none" takes the whole volume for the part; "corners"
        floods the air from the eight corners; a tuple of faces floods it from those; a path names
        a mask, an ingested volume that is not 0 outside.
    void
        Level of a void inside the solid: "local" as the cores of resolved pores and the scan's own
        hardening say, "air" that of the air around the part.
    connectivity
        Neighbours of a voxel in pores and in the outside.
    min_voxels
        Smallest pore that is kept [voxels]; smaller ones become solid.
    min_diameter_um
        Smallest equivalent diameter of a pore that is kept [um]; 0 keeps all of `min_voxels`.
    min_extent
        Smallest extent of a pore's bounding box along every axis [voxels].
    close_um
        Radius of the closing that brings pores open to the surface back inside [um].
    sensitivity
        Shifts of the level between void and solid, as fractions of their contrast, for which the
        porosity by counting voxels is tabled.
    """

    outside: Literal["auto", "none", "corners"] | tuple[Face, ...] | str = "auto"
    void: Literal["local", "air"] = "local"
    connectivity: Literal[6, 18, 26] = 6
    min_voxels: PositiveInt = 9
    min_diameter_um: float = Field(0.0, ge=0)
    min_extent: PositiveInt = 1
    close_um: float = Field(0.0, ge=0)
    sensitivity: tuple[float, ...] = Field((-0.05, -0.02, 0.02, 0.05), max_length=60)
