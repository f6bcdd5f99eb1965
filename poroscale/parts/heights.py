"""Bands of a rough surface, drawn once for all that ask for them."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.maps.local_roughness import local_roughness, patch_voxels

BAND = 128
"""Rows of a band; bands lie on a fixed lattice, so that a row's bits do not depend on who asks."""
KEPT_BYTES = 192 << 20


@kernel("parts.HeightSampler")
class HeightSampler(Protocol):
    """Heights of a rough surface [um]: the same values whatever box is asked.

    Rows run along z, one per voxel, and are unbounded; columns run around a cylinder with a period
    of their own, or along a face.
    """

    def __call__(self, origin: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.float32]:
        """Heights [um] of the box of (rows, columns) at `origin`."""
        ...


class Drawings:
    """Base of what threads draw once and share; a copy sent to another process starts empty."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_kept", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Drawings.__init__(self)
        self.__dict__.update(state)


class Bands(Drawings):
    """Heights and local roughness of one surface, band by band."""

    def __init__(self, heights: HeightSampler, *, columns: int, periodic: bool, voxel_um: float):
        super().__init__()
        self.heights, self.columns = heights, columns
        self.periodic, self.voxel_um = periodic, voxel_um

    def rows(self, first: int, count: int) -> NDArray[np.float32]:
        """Heights [um] of the rows from `first` on, shape (count, columns)."""
        return self._joined("height", first, count)

    def roughness(self, first: int, count: int) -> NDArray[np.float32]:
        """Local roughness [um] of the rows from `first` on, shape (count, columns)."""
        return self._joined("roughness", first, count)

    def _joined(self, what: str, first: int, count: int) -> NDArray[np.float32]:
        bands = range(first // BAND, -(-(first + count) // BAND))
        drawn = np.concatenate([self._band(what, band) for band in bands])
        return drawn[first - bands[0] * BAND :][:count]

    def _band(self, what: str, band: int) -> NDArray[np.float32]:
        key = (what, band)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                known: NDArray[np.float32] = self._kept[key]
                return known
        drawn = self._draw(what, band)
        with self._lock:
            self._kept[key] = drawn
            while len(self._kept) > 8 and len(self._kept) * drawn.nbytes > KEPT_BYTES:
                self._kept.popitem(last=False)
        return drawn

    def _draw(self, what: str, band: int) -> NDArray[np.float32]:
        if what == "height":
            return self.heights((band * BAND, 0), (BAND, self.columns))
        patch = patch_voxels(self.voxel_um)
        halo = patch // 2 + 1
        around = self.rows(band * BAND - halo, BAND + 2 * halo)
        return local_roughness(around, patch, periodic=self.periodic)[halo:-halo]
