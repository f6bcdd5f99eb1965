"""A finished poroscale volume as a source: every chunk is compared with its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from poroscale.io.read.source import BlockHint, Source, Voxels
from poroscale.volume import Index, Shape, Volume


@dataclass(frozen=True, kw_only=True)
class StoredSource(Source):
    """The voxels of a `Volume`; it keeps the volume's absolute origin."""

    volume: Volume

    @classmethod
    def of(cls, path: Path) -> StoredSource:
        """The finished volume at `path`, opened as `Volume.open` does."""
        return cls.from_volume(Volume.open(path))

    @classmethod
    def from_volume(cls, volume: Volume) -> StoredSource:
        """The voxels of an open volume; booleans become 0 and 1."""
        return cls(
            shape=volume.shape,
            dtype=np.dtype(np.uint8) if volume.dtype == np.bool_ else volume.dtype,
            voxel_size=volume.voxel_size,
            volume=volume,
        )

    @property
    @override
    def name(self) -> str:
        return self.volume.path.name

    @property
    @override
    def origin(self) -> Index:
        return self.volume.origin

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return self.volume.chunks

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {"format": "poroscale", "file": self.name, "digest": self.volume.digest}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        return self.volume.read(origin, shape).astype(self.dtype, copy=False)
