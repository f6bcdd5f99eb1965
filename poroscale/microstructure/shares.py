"""Phase fractions that are wanted: everywhere the same, along a gradient, or inside a mask.

A wish names the fraction of one phase. The other phases keep their proportions to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.volume import Index, Shape, Volume

Floats = NDArray[np.float32]
Share = float | Floats
"""A fraction, or fractions that broadcast to a box."""
ROUNDING = 1e-6
"""Fractions that sum to 1 within this are those of all phases."""
LEAST, MOST = 1e-4, 1 - 1e-4
"""Local fractions are kept within these: at 0 and 1 a level is infinite."""


@dataclass(frozen=True)
class Gradient:
    """A fraction that changes steadily along an axis.

    Attributes
    ----------
    axis
        0, 1, 2 for z, y, x.
    first, last
        Fractions in the first and in the last layer of the volume.
    length
        Layers of the volume.
    at
        Place of the first voxel of the volume in the medium.
    """

    axis: int
    first: float
    last: float
    length: int
    at: Index = (0, 0, 0)

    def __call__(self, origin: Index, shape: Shape) -> Floats:
        """float32 fractions of a box, along the axis alone; beyond the volume those of its ends."""
        begin = origin[self.axis] - self.at[self.axis]
        places = np.arange(begin, begin + shape[self.axis])
        share = np.clip(places / max(1, self.length - 1), 0.0, 1.0)
        values = self.first + (self.last - self.first) * share
        along = [1, 1, 1]
        along[self.axis] = shape[self.axis]
        return np.asarray(values.reshape(along), np.float32)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What it is, as JSON."""
        return {"gradient": [self.axis, self.first, self.last, self.length], "at": list(self.at)}


@dataclass(frozen=True)
class MaskedShare:
    """One fraction where a mask is not 0, another elsewhere; a mask of floats states fractions.

    Attributes
    ----------
    mask
        The volume of the mask.
    digest
        Digest of the mask, for the recipe.
    inside, outside
        Fractions where the mask is not 0, and elsewhere. Of a mask of floats neither is used inside
        the mask's volume.
    at
        Place of the first voxel of the mask in the medium.
    """

    mask: Path
    digest: str
    inside: float
    outside: float
    at: Index = (0, 0, 0)

    @classmethod
    def of(
        cls, mask: Volume, *, inside: float, outside: float, at: Index = (0, 0, 0)
    ) -> MaskedShare:
        """The fractions that a volume tells."""
        return cls(mask.path, mask.digest, inside, outside, at)

    def __call__(self, origin: Sequence[int], shape: Shape) -> Floats:
        """float32 fractions of a box; beyond the mask that of `outside`."""
        found = np.full(shape, self.outside, np.float32)
        mask = Volume.open(self.mask)
        origin = tuple(o - first for o, first in zip(origin, self.at, strict=True))
        low = [max(0, o) for o in origin]
        high = [min(n, o + s) for n, o, s in zip(mask.shape, origin, shape, strict=True)]
        if all(a < b for a, b in zip(low, high, strict=True)):
            extent = [b - a for a, b in zip(low, high, strict=True)]
            values = mask.read((low[0], low[1], low[2]), (extent[0], extent[1], extent[2]))
            if values.dtype.kind == "f":
                _refuse_others(values, self.mask)
            else:
                values = np.where(values != 0, np.float32(self.inside), np.float32(self.outside))
            place = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, origin, strict=True))
            found[place] = values
        return found

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What it is, as JSON."""
        both = {"inside": self.inside, "outside": self.outside}
        return {"mask": self.digest, "at": list(self.at)} | both


def _refuse_others(values: NDArray[np.floating], mask: Path) -> None:
    """Refuse floats that are no fractions: 0 and 255 would be taken as all or nothing."""
    low, high = values.min(), values.max()
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):
        raise ValueError(
            f"{mask} holds floats, which state fractions and must lie between 0 and 1, got "
            f"{low:g} to {high:g}; give whole numbers to say where the fraction holds"
        )


@dataclass(frozen=True)
class Shares:
    """Fractions of all phases of a volume.

    Attributes
    ----------
    fractions
        By phase, where nothing varies.
    phase
        Phase whose fraction varies; None if none does.
    varying
        Sampler of its fraction.
    """

    fractions: tuple[float, ...]
    phase: int | None = None
    varying: Gradient | MaskedShare | None = None

    def of_box(self, origin: Index, shape: Shape) -> list[Share]:
        """Fractions by phase in a box of the medium."""
        if self.varying is None or self.phase is None:
            return list(self.fractions)
        here = np.clip(self.varying(origin, shape), LEAST, MOST)
        others = 1.0 - self.fractions[self.phase]
        return [
            here if code == self.phase else (1 - here) * np.float32(fraction / others)
            for code, fraction in enumerate(self.fractions)
        ]

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What is wanted, as JSON."""
        varying = None if self.varying is None else dict(self.varying.recipe)
        return {"fractions": list(self.fractions), "phase": self.phase, "varying": varying}


def with_fraction(fractions: Sequence[float], phase: int, wanted: float) -> tuple[float, ...]:
    """Fractions of which one is changed; errors as `with_fractions`."""
    return with_fractions(fractions, {phase: wanted})


def with_fractions(fractions: Sequence[float], wanted: Mapping[int, float]) -> tuple[float, ...]:
    """Fractions of which some are changed; the others keep their proportions to each other.

    Raises
    ------
    ValueError
        If a fraction is not between 0 and 1, or the wanted ones leave nothing for the others, or do
        not sum to 1 where there are no others.
    """
    for phase, share in wanted.items():
        if not 0 < share < 1:
            raise ValueError(
                f"`fraction` must lie between 0 and 1, got {share:g} for phase {phase}"
            )
    total = sum(wanted.values())
    others = sum(each for code, each in enumerate(fractions) if code not in wanted)
    if len(wanted) == len(fractions) and abs(total - 1) > ROUNDING:
        raise ValueError(f"`fraction` of all phases must sum to 1, got {total:g}")
    if len(wanted) < len(fractions) and total >= 1:
        raise ValueError(
            f"`fraction` must leave something for the other phases, got {total:g} in all"
        )
    return tuple(
        wanted[code] if code in wanted else each * (1 - total) / others
        for code, each in enumerate(fractions)
    )
