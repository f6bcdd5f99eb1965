"""The coarse scan on which the outside is decided, and a reading of it with its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.distance import distance_to
from poroscale.kernels.grey.partial_volume import normalise
from poroscale.kernels.outside.geometry import (
    Mask,
    constant_surroundings,
    without_small_parts,
)

MATERIAL = 0.3
"""Share of the contrast from which a voxel counts as material for the hull: fine struts are dim."""
SPECK = 0.001
"""Share of the largest body below which a bright component is dirt."""
BODY = 0.02
"""Share of the largest body from which a bright component counts as a body."""
BALL = 8.0
"""Radius of the ball that rolls over the part [fine voxels]."""


@dataclass(frozen=True)
class Reading:
    """One way to tell the outside of a scan.

    Attributes
    ----------
    outside
        Coarse dark voxels that are outside.
    reason
        A short sentence.
    share
        Share of the volume that is outside.
    void_share
        Dark voxels that are not outside over all that are not: porosity on the coarse copy.
    ball
        Radius of the ball whose envelope bounds the part [coarse voxels]; 0 where the outside is
        all dark space that is open to it. A flood on the fine scan must not leave `outside` where
        this is above 0.
    """

    outside: Mask
    reason: str
    share: float
    void_share: float
    ball: float = 0.0


@dataclass(frozen=True)
class OutsideScene:
    """A coarse scan by its dark voxels, its material and what lies past the scanner's circle."""

    dark: Mask
    material: Mask
    padding: Mask
    bodies: int
    factor: float

    @classmethod
    def of(
        cls, grey: NDArray[Any], *, air: float, solid: float | NDArray[Any], factor: float
    ) -> OutsideScene:
        """The scene of grey values, see `outside_reading.read_outside`."""
        with np.errstate(over="ignore"):  # an outlier of 1e38 is as bright as one of 4
            relative = np.clip((grey - air) / (solid - air), -4, 4).astype(np.float32)
        usual = float(np.median(solid))  # a local level would make one value of the padding many
        padding = constant_surroundings(normalise(grey, air, usual))
        relative, calm = _calmed(relative)
        bright = (calm >= MATERIAL) & ~padding
        _, sizes = without_small_parts((relative >= 0.5) & ~padding, share=BODY)
        material, _ = without_small_parts(bright, share=SPECK)
        return cls((relative < 0.5) & ~padding, material, padding, len(sizes), factor)

    @property
    def ball(self) -> float:
        """Radius of the rolling ball [coarse voxels]."""
        return max(BALL / self.factor, 2.0)

    @cached_property
    def barrier(self) -> Mask:
        """Mask of all that stops a ball or a flood."""
        return ~self.dark & ~self.padding

    @cached_property
    def depth(self) -> NDArray[np.float32]:
        """Distance to what is not dark, past the frame as the last layers have it."""
        return distance_to(~self.dark)

    def reading(self, outside: Mask, reason: str, ball: float = 0.0) -> Reading:
        """A reading with its numbers; the padding is outside in all of them."""
        outside = outside & self.dark
        rest = int(self.dark.sum() - outside.sum())
        inside = self.dark.size - int(outside.sum()) - int(self.padding.sum())
        share = 1 - inside / self.dark.size
        return Reading(outside | self.padding, reason, share, rest / max(inside, 1), ball)


def _calmed(relative: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grey values smoothed where noise would blur the middle, and where it would fake material."""
    from scipy.ndimage import gaussian_filter

    steps = np.diff(relative[::2, ::2], axis=2)
    noise = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2)
    if noise > 0.15:
        relative = gaussian_filter(relative, 1.0)
        return relative, relative
    return relative, gaussian_filter(relative, 0.7) if noise > 0.05 else relative
