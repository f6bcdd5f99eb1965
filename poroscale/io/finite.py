"""A float scan must hold numbers: one NaN would make every threshold and mean a NaN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from typing_extensions import override

from poroscale.io.source import Source, Voxels
from poroscale.io.wrappers import Wrapper
from poroscale.volume import Index, Shape


@dataclass(frozen=True, kw_only=True)
class Finite(Wrapper):
    """`inner`, refusing boxes with NaN or infinite voxels."""

    @classmethod
    def of(cls, inner: Source) -> Self:
        """`inner` with the check; its slices keep their numbers and names."""
        return cls(shape=inner.shape, dtype=inner.dtype, voxel_size=inner.voxel_size, inner=inner)

    @override
    def fingerprint(self) -> dict[str, Any]:
        return self.inner.fingerprint()

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = self.inner.read(origin, shape)
        # a NaN anywhere makes both extremes NaN
        if not (np.isfinite(box.min()) and np.isfinite(box.max())):
            flawed = np.flatnonzero(~np.isfinite(box).all(axis=(1, 2)))
            where = self.inner.slice_name(origin[0] + int(flawed[0]))
            raise ValueError(
                f"{self.name}: voxels must be finite numbers, got NaN or infinity in {where}"
            )
        return box
