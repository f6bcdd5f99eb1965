"""What the sub-level sets of a volume are taken of: grey values, a phase, its signed distance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.topology.order_keys import order_keys
from poroscale.kernels.topology.signed_distance import distance_halo, phase_distance
from poroscale.volume import Shape, Volume, VoxelSize

Kind = Literal["grey", "phase", "distance"]
MOST_LEVELS = 1 << 15
"""Levels of a curve at most."""


@dataclass(frozen=True)
class Filtration:
    """Values whose sub-level sets are looked at.

    Attributes
    ----------
    kind
        "grey" takes the values of the volume; "phase" 0 in the phase and 1 elsewhere; "distance"
        the distance to its surface [um], negative in the phase and positive outside.
    phase
        Value of the phase; None of grey values.
    voxel_size
        Edges of a voxel along (z, y, x) [um].
    cap
        Distances beyond it become the cap [um]; 0 where there are none.
    wide
        Voxels of a set are joined by 26 neighbours and those of the rest by 6; False: the reverse.
    shape
        Shape of the volume, if it is known: no distance reaches farther along an axis, so that the
        halo of a thin volume is thin.
    """

    kind: Kind
    phase: int | None
    voxel_size: VoxelSize
    cap: float = 0.0
    wide: bool = True
    shape: Shape | None = None

    @property
    def halo(self) -> Shape:
        """Voxels around a block that its values depend on."""
        if self.kind != "distance":
            return 0, 0, 0
        z, y, x = distance_halo(self.voxel_size, self.cap)
        if self.shape is None:
            return z, y, x
        depth, height, width = (n - 1 for n in self.shape)
        return min(z, depth), min(y, height), min(x, width)

    @property
    def recipe(self) -> dict[str, Any]:
        """Itself as JSON; `Filtration(**recipe)` is the same."""
        return asdict(self)

    def dtype(self, of: np.dtype[Any]) -> np.dtype[Any]:
        """Type of the values, of a volume of type `of`."""
        made = {"grey": of, "phase": np.dtype(bool), "distance": np.dtype(np.float32)}
        return made[self.kind]

    def values(self, block: NDArray[Any]) -> NDArray[Any]:
        """The values of a block, its halo included."""
        if self.kind == "grey":
            return block
        if self.kind == "phase":
            return np.asarray(block != self.phase)
        inside = np.asarray(block == self.phase)
        return phase_distance(inside, voxel_size=self.voxel_size, cap=self.cap)


def curve_levels(
    filtration: Filtration, volume: Volume, count: int, span: tuple[Any, Any] | None
) -> NDArray[Any]:
    """Ascending levels of a curve, in the type of the values.

    Of bytes, and of integers that span no more than `count` values, every value; of a phase the
    phase itself; of others `count` levels evenly spaced. Of distances the one nearest to 0 is 0.

    Parameters
    ----------
    filtration, volume
        What the curve is of.
    count
        Number of levels.
    span
        Least and largest grey value; not needed of bytes, phases and distances.
    """
    if not 1 <= count <= MOST_LEVELS:
        raise ValueError(f"`levels` must lie between 1 and {MOST_LEVELS}, got {count}")
    dtype = filtration.dtype(volume.dtype)
    if filtration.kind == "phase":
        return np.array([False])
    if filtration.kind == "distance":
        cap = filtration.cap
        even = np.linspace(-cap, cap, count, endpoint=False)
        even[np.argmin(np.abs(even))] = 0  # the phase itself, whatever the number of levels
        return np.unique(even.astype(dtype))
    if dtype.itemsize == 1:
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return np.arange(least, most + 1).astype(dtype)
    assert span is not None
    return _between(*span, count, dtype)


def _between(low: Any, high: Any, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind in "ui":
        width = int(high) - int(low)
        if width < count:
            return (int(low) + np.arange(width + 1)).astype(dtype)
        return np.array([int(low) + width * k // (count - 1 or 1) for k in range(count)], dtype)
    return np.unique(np.linspace(low, high, count, dtype=np.float64).astype(dtype))


def level_keys(levels: NDArray[Any]) -> NDArray[np.int64]:
    """Ascending int64 keys of levels, as `order_keys` gives those of voxels."""
    return order_keys(levels).astype(np.int64)
