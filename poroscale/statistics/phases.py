"""Phases of a volume as small codes, and where it counts as part.

A statistic never looks at the values of a volume. Each block is coded first: code k for the k-th
phase value in ascending order, `OUTSIDE` for a voxel that does not count. Every kernel of this room
and of `kernels.phases` then works on uint8 codes, whatever the dtype of the volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run
from poroscale.kernels.phases.codes import OUTSIDE, STRANGE
from poroscale.statistics.values import few_values, sampled_values, voxels_of
from poroscale.volume import PHASES, Volume

FEW = 6
"""Values up to which comparing with each is faster than a table of all."""
MOST = 32
"""Phases that a volume can hold at most; a scan of grey values has more."""

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class PhaseMap:
    """Phase values of a volume in the order of their codes.

    Attributes
    ----------
    values
        Values that count, ascending; the code of a value is its place.
    outside
        Value of voxels that do not count; None where all voxels count.
    rest
        Whether all other values are one more phase, with the last code.
    """

    values: tuple[int, ...]
    outside: int | None = None
    rest: bool = False

    @property
    def count(self) -> int:
        """Number of phases."""
        return len(self.values) + self.rest

    @property
    def _default(self) -> int:
        """Code of a value that is not named."""
        return len(self.values) if self.rest else STRANGE

    def code(self, value: int) -> int:
        """The code of a phase value.

        Raises
        ------
        ValueError
            If the volume does not hold the value.
        """
        if value not in self.values:
            known = ", ".join(map(str, self.values))
            raise ValueError(f"`phase` must be one of the values {known}, got {value}")
        return self.values.index(value)

    def codes(
        self, block: NDArray[Any], inside: NDArray[Any] | None = None, *, reuse: bool = False
    ) -> Codes:
        """uint8 codes of a block; voxels where `inside` is zero are `OUTSIDE`.

        The block itself where its values are the codes: a copy costs more than counting it. With
        `reuse`, a block of one byte a voxel is overwritten by its codes.
        """
        codes = self._coded(block, reuse=reuse)
        if inside is not None:
            codes[inside == 0] = OUTSIDE
        return codes

    def _coded(self, block: NDArray[Any], *, reuse: bool) -> Codes:
        """Codes plane by plane, which stay in the cache; sums of matches, which are fast."""
        if self._are_codes(block):
            return block.view(np.uint8)
        small = block.dtype.itemsize == 1
        codes = block.view(np.uint8) if reuse and small else np.empty(block.shape, np.uint8)
        known = list(enumerate(self.values))
        if self.outside is not None:
            known.append((OUTSIDE, self.outside))
        table = self._table(block.dtype) if small and len(known) > FEW else None
        for k, plane in enumerate(block):
            if table is not None:
                codes[k] = table[np.ascontiguousarray(plane).view(np.uint8)]
                continue
            found = np.full(plane.shape, self._default, np.uint8)
            for code, value in known:
                matches = (plane == value).view(np.uint8)
                found += matches * np.uint8((code - self._default) % 256)
            codes[k] = found
        return codes

    def _are_codes(self, block: NDArray[Any]) -> bool:
        named = self.values == tuple(range(len(self.values))) and self.outside is None
        small = block.dtype in (np.dtype(np.uint8), np.dtype(bool)) and not self.rest
        return named and small and bool(block.max(initial=0) < len(self.values))

    def _table(self, dtype: np.dtype[Any]) -> Codes:
        """Codes of all 256 values of a type of one byte."""
        table = np.full(256, self._default, np.uint8)
        each = np.arange(256, dtype=np.uint8).view("u1" if dtype.kind == "b" else dtype)
        for code, value in enumerate(self.values):
            table[each == value] = code
        if self.outside is not None:
            table[each == self.outside] = OUTSIDE
        return table


def sampled_map(volume: Volume) -> PhaseMap | None:
    """The phases that samples of a volume show; None where they show too many.

    Reads five small boxes. A value that the samples do not show gets the code `STRANGE`.

    Raises
    ------
    TypeError
        If the volume holds floats.
    """
    _check_integers(volume)
    values = sampled_values(volume, most=MOST)
    if values is None:
        return None
    return map_of_values([int(value) for value in values], of_ours=is_phases(volume))


def phase_map(volume: Volume, *, run: Run | None = None) -> PhaseMap:
    """The phases of a volume, from its values.

    In phases that `segment` wrote, and in volumes of the same kind, the value of `outside` does
    not count. In any other volume every value is a phase.

    Parameters
    ----------
    volume
        Integers or bool.
    run
        Memory, workers and cluster.

    Raises
    ------
    TypeError
        If the volume holds floats.
    ValueError
        If it holds more than `MOST` values.
    """
    _check_integers(volume)
    counts = few_values(volume, most=MOST, run=run)
    if counts is None:
        raise ValueError(
            f"{volume.path} must hold at most {MOST} phases, got more values than that, as in a "
            "scan or in a compressed picture; segment it first"
        )
    return map_of_values([int(value) for value in counts], of_ours=is_phases(volume))


def check_held(volume: Volume, value: int, *, run: Run | None = None) -> None:
    """Refuse a phase that a volume does not hold; the other values may be any number.

    Raises
    ------
    TypeError
        If the volume holds floats.
    ValueError
        If it does not hold the value.
    """
    _check_integers(volume)
    counts = few_values(volume, most=MOST, run=run)
    if counts is not None:
        PhaseMap(tuple(int(each) for each in counts)).code(value)
    elif not voxels_of(volume, value, run=run):
        raise ValueError(f"{volume.path} must hold the phase {value}, got other values only")


def map_of_values(values: Sequence[int], *, of_ours: bool) -> PhaseMap:
    """The map of values; `of_ours` says that the value of `outside` does not count."""
    outside = PHASES["outside"] if of_ours and PHASES["outside"] in values else None
    return PhaseMap(tuple(sorted(value for value in values if value != outside)), outside)


def _check_integers(volume: Volume) -> None:
    if volume.dtype.kind not in "bui":
        raise TypeError(
            f"{volume.path} must hold phases (integers or bool), got {volume.dtype}; segment it "
            "first"
        )


def is_phases(volume: Volume) -> bool:
    """True if the volume says that its values are those of `PHASES`."""
    return volume.attributes.get("kind") == "phases"
