"""Configuration of the threshold segmentation, and the rules that every threshold shares."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from poroscale.config import Config

Face = Literal["z-", "z+", "y-", "y+", "x-", "x+"]


class PoreRules(Config):
    """Rules by which voxels beyond a threshold become pores.

    Attributes
    ----------
    connectivity
        Neighbours of a voxel in a pore; of grey values also in the outside.
    min_voxels
        Smallest pore that is kept [voxels]; smaller ones become solid.
    min_extent
        Smallest extent of a pore's bounding box along every axis [voxels].
    close_um
        Radius of the closing that brings pores open to the surface back inside [um].
    sensitivity
        Shifts of the threshold for which porosity and pore count are tabled: of grey values as
        fractions of the contrast between solid and outside, of scores as scores.
    """

    connectivity: Literal[6, 18, 26] = 6
    min_voxels: PositiveInt = 9
    min_extent: PositiveInt = 1
    close_um: float = Field(0.0, ge=0)
    sensitivity: tuple[float, ...] = Field((-0.05, -0.02, 0.02, 0.05), max_length=60)


class OtsuConfig(PoreRules):
    """Settings by which grey values become phases, with the rules of `PoreRules`.

    Otsu's thresholds are found on every level of scans of up to 16 bits, and of wider integers
    whose values span less than 65,536 levels; wider spans are counted in 65,536 bins, floats in
    256 bins between their extremes.

    Attributes
    ----------
    gaussian_um
        Standard deviation of Gaussian smoothing before everything else [um]; 0 does not smooth.
    median_voxels
        Radius of a median filter before everything else [voxels]; 0 does not filter.
    outer_threshold
        Grey value up to which a voxel is as dark as air; None finds it by Otsu's rule.
    inner_threshold
        Grey value up to which a voxel of the part is pore; None finds it by `inner_rule`.
    inner_rule
        Rule for the inner threshold: "otsu" inside the part, or "iso50", midway between the
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
    """

    gaussian_um: float = Field(0.0, ge=0)
    median_voxels: int = Field(0, ge=0)
    outer_threshold: float | None = None
    inner_threshold: float | None = None
    inner_rule: Literal["otsu", "iso50"] = "otsu"
    hysteresis: float = Field(0.0, ge=0)
    circle: Literal["auto", "none"] = "auto"
    outside: Literal["corners", "none"] | tuple[Face, ...] = "corners"
