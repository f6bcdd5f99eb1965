"""Settings for unrolling and measuring a surface."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from poroscale.config import Config


class SurfaceConfig(Config):
    """Settings for unrolling and measuring a surface.

    Attributes
    ----------
    part
        Form of the part: "cylinder" or "box"; "auto" decides by how much of its bounding rectangle
        the cross-section fills.
    notch_um
        Length over which the median of the heights is taken [um], at least 30 voxels. A place far
        below that median is an open pore, not roughness.
    notch_depth
        Depth below that median from which a place is an open pore [standard deviations of the
        heights, from the median absolute deviation]; at least 5 voxels.
    short_wave_um
        Wavelength [um] below which waves are the scanner's and left out of the parameters (S-filter
        of ISO 16610-61); None keeps them.
    long_wave_um
        Wavelength [um] above which waves are form and left out of the parameters (L-filter of ISO
        16610-61); None takes off the mean alone.
    """

    part: Literal["auto", "cylinder", "box"] = "auto"
    notch_um: float = Field(150.0, gt=0)
    notch_depth: float = Field(5.0, gt=0)
    short_wave_um: float | None = Field(None, gt=0)
    long_wave_um: float | None = Field(None, gt=0)
