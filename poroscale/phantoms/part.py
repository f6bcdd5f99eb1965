"""The part as samplers: the same voxels whatever box is asked for.

Each sampler holds nothing but the configuration, so that it travels to a worker in some hundred
bytes; the plan of the part is drawn there once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.parts.rendering import PORE, solid_fraction, solid_mask, stamp_pores
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.plan import phantom_plan

Index = tuple[int, int, int]
Shape = tuple[int, int, int]


@kernel("phantom.PartPhases")
@dataclass(frozen=True)
class PartPhases:
    """Phases of the part: 0 outside, 1 solid, 2 pore; uint8."""

    config: PhantomConfig

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """Phases on the box of `shape` voxels whose first voxel is `origin`."""
        plan = phantom_plan(self.config)
        box = solid_mask(plan.outline, origin, shape)
        near = plan.near(origin, shape)
        stamp_pores(box, origin, plan.pores[near], np.full(len(near), PORE, np.int32))
        return box.astype(np.uint8)


@kernel("phantom.PoreIds")
@dataclass(frozen=True)
class PoreIds:
    """Identity of the pore in each voxel, as in the truth table, else 0; int32."""

    config: PhantomConfig

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.int32]:
        """Pore ids on the box of `shape` voxels whose first voxel is `origin`."""
        plan = phantom_plan(self.config)
        box = solid_mask(plan.outline, origin, shape)
        near = plan.near(origin, shape)
        stamp_pores(box, origin, plan.pores[near], (near + 2).astype(np.int32))
        return np.asarray(np.maximum(box, 1) - 1, dtype=np.int32)


@kernel("phantom.SolidFraction")
@dataclass(frozen=True)
class SolidFraction:
    """Solid share of each voxel, between 0 and 1; float32."""

    config: PhantomConfig

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """Solid fractions on the box of `shape` voxels whose first voxel is `origin`."""
        plan = phantom_plan(self.config)
        near = plan.near(origin, shape)
        return np.asarray(solid_fraction(plan.outline, origin, shape, plan.pores[near]))
