"""Pixels of several numbers: the one that is asked for, or grey that is stored several times.

Interleaved numbers (RGB RGB ...) are a volume whose rows are as many times longer; numbers in
planes of their own are as many volumes. Either is read like any grey volume, and chosen from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from typing_extensions import override

from poroscale.io.read.source import BlockHint, Source, Voxels
from poroscale.io.read.wrappers import Wrapper
from poroscale.volume import Index, Shape

Channel = int | Literal["index"]


@dataclass(frozen=True)
class Pixels:
    """Meaning of the numbers of one pixel.

    Attributes
    ----------
    count
        Numbers of a pixel.
    colours
        Number of colours that grey repeats: 3 of RGB(A), 1 of grey with alpha; 0 where
        they are channels of their own.
    opaque
        True if the last one is the opacity.
    choice
        The channel that was asked for, from 0.
    """

    count: int
    colours: int = 0
    opaque: bool = False
    choice: int | None = None

    @property
    def used(self) -> tuple[int, ...]:
        """The numbers that must be read."""
        if self.choice is not None:
            return (self.choice,)
        return tuple(range(self.count))


def pixels_of(
    count: int, channel: Channel | None, name: str, *, colours: int = 0, opaque: bool = False
) -> Pixels:
    """Selection from pixels of `count` numbers.

    Raises
    ------
    ValueError
        If there is no such channel, or one must be chosen.
    """
    if channel is None:
        if not colours and count > 1:
            raise ValueError(
                f"{name}: the pixels hold {count} channels: choose one with "
                f"`channel` 0 to {count - 1}"
            )
        return Pixels(count, colours, opaque)
    return Pixels(count, colours, opaque, chosen_channel(channel, count, name))


def chosen_channel(channel: Channel, count: int, name: str) -> int:
    """The number of a channel among `count`.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    if channel == "index" or not 0 <= channel < count:
        most = f"0 to {count - 1}" if count > 1 else "0: there is one"
        raise ValueError(f"{name}: the channel must be {most}, got {channel}")
    return channel


def no_channels(channel: Channel | None, name: str) -> None:
    """Refuse a choice where there is none.

    Raises
    ------
    ValueError
        Naming the file.
    """
    if channel is not None:
        chosen_channel(channel, 1, name)


@dataclass(frozen=True, kw_only=True)
class Interleaved(Wrapper):
    """Every n-th number of a row of `inner`, or all n where grey repeats itself."""

    pixels: Pixels

    @classmethod
    def of(cls, inner: Source, pixels: Pixels) -> Source:
        """`inner`, whose rows hold the numbers of a pixel side by side, as a grey volume."""
        if pixels.count == 1:
            return inner
        z, y, wide = inner.shape
        return cls(
            shape=(z, y, wide // pixels.count),
            dtype=inner.dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            pixels=pixels,
        )

    @property
    @override
    def preferred_block(self) -> BlockHint:
        z, y, x = self.inner.preferred_block
        return z, y, x and -(-x // self.pixels.count)

    @property
    @override
    def temporary(self) -> float:
        return self.pixels.count * (self.inner.temporary + self.dtype.itemsize) + 1

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {**self.inner.fingerprint(), **_choice(self.pixels)}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        n = self.pixels.count
        start, wide = (*origin[:2], origin[2] * n), (*shape[:2], shape[2] * n)
        numbers = self.inner.read(start, wide).reshape(*shape, n)
        if self.pixels.choice is not None:
            return np.ascontiguousarray(numbers[..., self.pixels.choice])
        planes = [numbers[..., k] for k in range(n)]
        _require_grey(planes, self.pixels, self, origin[0])
        return np.ascontiguousarray(planes[0])


@dataclass(frozen=True, kw_only=True)
class Planar(Wrapper):
    """The numbers of a pixel in volumes of their own: `inner` first, then the `others`."""

    others: tuple[Source, ...]
    pixels: Pixels

    @classmethod
    def of(cls, parts: tuple[Source, ...], pixels: Pixels) -> Self:
        """Grey that is stored once in each of the `parts`."""
        first = parts[0]
        return cls(
            shape=first.shape,
            dtype=first.dtype,
            voxel_size=first.voxel_size,
            inner=first,
            others=parts[1:],
            pixels=pixels,
        )

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + len(self.others) * self.dtype.itemsize + 1

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {**self.inner.fingerprint(), **_choice(self.pixels)}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        planes = [part.read(origin, shape) for part in (self.inner, *self.others)]
        _require_grey(planes, self.pixels, self, origin[0])
        return planes[0]


def _choice(pixels: Pixels) -> dict[str, Any]:
    return {"channels": pixels.count, "channel": pixels.choice}


def _require_grey(planes: list[Voxels], pixels: Pixels, source: Source, first: int) -> None:
    for number, plane in enumerate(planes):
        alpha = pixels.opaque and number == len(planes) - 1
        full = np.iinfo(plane.dtype).max if plane.dtype.kind in "ui" else 1
        same = plane == full if alpha else plane == planes[0]
        if same.all():
            continue
        z = int(np.flatnonzero(~same.all(axis=(1, 2)))[0])
        what = "transparent" if alpha else "coloured"
        raise ValueError(
            f"{source.name}: slices must be grey, {source.slice_name(first + z)} is {what}: "
            f"choose a channel with `channel` 0 to {pixels.count - 1}"
        )
