"""Flat files that follow each other along z, each with as many slices as the others."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

import numpy as np
from typing_extensions import override

from poroscale.io.flat.voxels import FlatSource
from poroscale.io.read.source import BlockHint, Source, Voxels
from poroscale.volume import Index, Shape


@dataclass(frozen=True, kw_only=True)
class StackedSource(Source):
    """The `parts` one after the other; `header` is the file that lists them."""

    parts: tuple[FlatSource, ...]
    header: str

    @classmethod
    def of(cls, parts: tuple[FlatSource, ...], header: str) -> Self:
        """Parts of equal shape and dtype."""
        z, y, x = parts[0].shape
        return cls(
            shape=(z * len(parts), y, x),
            dtype=parts[0].dtype,
            voxel_size=parts[0].voxel_size,
            parts=parts,
            header=header,
        )

    @property
    @override
    def name(self) -> str:
        return self.header

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return self.parts[0].preferred_block

    @override
    def slice_name(self, z: int) -> str:
        part, inside = divmod(z, self.parts[0].shape[0])
        name = self.parts[part].name
        return name if self.parts[0].shape[0] == 1 else f"slice {inside} of {name}"

    @override
    def fingerprint(self) -> dict[str, Any]:
        listing = "".join(
            f"{part.name}\0{part.path.stat().st_size}\0{part.offset}\n" for part in self.parts
        )
        return {
            "format": self.parts[0].kind,
            "file": self.header,
            "files": len(self.parts),
            "stored": self.parts[0].stored.str,
            "listing": sha256(listing.encode()).hexdigest(),
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = np.empty(shape, self.dtype)
        deep, done = self.parts[0].shape[0], 0
        while done < shape[0]:
            part, inside = divmod(origin[0] + done, deep)
            count = min(deep - inside, shape[0] - done)
            found = self.parts[part].read((inside, *origin[1:]), (count, *shape[1:]))
            box[done : done + count] = found
            done += count
        return box
