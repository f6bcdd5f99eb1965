"""Settings of the topology of a volume."""

from __future__ import annotations

from math import hypot
from typing import Literal

from pydantic import Field, PositiveFloat

from poroscale.config import Config
from poroscale.statistics.topology.filtration import MOST_LEVELS, Filtration
from poroscale.volume import Volume

CAP_VOXELS = 32
"""Cap of distances by default, in edges of the smallest voxel."""


class TopologyConfig(Config):
    """What the sub-level sets of a volume are taken of, and how their voxels are joined.

    Attributes
    ----------
    of
        "grey" for the values of the volume, "phase" for the voxels of one phase, "distance" for the
        signed distance to the surface of a phase (negative in the phase, positive outside). None
        takes "distance" where `phase` is given, and "grey" otherwise.
    phase
        Value of the phase; None for grey values.
    cap_um
        Largest distance that is told from others [um]; levels beyond it are left out. None takes
        the length of 32 voxels. The diagonal of the volume is enough for any of its distances, and
        is taken where it is shorter.
    levels
        Number of levels of the curves. Of bytes, and of integers with fewer values than that, every
        value is a level.
    connectivity
        Number of neighbours that join voxels of a set: 26 or 6 (in an image 8 or 4). Voxels of the
        rest are joined by the other number.
    """

    of: Literal["grey", "phase", "distance"] | None = None
    phase: int | None = None
    cap_um: PositiveFloat | None = None
    levels: int = Field(256, ge=1, le=MOST_LEVELS)
    connectivity: Literal[26, 6] = 26


def filtration_of(config: TopologyConfig, volume: Volume) -> Filtration:
    """The filtration that settings describe, of a volume.

    Raises
    ------
    ValueError
        If a phase is missing, or given without need.
    """
    kind = config.of or ("grey" if config.phase is None else "distance")
    if kind == "grey" and config.phase is not None:
        raise ValueError(f'`phase` must be left out where `of` is "grey", got {config.phase}')
    if kind != "grey" and config.phase is None:
        raise ValueError(f'`phase` must be given where `of` is "{kind}", got none')
    if kind != "distance" and config.cap_um is not None:
        raise ValueError(f'`cap_um` must be left out where `of` is "{kind}", got {config.cap_um}')
    cap = 0.0
    if kind == "distance":
        diagonal = hypot(*(n * d for n, d in zip(volume.shape, volume.voxel_size, strict=True)))
        cap = min(config.cap_um or CAP_VOXELS * min(volume.voxel_size), diagonal)
    wide = config.connectivity == 26
    return Filtration(kind, config.phase, volume.voxel_size, cap, wide, volume.shape)
