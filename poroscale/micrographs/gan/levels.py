"""Grey levels of a set as numbers from -1 to 1, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from poroscale.micrographs.dataset import MicrographSettings


@dataclass(frozen=True)
class GreyWindow:
    """The levels that a network sees.

    Attributes
    ----------
    low, high
        Levels that become -1 and 1.
    bits
        8 or 16 for each pixel.
    """

    low: int
    high: int
    bits: int

    @classmethod
    def of(cls, settings: MicrographSettings) -> GreyWindow:
        """The levels of the set's window.

        Raises
        ------
        ValueError
            If all images have one level alone.
        """
        if settings.levels[0] == settings.levels[1]:
            raise ValueError(
                f"images must have several grey levels, got {settings.levels[0]} alone"
            )
        return cls(*settings.window, settings.bits)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the levels."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    def to_unit(self, levels: Tensor) -> Tensor:
        """float32 from -1 to 1."""
        return 2 * (levels.float() - self.low) / (self.high - self.low) - 1

    def to_levels(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Levels of values from -1 to 1, rounded."""
        scaled = self.low + (values.astype(np.float64) + 1) / 2 * (self.high - self.low)
        return np.clip(np.rint(scaled), 0, 2**self.bits - 1).astype(self.dtype)
