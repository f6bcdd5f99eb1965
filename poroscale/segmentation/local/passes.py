"""What passes over a scan that is segmented by local levels, for the plan."""

from __future__ import annotations

from poroscale.engine import Pass
from poroscale.engine.passes import named
from poroscale.segmentation.local.config import LocalConfig
from poroscale.segmentation.local.levels import LEVELS
from poroscale.segmentation.local.shares import (
    PHASES,
    closing_pass,
    flood_pass,
    pores_pass,
    shares_pass,
    sums_pass,
)
from poroscale.volume import VolumeSpec

PLANNED_SPREAD = 1.5
"""Point spread [voxels] that is planned for, before it is known: a wide one."""


def passes(spec: VolumeSpec, config: LocalConfig) -> dict[str, Pass]:
    """The passes over a scan of `spec`, in order, with the halos of a wide point spread."""
    closing = closing_pass(config, spec.voxel_size)
    return named(
        LEVELS.but(reads=(spec.dtype,)),
        flood_pass(spec.dtype, config),
        *(() if closing is None else (closing,)),
        shares_pass(spec.dtype, PLANNED_SPREAD),
        pores_pass(config, spec.voxel_size),
        sums_pass(PLANNED_SPREAD),
        PHASES,
    )
