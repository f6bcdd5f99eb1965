"""Local thickness of a rock, and the distance transform that every tool for it begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from poroscale.benchmarks.describing.counting import statistics_of_mask
from poroscale.benchmarks.describing.entries import THREADS, Timed


def widths(scratch: Path, *, mask: str) -> Timed:
    """Local thickness of the pores, as `poroscale stats --which thickness` measures it."""
    timed = statistics_of_mask(scratch, mask, which=("thickness",), phase=1)

    def told() -> dict[str, Any]:
        numbers = timed().phase(1)
        says = f"mean {numbers['thickness_mean_um']:.2f} um"
        return {"fraction": numbers["fraction"], "says": says}

    return told


def distance_transform(_scratch: Path, *, mask: str) -> Timed:
    """The distance transform of an array in memory."""
    import edt

    from poroscale.volume import Volume

    phase = Volume.open(mask).read() == 1

    def timed() -> dict[str, Any]:
        found = edt.edt(phase, black_border=False, parallel=THREADS)
        return {"fraction": np.count_nonzero(found) / phase.size}

    edt.edt(phase[:8, :8, :8].copy(), parallel=THREADS)
    return timed
