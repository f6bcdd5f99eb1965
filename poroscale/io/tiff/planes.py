"""Choice and order of the planes of a TIFF file that are the slices of one grey volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import tifffile

from poroscale.io.read.channels import Channel, chosen_channel, no_channels
from poroscale.io.read.wrappers import AxisOrder

Sizes = tuple[tuple[str, int], ...]
_TIME_OR_CHANNEL = "CT"


@dataclass(frozen=True)
class Stack:
    """Order of the planes in a file's description.

    Attributes
    ----------
    sizes
        Name and length of every axis beside those of a plane, the slowest first.
    plane
        Rows and columns of a plane.
    turned
        Order of the axes (plane, row, column) that gives (z, y, x); None if they are so.
    offset
        Offset of all voxels, if they lie in one run.
    """

    sizes: Sizes
    plane: tuple[int, int]
    turned: AxisOrder | None = None
    offset: int | None = None


def stack_of(tiff: tifffile.TiffFile, name: str) -> Stack:
    """Order of planes from the descriptions; nothing may be read from the file afterwards.

    Raises
    ------
    ValueError
        If the file holds several stacks, or its axes cannot be a volume's.
    """
    series = tiff.series
    if len(series) > 1:
        if any(len(one.shape) - ("S" in one.axes) > 2 for one in series):
            raise ValueError(f"{name}: the file must hold one stack, got {len(series)}")
        full = [one for one in series if not one.keyframe.is_reduced]
        first = full[0].keyframe
        return Stack((("I", len(full)),), (first.imagelength, first.imagewidth))
    axes, shape = series[0].axes, series[0].shape
    sizes = tuple((a, n) for a, n in zip(axes, shape, strict=True) if a != "S")
    while len(sizes) > 2 and sizes[-1][1] == 1 and sizes[-1][0] not in "YX":
        sizes = sizes[:-1]  # pixels of one number
    plane = sizes[-2][1], sizes[-1][1]
    return Stack(sizes[:-2], plane, _turn(sizes, name), series[0].dataoffset)


def _turn(sizes: Sizes, name: str) -> AxisOrder | None:
    plane = "".join(axis for axis, _ in sizes[-2:])
    if plane == "YX":
        return None
    slow = [axis for axis, size in sizes[:-2] if size > 1] or [axis for axis, _ in sizes[-3:-2]]
    order = "".join((*(slow or "Z"), plane))
    said = "".join(axis for axis, _ in sizes)
    if sorted(order) != ["X", "Y", "Z"]:
        shape = tuple(size for _, size in sizes)
        raise ValueError(
            f"{name}: the file must hold one grey volume, got axes {said} of shape {shape}"
        )
    return order.index("Z"), order.index("Y"), order.index("X")


def selected(sizes: Sizes, channel: Channel | None, name: str) -> list[int]:
    """Numbers of the planes that are the slices, counted through `sizes`.

    One axis beside y and x is the stack, whatever it is called: programs disagree on what a slice
    is. Of two, channels or else frames are the ones to choose from.

    Raises
    ------
    ValueError
        If a channel must be chosen, or there is none of that number.
    """
    shape = [size for _, size in sizes]
    planes = np.arange(prod(shape)).reshape(shape)
    long = [number for number, (_, size) in enumerate(sizes) if size > 1]
    axis = _channels(sizes, long)
    if axis is None or len(long) > 2:
        if len(long) > 1:
            raise ValueError(_too_many(sizes, name))
        no_channels(channel, name)
        return [int(plane) for plane in planes.reshape(-1)]
    count = sizes[axis][1]
    if channel is None and len(long) == 2:
        raise ValueError(f"{_too_many(sizes, name)}: choose one with `channel` 0 to {count - 1}")
    if channel is not None:
        planes = planes.take([chosen_channel(channel, count, name)], axis=axis)
    return [int(plane) for plane in planes.reshape(-1)]


def _channels(sizes: Sizes, long: Sequence[int]) -> int | None:
    """The axis to choose from: channels, or frames beside another axis."""
    for letter in _TIME_OR_CHANNEL:
        found = [number for number in long if sizes[number][0] == letter]
        if found and (letter == "C" or len(long) > 1):
            return found[0]
    return None


def _too_many(sizes: Sizes, name: str) -> str:
    axes = "".join(axis for axis, _ in sizes)
    counts = " x ".join(str(size) for _, size in sizes)
    return f"{name}: the file must hold one grey volume, got {counts} planes along {axes}"
