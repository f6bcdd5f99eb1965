"""Boxes of what is computed on tiles that are fixed in space, and cropped to the box.

The bits of a convolution change with the shape of its input. A tile has one shape for ever, so that
a pixel does not depend on the box that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.kernels.noise import Index, Shape


def tiles_meeting(origin: Index, shape: Shape, tile: Shape) -> Iterator[Index]:
    """First voxels of the tiles that a box meets, in (z, y, x) order."""
    axes = (range(o // t * t, o + n, t) for o, n, t in zip(origin, shape, tile, strict=True))
    yield from product(*axes)


def computed_on_tiles(
    compute: Callable[[Index, Shape], NDArray[np.generic]],
    origin: Index,
    shape: Shape,
    *,
    tile: Shape,
    dtype: DTypeLike,
    grain: int | None = None,
) -> NDArray[np.generic]:
    """A box of what `compute` gives on tiles.

    Parameters
    ----------
    compute
        `compute(first, shape) -> array` of one whole tile, or of a part of it.
    origin, shape
        The box; its origin may be negative.
    tile
        Shape of a tile [voxels].
    dtype
        Of the array.
    grain
        Voxels of which tile and parts of it must be multiples for `compute` to give the same bytes
        in both: then only the part that is asked for is computed. None computes whole tiles.
    """
    box = np.empty(shape, dtype)
    for first in tiles_meeting(origin, shape, tile):
        into, out_of, begin, extent = [], [], [], []
        for o, n, f, t in zip(origin, shape, first, tile, strict=True):
            start, stop = max(o, f), min(o + n, f + t)
            low, high = (f, f + t) if grain is None else _grown(start, stop, grain)
            into.append(slice(start - o, stop - o))
            out_of.append(slice(start - low, stop - low))
            begin.append(low)
            extent.append(high - low)
        part = compute((begin[0], begin[1], begin[2]), (extent[0], extent[1], extent[2]))
        box[tuple(into)] = part[tuple(out_of)]
    return box


def _grown(start: int, stop: int, grain: int) -> tuple[int, int]:
    return start // grain * grain, -(-stop // grain) * grain
