"""Check that a float scan holds numbers: one NaN would make every threshold and mean a NaN.

Some reconstructions leave NaN outside the circle that the detector saw. What stands there instead
is for the user to say: the grey value of air, for most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from typing_extensions import override

from poroscale.io.read.source import Source, Voxels
from poroscale.io.read.wrappers import Wrapper
from poroscale.volume import Index, Shape


@dataclass(frozen=True, kw_only=True)
class Finite(Wrapper):
    """`inner` with `fill` in place of NaN; boxes with NaN, or infinity, are refused otherwise."""

    fill: float | None

    @classmethod
    def of(cls, inner: Source, fill: float | None = None) -> Self:
        """`inner` with the check; its slices keep their numbers and names.

        Raises
        ------
        ValueError
            If `fill` is no finite number of the dtype of `inner`.
        """
        if fill is not None and not abs(fill) <= float(np.finfo(inner.dtype).max):
            raise ValueError(f"`nan` must be a finite {inner.dtype}, got {fill}")
        return cls(
            shape=inner.shape,
            dtype=inner.dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            fill=fill,
        )

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + (self.fill is not None)

    @override
    def fingerprint(self) -> dict[str, Any]:
        filled = {} if self.fill is None else {"nan": self.fill}
        return {**self.inner.fingerprint(), **filled}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = self.inner.read(origin, shape)
        if self.fill is not None:
            box[np.isnan(box)] = self.fill
        # a NaN anywhere makes both extremes NaN
        if not (np.isfinite(box.min()) and np.isfinite(box.max())):
            flawed = np.flatnonzero(~np.isfinite(box).all(axis=(1, 2)))
            where = self.inner.slice_name(origin[0] + int(flawed[0]))
            hint = "; give the value to put there as `nan`" if np.isnan(box).any() else ""
            raise ValueError(
                f"{self.name}: voxels must be finite numbers, got NaN or infinity in {where}{hint}"
            )
        return box
