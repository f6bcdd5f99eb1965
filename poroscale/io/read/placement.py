"""Where a volume lies: the position that a file states, as the index of the first voxel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from typing_extensions import override

from poroscale.io.read.position import index_at
from poroscale.io.read.source import Source, Voxels
from poroscale.io.read.wrappers import Wrapper
from poroscale.volume import Index, Shape

FARTHEST = 2**31
"""Voxels from the origin, beyond which a position is taken for an error."""


@dataclass(frozen=True, kw_only=True)
class Placed(Wrapper):
    """`inner`, whose first voxel has the absolute index `first`.

    `position_um` is the position (z, y, x) that the file states, kept as it is stated.
    """

    first: Index
    position_um: tuple[float, float, float]

    @classmethod
    def of(cls, inner: Source, position_um: Sequence[float]) -> Self:
        """`inner` at `position_um`, in whole voxels of its own voxel size.

        A file states either the corner or the centre of its first voxel, and which one it means
        is rarely told: k and k + 1/2 voxels both are index k. Other places are rounded.

        Raises
        ------
        ValueError
            If the position is not finite or farther than 2^31 voxels.
        """
        z, y, x = (float(value) for value in position_um)
        assert inner.voxel_size is not None
        voxels = [p / edge for p, edge in zip((z, y, x), inner.voxel_size, strict=True)]
        if not all(math.isfinite(v) and abs(v) < FARTHEST for v in voxels):
            raise ValueError(
                f"{inner.name}: the position of the first voxel must be finite and within 2^31 "
                f"voxels, got {[z, y, x]} um"
            )
        first, _ = index_at((z, y, x), inner.voxel_size)
        return cls(
            shape=inner.shape,
            dtype=inner.dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            first=first,
            position_um=(z, y, x),
        )

    @property
    @override
    def origin(self) -> Index:
        return self.first

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {**self.inner.fingerprint(), "position_um": list(self.position_um)}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        return self.inner.read(origin, shape)


def placed(source: Source, position_um: Sequence[float] | None) -> Source:
    """`source` at the position (z, y, x) in um; as it is where there is none, or no voxel size."""
    if position_um is None or source.voxel_size is None:
        return source
    return Placed.of(source, position_um) if any(position_um) else source
