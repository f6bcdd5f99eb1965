"""Inputs of passes: volumes and samplers, read box by box, padded beyond the frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.grid import Box
from poroscale.volume import FieldSampler, Index, Shape, Volume

Pad = Literal["edge", "reflect", "symmetric"] | int
Field = Volume | FieldSampler
Sampler = Callable[[Index, Shape], NDArray[Any]]


@dataclass(frozen=True)
class Halo:
    """Voxels that a kernel sees around its block, and what stands beyond the volume's faces.

    Attributes
    ----------
    width
        Voxels along (z, y, x).
    pad
        numpy's padding mode, or the constant that stands outside.
    """

    width: Shape = (0, 0, 0)
    pad: Pad = "edge"

    @classmethod
    def of(cls, width: int | Shape, pad: Pad = "edge") -> Halo:
        """A halo from one number or three."""
        return cls((width, width, width) if isinstance(width, int) else width, pad)


def read_padded(volume: Field, box: Box, halo: Halo) -> NDArray[Any]:
    """The voxels of `box` and its halo; what lies beyond the volume is padded."""
    grown = box.grown(halo.width)
    inside = grown.clipped(volume.shape)
    if inside == grown:
        return volume(inside.origin, inside.shape)
    within = inside.shifted(grown.origin)
    if isinstance(halo.pad, str) and halo.pad != "edge":
        rest = zip(within.origin, grown.shape, within.stop, strict=True)
        widths = [(first, size - last) for first, size, last in rest]
        return np.pad(volume(inside.origin, inside.shape), widths, mode=halo.pad)
    padded = np.empty(grown.shape, volume.dtype)
    if isinstance(volume, Volume):
        volume.read_into(padded[within.slices], inside.origin)
    else:
        padded[within.slices] = volume(inside.origin, inside.shape)
    _pad(padded, within, None if halo.pad == "edge" else halo.pad)
    return padded


def _pad(array: NDArray[Any], within: Box, value: int | None) -> None:
    """Fill what lies outside `within`: with `value`, or with the outermost voxels for None.

    numpy.pad gives the same, from an array of its own: twice the memory, and half as much time.
    """
    filled = list(within.slices)
    for axis, (first, last) in enumerate(zip(within.origin, within.stop, strict=True)):
        for beyond, edge in ((slice(0, first), first), (slice(last, None), last - 1)):
            place, outermost = list(filled), list(filled)
            place[axis], outermost[axis] = beyond, slice(edge, edge + 1)
            array[tuple(place)] = array[tuple(outermost)] if value is None else value
        filled[axis] = slice(None)


def same_shape(inputs: Field | Sequence[Field]) -> tuple[Field, ...]:
    """One or several volumes as a tuple; ValueError unless they have one shape."""
    volumes = tuple(inputs) if isinstance(inputs, Sequence) else (inputs,)
    shapes = {volume.shape for volume in volumes}
    if len(shapes) != 1:
        raise ValueError(f"volumes must have one shape, got {sorted(shapes)}")
    return volumes


def first_volume(inputs: Field | Sequence[Field]) -> Volume:
    """The first input, which gives the tiling; TypeError unless it is a volume."""
    first = inputs[0] if isinstance(inputs, Sequence) else inputs
    if not isinstance(first, Volume):
        raise TypeError(f"the first input must be a Volume, got {type(first).__name__}")
    return first
