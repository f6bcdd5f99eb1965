"""Settings of the topology of a volume."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat

from poroscale.config import Config
from poroscale.statistics.topology.filtration import MOST_LEVELS

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
        the length of 32 voxels.
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
