"""The batch with which a network answers fastest, measured before a job begins.

On a processor it is often 1, on a GPU more. The batch enters the recipe, so that whoever measures
it keeps it: another choice at a later start would be another job.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from poroscale.engine.lattice import Windows
from poroscale.engine.window_tasks import Infer

LARGEST = 32
CALLS = 2
GAIN = 0.95
"""A larger batch must take less than this share of the time a window, for it takes more memory."""


def fastest_batch(
    infer: Infer,
    windows: Windows,
    *,
    largest: int = LARGEST,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """Windows to be inferred at a time: 1, 2, 4, ... as long as each is faster than the one before.

    Parameters
    ----------
    infer
        It raises MemoryError where its device cannot hold a batch.
    windows
        Their edge and halo are what is inferred; their batch is not looked at.
    largest
        Not more than this.
    clock
        Seconds.

    Raises
    ------
    MemoryError
        If the device cannot hold a single window.
    """
    best, batch = 1, 2
    least = _seconds(infer, windows, 1, clock)
    with suppress(MemoryError):
        while batch <= largest:
            took = _seconds(infer, windows, batch, clock)
            if took > GAIN * least:
                break
            best, least, batch = batch, took, 2 * batch
    return best


def _seconds(infer: Infer, windows: Windows, batch: int, clock: Callable[[], float]) -> float:
    """Time a window, the shortest of some calls after one that is not counted."""
    patches = np.zeros((batch, *windows.input_edges), np.float32)
    infer(patches)
    times = []
    for _ in range(CALLS):
        begun = clock()
        infer(patches)
        times.append(clock() - begun)
    return min(times) / batch
