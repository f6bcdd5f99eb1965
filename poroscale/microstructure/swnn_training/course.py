"""What a network is given for a fraction that is wanted, everywhere the same or by place."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.microstructure.shares import Gradient, MaskedShare
from poroscale.volume import Index, Shape

Table = tuple[tuple[float, ...], ...]


@kernel("microstructure.CalibratedMean")
@dataclass(frozen=True)
class CalibratedMean:
    """Mean of the noise by place, from a fraction that varies (section 3.3, Fig. 12).

    Conditions and thresholds follow from the fraction in the same way.

    Attributes
    ----------
    varying
        Sampler of the fraction.
    shares, means
        Fractions in ascending order, and the number that belongs to each. Beyond their ends the
        number is that of the end.
    extent
        Voxels of the volume along (z, y, x), which begins where `varying` is `at`. Beyond a face
        the fraction goes on as at the face, or, in a volume that is periodic, as at the opposite.
    periodic
        Whether the volume repeats.
    """

    varying: Gradient | MaskedShare
    shares: tuple[float, ...]
    means: tuple[float, ...]
    extent: Shape
    periodic: bool = False

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """float32 numbers that broadcast to a box."""
        places = [
            first + self._inside(np.arange(o, o + n) - first, e)
            for o, n, e, first in zip(origin, shape, self.extent, self.varying.at, strict=True)
        ]
        seen = [np.unique(each) for each in places]
        share = np.empty([len(each) for each in seen], np.float32)
        for z, y, x in itertools.product(*map(_runs, seen)):
            first = (int(seen[0][z.start]), int(seen[1][y.start]), int(seen[2][x.start]))
            share[z, y, x] = self.varying(
                first, (z.stop - z.start, y.stop - y.start, x.stop - x.start)
            )
        at = np.ix_(*(np.searchsorted(each, p) for each, p in zip(seen, places, strict=True)))
        return np.interp(share, self.shares, self.means).astype(np.float32)[at]

    def _inside(self, places: NDArray[np.int64], extent: int) -> NDArray[np.int64]:
        return places % extent if self.periodic else np.clip(places, 0, extent - 1)

    def but(self, **changes: Any) -> Self:
        """This mean with some settings replaced."""
        return replace(self, **changes)

    @property
    def recipe(self) -> dict[str, Any]:
        """What it is, as JSON."""
        return {
            "varying": dict(self.varying.recipe),
            "shares": list(self.shares),
            "means": list(self.means),
            "extent": list(self.extent),
            "periodic": self.periodic,
        }


def _runs(values: NDArray[np.int64]) -> list[slice]:
    """Slices of ascending whole numbers in which each is one more than the last."""
    edges = [0, *(np.flatnonzero(np.diff(values) > 1) + 1).tolist(), len(values)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


@dataclass(frozen=True)
class ShareCourse:
    """What a network is given, and where its field is cut, for each fraction of one phase.

    Attributes
    ----------
    phase
        The phase.
    shares
        Ascending fractions.
    inputs
        The mean of the noise, or the condition, that belongs to each.
    thresholds
        At each, the ascending thresholds of the field.
    """

    phase: int
    shares: tuple[float, ...]
    inputs: tuple[float, ...]
    thresholds: Table

    @classmethod
    def of_details(cls, stored: Mapping[str, Any]) -> Self:
        """The course in the details of a model."""
        rows = tuple(tuple(map(float, row)) for row in stored["thresholds"])
        shares, inputs = (tuple(map(float, stored[name])) for name in ("shares", "inputs"))
        return cls(int(stored["phase"]), shares, inputs, rows)

    @property
    def details(self) -> dict[str, Any]:
        """The course as JSON."""
        return {
            "phase": self.phase,
            "shares": list(self.shares),
            "inputs": list(self.inputs),
            "thresholds": [list(row) for row in self.thresholds],
        }

    def of_phase(self, phase: int, phases: int) -> ShareCourse:
        """The course of a phase: this one, or that of the other of two phases.

        Raises
        ------
        ValueError
            If a model of more phases was trained for the fractions of another phase.
        """
        if phase == self.phase:
            return self
        if phases > 2:
            raise ValueError(
                f"`fraction` must name phase {self.phase}, for whose fractions this model was "
                f"trained, got phase {phase}"
            )
        shares = tuple(1 - share for share in reversed(self.shares))
        return ShareCourse(phase, shares, self.inputs[::-1], self.thresholds[::-1])

    def check(self, wanted: float) -> None:
        """Refuse a fraction that the network cannot reach.

        Raises
        ------
        ValueError
            The sentence has the range that it can.
        """
        if not self.shares[0] <= wanted <= self.shares[-1]:
            raise ValueError(
                f"`fraction` of phase {self.phase} must lie between {self.shares[0]:.3f} and "
                f"{self.shares[-1]:.3f} for this model, got {wanted:g}; fit a model for this "
                f"fraction with `fraction` {self.phase}={wanted:g}"
            )

    def at(self, wanted: float) -> tuple[float, tuple[float, ...]]:
        """Input and thresholds for a fraction; errors as `check`."""
        self.check(wanted)
        levels = (np.interp(wanted, self.shares, each) for each in self._columns)
        return float(np.interp(wanted, self.shares, self.inputs)), tuple(map(float, levels))

    def placed(
        self, varying: Gradient | MaskedShare, extent: Shape, *, periodic: bool = False
    ) -> tuple[CalibratedMean, tuple[float | CalibratedMean, ...]]:
        """Input and thresholds by place; a threshold that is the same everywhere is a number."""
        found = CalibratedMean(varying, self.shares, self.inputs, extent, periodic)
        levels = (each[0] if len({*each}) == 1 else found.but(means=each) for each in self._columns)
        return found, tuple(levels)

    @property
    def _columns(self) -> list[tuple[float, ...]]:
        """Each threshold by share."""
        return list(zip(*self.thresholds, strict=True))
