"""A microstructure inside a mask, and another phase around it (Ma et al., section 4).

The mask is the global structure, which the user has or generates; a model of the local phases
fills it. The network knows nothing of the mask, so that its patterns reach up to the faces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.fixed_tiles import computed_on_tiles
from poroscale.microstructure.placed import PhaseSampler
from poroscale.microstructure.shares import MaskedShare
from poroscale.volume import Index, Shape, Volume


@kernel("microstructure.InsideSampler")
@dataclass(frozen=True)
class InsideSampler:
    """Phases of a medium where a mask is not 0, and one phase elsewhere.

    Attributes
    ----------
    medium
        The medium.
    mask
        The mask, 1 where the medium is; beyond it nothing is.
    codes
        By phase of the medium, the phase that is written.
    outside
        The phase elsewhere.
    """

    medium: PhaseSampler
    mask: MaskedShare
    codes: tuple[int, ...]
    outside: int

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """The phases of a box."""
        box = computed_on_tiles(
            self._phases, origin, shape, tile=self.tile, dtype=np.uint8, grain=1
        )
        return np.asarray(box, np.uint8)

    def _phases(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        inside = self.mask(origin, shape) != 0
        found = np.full(shape, self.outside, np.uint8)
        if inside.any():  # elsewhere nobody sees what the medium is
            table = np.array(self.codes, np.uint8)
            found[inside] = table[self.medium(origin, shape)[inside]]
        return found

    @property
    def tile(self) -> Shape:
        """Shape of the tiles of the medium."""
        return self.medium.tile

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile: those of the medium, and the mask as it is read."""
        mask = Volume.open(self.mask.mask)
        read = mask.dtype.itemsize * (prod(self.tile) + prod(mask.chunks))
        return self.medium.need + read + 8 * prod(self.tile)

    @property
    def held(self) -> int:
        """Bytes that all workers of a process share."""
        return self.medium.held

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the phases follow."""
        return {
            "medium": dict(self.medium.recipe),
            "inside": dict(self.mask.recipe),
            "codes": list(self.codes),
            "outside": self.outside,
        }
