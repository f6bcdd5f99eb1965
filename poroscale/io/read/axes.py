"""Order of the stored axes, and the place of a box of the volume in the stored array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from poroscale.io.read.source import Voxels, as_shape
from poroscale.volume import Index, Shape

_Entry = TypeVar("_Entry")


@dataclass(frozen=True)
class StoredAxes:
    """Order of the axes of a stored array.

    Attributes
    ----------
    names
        ``"z"``, ``"y"``, ``"x"``, or ``""`` for an axis of which one index is taken.
    picks
        The index along each axis that is none of z, y, x; 0 for those that are.
    """

    names: tuple[str, ...]
    picks: tuple[int, ...]

    @property
    def turned(self) -> bool:
        """True if the stored order is another than z, y, x."""
        spatial = [name for name in self.names if name]
        return spatial != sorted(spatial, reverse=True)

    def temporary(self, dtype: np.dtype[Any]) -> float:
        """Bytes per voxel that reading takes for a time: twice a voxel's if a box is turned."""
        return dtype.itemsize * (2.0 if self.turned else 1.0)

    def shape_of(self, stored: Sequence[int], name: str) -> Shape:
        """Voxels along (z, y, x) of an array whose stored sizes are `stored`."""
        return as_shape(self.by_axis(stored, 1), name)

    def by_axis(self, values: Sequence[_Entry], default: _Entry) -> tuple[_Entry, _Entry, _Entry]:
        """One entry a stored axis -> the entries of (z, y, x); `default` where there is no z."""
        found = dict(zip(self.names, values, strict=True))
        return found.get("z", default), found["y"], found["x"]

    def spatial(self, values: Sequence[_Entry], default: _Entry) -> tuple[_Entry, _Entry, _Entry]:
        """As `by_axis`, of one entry a stored axis among z, y, x alone."""
        found = dict(zip([name for name in self.names if name], values, strict=True))
        return found.get("z", default), found["y"], found["x"]

    def where(self, origin: Index, shape: Shape) -> tuple[slice, ...]:
        """The stored array's slices that hold the box of `shape` at `origin`."""
        windows = {axis: slice(o, o + n) for axis, o, n in zip("zyx", origin, shape, strict=True)}
        return tuple(
            windows.get(name, slice(pick, pick + 1))
            for name, pick in zip(self.names, self.picks, strict=True)
        )

    def arranged(self, box: Voxels, shape: Shape, dtype: np.dtype[Any]) -> Voxels:
        """Voxels that `where` selected, as a (z, y, x) box of `shape`, in C order and writeable."""
        spatial = [name for name in self.names if name]
        sizes = dict(zip("zyx", shape, strict=True))
        order = [spatial.index(name) for name in "zyx" if name in spatial]
        turned = box.reshape([sizes[name] for name in spatial]).transpose(order).reshape(shape)
        return np.require(turned, dtype, ["C", "W"])


def stored_axes(
    names: Sequence[str | None] | None,
    shape: Sequence[int],
    *,
    name: str,
    channel: int | str | None,
) -> StoredAxes:
    """The meaning of the axes of a stored array.

    Parameters
    ----------
    names
        Names of the axes in the file; None, or names without z, y and x, mean z, y, x in this order
        with axes of length 1 before or after them, or channels before them.
    shape
        Stored sizes.
    name
        Name of the array in error messages.
    channel
        Index along the one other axis that is longer than 1.

    Raises
    ------
    ValueError
        If the array is not one volume, or the channel does not exist.
    """
    words = [str(word or "").strip().lower() for word in names or ()]
    if len(words) != len(shape) or not {"z", "y", "x"} & set(words):
        words = _by_place(shape, name, channel)
    known = [word for word in words if word in {"z", "y", "x"}]
    if not {"y", "x"} <= set(known) or len(known) != len(set(known)):
        raise ValueError(f"{name}: the axes must be z, y and x, each once, got {', '.join(words)}")
    others = [i for i, word in enumerate(words) if word not in known and shape[i] != 1]
    picks = [0] * len(shape)
    if len(others) > 1 or (others and channel is None):
        raise ValueError(_not_one_volume(name, words, shape, others))
    if channel is not None:
        there = shape[others[0]] if others else 1
        if not isinstance(channel, int) or not 0 <= channel < there:
            raise ValueError(f"{name}: `channel` must be from 0 to {there - 1}, got {channel}")
        for axis in others:
            picks[axis] = channel
    return StoredAxes(tuple(w if w in known else "" for w in words), tuple(picks))


def _by_place(shape: Sequence[int], name: str, channel: int | str | None) -> list[str]:
    """z, y, x for the axes that are left without those of length 1, and without channels."""
    first, last = 0, len(shape)
    while last - first > 3 and 1 in {shape[first], shape[last - 1]}:
        first, last = (first + 1, last) if shape[first] == 1 else (first, last - 1)
    if last - first == 4 and channel is not None:
        first += 1
    if not 2 <= last - first <= 3:
        sizes = " x ".join(str(size) for size in shape)
        more = "; `channel` chooses along the first axis" if last - first == 4 else ""
        raise ValueError(f"{name}: the array must have three axes (z, y, x), got {sizes}{more}")
    words = [f"axis {i}" for i in range(len(shape))]
    words[first:last] = "zyx"[-(last - first) :]
    return words


def _not_one_volume(
    name: str, words: Sequence[str], shape: Sequence[int], others: Sequence[int]
) -> str:
    there = ", ".join(f"{words[i] or f'axis {i}'} of {shape[i]}" for i in others)
    hint = "" if len(others) > 1 else f"; choose one of 0 to {shape[others[0]] - 1} with `channel`"
    return f"{name}: the array must be one volume (z, y, x), got the axis {there} besides{hint}"
