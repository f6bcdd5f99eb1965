"""Truth of each voxel in a volume of known pores: phases, a mask, or labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run, reduce_blocks
from poroscale.segmentation.thresholds.histogram import EXTREMES
from poroscale.volume import PHASES, Volume

Kind = Literal["phases", "mask", "labels"]
KINDS = ("phases", "mask", "labels")


@dataclass(frozen=True)
class Truth:
    """Known pores.

    Attributes
    ----------
    volume
        Integers.
    kind
        "phases": 0 outside, 1 solid, 2 pore. "mask": pores are not 0. "labels": likewise, and
        every pore has a number of its own.
    """

    volume: Volume
    kind: Kind

    @classmethod
    def of(cls, volume: Volume, kind: str = "auto", *, run: Run | None = None) -> Truth:
        """The truth in `volume`; with "auto" its kind is what it says of itself, or its values.

        Raises
        ------
        TypeError
            If the volume does not hold integers.
        ValueError
            If its values do not tell what they mean.
        """
        if volume.dtype.kind not in "bui":
            raise TypeError(
                f"{volume.path} must hold the truth as integers (phases, a mask or labels), "
                f"got {volume.dtype}"
            )
        if kind not in ("auto", *KINDS):
            raise ValueError(f"truth must be one of {', '.join(KINDS)}, got {kind!r}")
        if kind == "auto":
            said = volume.attributes.get("kind")
            kind = said if said in KINDS else _kind_by_values(volume, run or Run())
        return cls(volume, cast(Kind, kind))


def _kind_by_values(volume: Volume, run: Run) -> str:
    if volume.dtype.kind == "b":
        return "mask"
    extremes = reduce_blocks(EXTREMES, volume, bytes_per_voxel=1.0, run=run)
    low, high = int(extremes["low"]), int(extremes["high"])
    if low >= 0 and high <= 1:
        return "mask"
    if low >= 0 and high == PHASES["pore"]:
        return "phases"
    raise ValueError(
        f"`truth` must say whether {volume.path} holds phases, a mask or labels: its values are "
        f"{low} to {high}"
    )


def truth_pores(truth: NDArray[Any], kind: str) -> NDArray[np.bool_]:
    """True where the truth is pore."""
    return truth == PHASES["pore"] if kind == "phases" else truth != 0


def counted_voxels(
    truth: NDArray[Any], inside: NDArray[Any] | None, *, kind: str, everywhere: bool
) -> NDArray[np.bool_]:
    """True where a voxel counts: inside the part as phases know it, and where `inside` is not 0."""
    counted = np.ones(truth.shape, bool) if inside is None else inside != 0
    if kind == "phases" and not everywhere:
        counted &= truth != PHASES["outside"]
    return counted
