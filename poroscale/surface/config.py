"""How a surface is unrolled and measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from poroscale.config import Config


class SurfaceConfig(Config):
    """How a surface is unrolled and measured.

    Attributes
    ----------
    part
        "cylinder", "box", or "auto", which tells them by how much of its bounding rectangle the
        cross-section fills.
    notch_um
        A place that lies deeper than `notch_depth` times the spread of the heights below the median
        over this length (30 voxels at least) is an open pore, not roughness.
    notch_depth
        In standard deviations (of the median absolute deviation); 5 voxels at least.
    short_wave_um
        Waves shorter than this are the scanner's and not in the parameters (S-filter of ISO
        16610-61); None keeps them.
    long_wave_um
        Waves longer than this are form and not in the parameters (L-filter of ISO 16610-61); None
        takes off the mean alone.
    """

    part: Literal["auto", "cylinder", "box"] = "auto"
    notch_um: float = Field(150.0, gt=0)
    notch_depth: float = Field(5.0, gt=0)
    short_wave_um: float | None = Field(None, gt=0)
    long_wave_um: float | None = Field(None, gt=0)
