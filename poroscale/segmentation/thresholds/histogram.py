"""The grey histogram of a scan, of the part in it, or of what surrounds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Pass, Reduction, Run, reduce_blocks, reduce_pass
from poroscale.identity import kernel
from poroscale.kernels.grey.levels import Levels, count_levels, levels_between, levels_of
from poroscale.statistics.sums import summed
from poroscale.volume import FieldSampler, Volume

Counts = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class GreyHistogram:
    """Counts of grey values of two sets of voxels: those of interest, and the rest.

    Attributes
    ----------
    levels
        The bins.
    inside, rest
        int64 counts of the voxels where the field is true, and where it is not.
    """

    levels: Levels
    inside: NDArray[np.int64]
    rest: NDArray[np.int64]

    @property
    def total(self) -> NDArray[np.int64]:
        """Counts of all voxels."""
        return self.inside + self.rest


def grey_histogram(
    scan: Volume,
    where: Volume | FieldSampler,
    *,
    invert: bool = False,
    journal: Path | None = None,
    run: Run | None = None,
) -> GreyHistogram:
    """Count the grey values of `scan` apart for the voxels in and out of `where`.

    Parameters
    ----------
    scan
        Grey values.
    where
        bool, the scan's shape.
    invert
        Count the voxels where the field is false as inside.
    journal
        Folder that remembers finished blocks.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If the scan holds NaN or infinite values.
    """
    levels = levels_of(scan.dtype) or _found_levels(scan, journal, run)
    declared = histogram_pass(scan.dtype).but(parameters={"levels": levels, "invert": invert})
    counts = reduce_pass(declared, (scan, where), journal=journal, run=run)
    return GreyHistogram(levels, counts["inside"], counts["rest"])


@kernel("segment.histogram.count")
def _count(grey: NDArray[Any], where: NDArray[Any], *, levels: Levels, invert: bool) -> Counts:
    chosen = where.astype(bool) != invert
    if chosen.all():
        inside = count_levels(grey, levels)
        return {"inside": inside, "rest": np.zeros_like(inside)}
    inside = count_levels(grey[chosen], levels)
    return {"inside": inside, "rest": count_levels(grey, levels) - inside}


def histogram_pass(grey: DTypeLike) -> Pass:
    """The pass over grey values and a mask."""
    return Pass(
        "histogram",
        Reduction(_count, summed, lambda total: total),
        reads=(grey, bool),
        temporary=np.dtype(grey).itemsize + 1,
    )


def _found_levels(scan: Volume, journal: Path | None, run: Run | None) -> Levels:
    journal = journal and journal.with_name(f"{journal.name} range")
    extremes = reduce_blocks(EXTREMES, scan, journal=journal, bytes_per_voxel=2, run=run)
    low, high = float(extremes["low"]), float(extremes["high"])
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{scan.path} holds values that are no finite numbers (NaN or infinite)")
    if low == high:
        raise ValueError(f"{scan.path} must have more than one grey value: no threshold exists")
    return levels_between(low, high, scan.dtype)


@kernel("segment.range")
def _range(grey: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {"low": np.asarray(grey.min()), "high": np.asarray(grey.max())}


def _widen(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return {"low": np.minimum(a["low"], b["low"]), "high": np.maximum(a["high"], b["high"])}


EXTREMES = Reduction(_range, _widen, lambda total: total)
"""The lowest and the highest value of a volume: `low` and `high`."""
