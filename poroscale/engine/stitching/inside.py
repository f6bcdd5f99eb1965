"""Choice of the windows that touch the part, from its mask or from a coarser level of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.inputs import Field
from poroscale.volume import Shape, Volume


@dataclass(frozen=True)
class Inside:
    """A mask, 0 outside, whose voxels stand for `factor` voxels of the volume along each axis.

    A window is held to be outside only if every voxel of the mask that it touches is: exact at full
    resolution, and on the safe side on a level of maxima.
    """

    field: Field
    factor: int

    @classmethod
    def of(cls, field: Field, shape: Shape) -> Inside:
        """The mask `field` of a volume of `shape`.

        Raises
        ------
        ValueError
            If its shape is neither `shape` nor that halved a number of times, or it is a level of
            means, in which small parts may have vanished.
        """
        factor = 1
        while field.shape != tuple(-(-n // factor) for n in shape):
            factor *= 2
            if factor > 2 * max(shape):
                raise ValueError(
                    f"inside must have the shape {shape}, or that of a coarser level of it, "
                    f"got {field.shape}"
                )
        if isinstance(field, Volume) and field.level and field.spec.pyramid != "max":
            raise ValueError(
                f"inside must be full resolution or a level of maxima, got level {field.level} of "
                f"the pyramid {field.spec.pyramid!r} of {field.path}"
            )
        return cls(field, factor)

    @property
    def bytes_per_voxel(self) -> float:
        """Bytes that `touched` takes for each voxel of the volume that the windows span."""
        return (self.field.dtype.itemsize + 2) / self.factor**3

    def touched(self, origins: Sequence[NDArray[np.int64]], edges: Shape) -> NDArray[np.bool_]:
        """True for each window of `edges` voxels that has a voxel inside.

        Parameters
        ----------
        origins
            Windows' first voxels along each axis; there are all combinations of them.
        edges
            Edges of a window [voxels].

        Returns
        -------
        ndarray of bool
            (windows along z, along y, along x).
        """
        first = [int(o[0]) // self.factor for o in origins]
        spans = [
            [(int(o) // self.factor - start, self._stop(int(o) + edge, n) - start) for o in along]
            for along, edge, start, n in zip(origins, edges, first, self.field.shape, strict=True)
        ]
        z, y, x = first
        dz, dy, dx = (along[-1][1] for along in spans)
        mask: NDArray[Any] = self.field((z, y, x), (dz, dy, dx)) != 0
        for axis, along in enumerate(spans):
            parts = [mask[(slice(None),) * axis + (slice(a, b),)] for a, b in along]
            mask = np.stack([part.any(axis=axis) for part in parts], axis=axis)
        return mask

    def _stop(self, stop: int, extent: int) -> int:
        return min(extent, -(-stop // self.factor))
