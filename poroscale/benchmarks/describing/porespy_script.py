"""Local thickness by porespy, run by an interpreter that has porespy and no poroscale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def widths_by_porespy(
    _scratch: Path, *, array: str, voxel_um: float, threads: int
) -> Callable[[], Any]:
    """Local thickness by brute force, porespy's quickest way, of an array in memory."""
    import numba
    import numpy as np
    import porespy

    porespy.settings.ncores = threads
    porespy.settings.tqdm["disable"] = True
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    phase = np.load(array) == 1
    porespy.filters.local_thickness(phase[:32, :32, :32].copy(), method="bf")

    def timed() -> dict[str, Any]:
        radius = porespy.filters.local_thickness(phase, method="bf")
        painted = radius[radius > 0]
        mean = 2 * voxel_um * float(painted.mean(dtype=np.float64))
        says = f"mean {mean:.2f} um, porespy {porespy.__version__}"
        return {"fraction": painted.size / phase.size, "says": says}

    return timed
