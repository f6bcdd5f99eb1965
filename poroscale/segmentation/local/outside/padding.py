"""Padding beyond the circle inscribed in each slice, where a scanner reconstructs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run, map_blocks
from poroscale.identity import kernel
from poroscale.segmentation.local.samples import Tiles
from poroscale.segmentation.thresholds.fields import Everywhere, ReconstructionCircle
from poroscale.volume import FieldSampler, Index, Shape, Volume

INSIDE = 2.0
"""Voxels within the circle up to which the value of the padding is padding still."""
PADDING_BYTES = 6.0


def padded_circle(scan: Volume, tiles: Tiles) -> tuple[FieldSampler, float | None]:
    """The circle, and the one value of all samples beyond it.

    Where there are several values the slices are not padded: every voxel counts then, and the value
    is None.
    """
    circle = ReconstructionCircle(scan.shape)
    if not circle.applies:
        return Everywhere(scan.shape), None

    def look(grey: NDArray[Any], origin: Index) -> NDArray[Any]:
        beyond = grey[~circle(origin, grey.shape)]
        return np.unique([beyond.min(), beyond.max()]) if beyond.size else beyond

    values = np.unique(np.concatenate(list(tiles.map(look))))
    if len(values) != 1:
        return Everywhere(scan.shape), None
    return circle, float(values[0])


@kernel("local.WellInside")
@dataclass(frozen=True)
class WellInside:
    """True inside the circle of each slice, by more than `INSIDE` voxels."""

    circle: FieldSampler
    dtype = np.dtype(bool)

    @property
    def shape(self) -> Shape:
        """That of the scan."""
        return self.circle.shape

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """bool of `shape`."""
        middle = self.shape[1] / 2
        y, x = (
            np.arange(o, o + n) + 0.5 - middle for o, n in zip(origin[1:], shape[1:], strict=True)
        )
        inside = np.hypot(y[:, None], x[None, :]) <= middle - INSIDE
        return np.broadcast_to(inside, shape)


def with_dark_padding(
    scan: Volume, circle: FieldSampler, value: float, *, dark: float, work: Path, run: Run
) -> Volume:
    """The scan with the level of air in place of a bright padding.

    Parameters
    ----------
    scan
        Grey values.
    circle
        Of its slices.
    value
        Grey value of the padding.
    dark
        Grey value of air; it is rounded where the scan holds integers.
    work
        Folder of the output.
    run
        Memory, workers and cluster.
    """
    return map_blocks(
        less_padding,
        (scan, WellInside(circle)),
        work / "unpadded.zarr",
        dtype=scan.dtype,
        parameters={"value": value, "dark": dark},
        attributes=scan.attributes,
        pyramid="mean",
        bytes_per_voxel=PADDING_BYTES,
        run=run,
    )


@kernel("local.less_padding")
def less_padding(
    grey: NDArray[Any], inside: NDArray[np.bool_], *, value: float, dark: float
) -> NDArray[Any]:
    """Grey values with `dark` where the padding's `value` lies beyond the circle."""
    air = dark if grey.dtype.kind == "f" else round(dark)
    return np.where((grey == grey.dtype.type(value)) & ~inside, grey.dtype.type(air), grey)
