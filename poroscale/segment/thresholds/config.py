"""Configuration of the threshold segmentation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from poroscale.config import Config

Face = Literal["z-", "z+", "y-", "y+", "x-", "x+"]


class OtsuConfig(Config):
    """How grey values become phases.

    Otsu's thresholds are found on every level of scans of up to 16 bits, and of wider integers
    whose values span less than 65,536 levels; wider spans are counted in 65,536 bins, floats in
    256 bins between their extremes.

    Attributes
    ----------
    gaussian_um
        Standard deviation of Gaussian smoothing before everything else [um]; 0 does not smooth.
    median_voxels
        Radius of a median filter before everything else [voxels]; 0 does not filter.
    outer_threshold, inner_threshold
        Grey values by hand, or from another scan; None finds them. Values up to a threshold are
        the dark side of it.
    inner_rule
        How the inner threshold is found: "otsu" inside the part, or "iso50", midway between the
        mean outside and the peak of the solid. Otsu's rule needs a pore peak; where the part has
        too few pores for one, it cuts the solid's own peak in two, and "iso50" takes its place
        with a warning.
    hysteresis
        Grey values above the inner threshold up to which a pore may grow from voxels below it.
    circle
        "auto" leaves out the surroundings of the slices' inscribed circle where they hold one
        single value; "none" takes every voxel.
    outside
        "corners" floods the outside from the eight corners, a tuple of faces from those; "none"
        takes the whole volume for the part.
    connectivity
        Neighbours of a voxel in pores and in the outside.
    min_voxels
        Smallest pore that is kept; smaller ones become solid.
    min_extent
        Smallest extent of a pore's bounding box along every axis [voxels].
    close_um
        Radius of the closing that brings pores open to the surface back inside [um].
    sensitivity
        Shifts of the inner threshold, as fractions of the contrast between solid and outside, for
        which porosity and pore count are tabled.
    """

    gaussian_um: float = Field(0.0, ge=0)
    median_voxels: int = Field(0, ge=0)
    outer_threshold: float | None = None
    inner_threshold: float | None = None
    inner_rule: Literal["otsu", "iso50"] = "otsu"
    hysteresis: float = Field(0.0, ge=0)
    circle: Literal["auto", "none"] = "auto"
    outside: Literal["corners", "none"] | tuple[Face, ...] = "corners"
    connectivity: Literal[6, 18, 26] = 6
    min_voxels: PositiveInt = 9
    min_extent: PositiveInt = 1
    close_um: float = Field(0.0, ge=0)
    sensitivity: tuple[float, ...] = Field((-0.05, -0.02, 0.02, 0.05), max_length=60)
