"""How long the windows of a scan will take, by a trial of the network on this machine."""

from __future__ import annotations

from typing import NamedTuple


class Trial(NamedTuple):
    """What a trial pass tells.

    Attributes
    ----------
    windows
        How many windows there are at most: those outside the part are skipped.
    edge
        Of a window [voxels].
    seconds
        That one window took, on one core or on the GPU.
    """

    windows: int
    edge: int
    seconds: float

    def in_words(self, at_once: int) -> str:
        """The time of all windows, `at_once` at a time."""
        took = f"{1000 * self.seconds:.3g} ms each by trial"
        whole = duration(self.windows * self.seconds / at_once)
        windows = f"at most {self.windows:,} of {self.edge}³"
        return f"{windows}, {took}, {at_once} at a time: about {whole}"


def duration(seconds: float) -> str:
    """In words: 5 s, 12 min, 3.4 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
