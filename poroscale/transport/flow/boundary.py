"""What the flow meets at the six faces of the box."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.flow.faces import OPEN, SLIP, SOLID, STILL

Ends = Literal["pressure", "mirror", "periodic"]
Sides = Literal["wall", "periodic", "mirror"]

_ENDS = {"pressure": OPEN, "mirror": STILL, "periodic": OPEN}
_SIDES = {"wall": SOLID, "mirror": SLIP, "periodic": SLIP}


@dataclass(frozen=True)
class FlowBoundary:
    """What the flow meets at the two ends of the driven axis, and at the four sides.

    Parameters
    ----------
    ends
        `pressure` (default): a given pressure on the outer faces, through which the fluid passes
        straight on. `mirror`: the volume and its mirror image alternate along the axis, which is
        the same with no sideways velocity on the outer faces. `periodic`: the volume repeats
        itself.
    sides
        `wall` (default): the fluid is held at the outer faces. `periodic`: the volume repeats
        itself. `mirror`: the volume and its mirror image alternate, so the fluid slips along the
        outer faces.
    layers
        Layers of open fluid before and behind the volume along the axis [voxels]. Default: 0.
        Their length does not count in the permeability; what they add to the resistance does.

    Raises
    ------
    ValueError
        If a name is unknown or the number of layers is negative.
    """

    ends: Ends = "pressure"
    sides: Sides = "wall"
    layers: int = 0

    def __post_init__(self) -> None:
        if self.ends not in _ENDS:
            raise ValueError(f"ends must be one of {', '.join(_ENDS)}, got {self.ends}")
        if self.sides not in _SIDES:
            raise ValueError(f"sides must be one of {', '.join(_SIDES)}, got {self.sides}")
        if self.layers < 0:
            raise ValueError(f"layers must be at least 0, got {self.layers}")

    @property
    def periodic(self) -> tuple[bool, bool, bool]:
        """Whether the driven axis, which is the first, and the two sides are periodic."""
        sides = self.sides == "periodic"
        return self.ends == "periodic", sides, sides

    @property
    def codes(self) -> tuple[int, int, int]:
        """Codes of the frame of the box, where it is not periodic."""
        return _ENDS[self.ends], _SIDES[self.sides], _SIDES[self.sides]

    def with_layers(self, pore: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Pore space with its layers of open fluid along the first axis. bool (nz, ny, nx)."""
        pad = [(self.layers, self.layers), (0, 0), (0, 0)]
        return np.pad(pore, pad, constant_values=True) if self.layers else pore

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name, as a report writes them."""
        return asdict(self)
