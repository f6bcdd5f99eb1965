"""Scans of many kinds whose porosity and pores are known, by which segmentations are judged.

A scan is a function of its kind and its seed. The seed draws the law of the scan (form, pores,
scanner, artefacts), then the scan. The truth is that of the shares by which the voxels are filled,
not of a binary image, so that the edges are true partial volumes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.parts.rendering import cut_pores
from poroscale.phantoms.known.bodies import depths, filled
from poroscale.phantoms.known.media import MEDIA
from poroscale.phantoms.known.parts import PARTS
from poroscale.phantoms.known.pores import draw_law, pores_in
from poroscale.phantoms.known.scanner import draw_scanner, scanned

MODELLED = (*PARTS, *MEDIA)
"""Kinds that are modelled in the image, in a second or two."""
TOMOGRAPHIC = ("parallel", "cone")
"""Kinds that are projected and reconstructed, in tens of seconds."""
KINDS = (*MODELLED, *TOMOGRAPHIC)
EDGES = (96, 128)
"""Voxels along each edge of a modelled scan, smallest and largest."""
BODY, PORES, SCANNER = 0, 1, 2
"""Streams of random numbers."""


@dataclass(frozen=True, eq=False)
class KnownScan:
    """A scan and the truth about it; volumes in voxels.

    Attributes
    ----------
    kind, seed
        Kind of the scan and seed; the scan follows from them.
    grey
        Grey values (z, y, x).
    part_volume, pore_volume
        Volume of the part with its pores, and of the pores.
    pores
        One row for each separate pore: its volume and its centroid z, y, x, where voxel centres
        lie at index + 0.5; float64 (n, 4). None in a medium, whose pores are connected.
    law
        Description of what was drawn.
    """

    kind: str
    seed: int
    grey: NDArray[np.generic]
    part_volume: float
    pore_volume: float
    pores: NDArray[np.float64] | None = None
    law: Mapping[str, Any] = field(default_factory=dict)

    @property
    def porosity(self) -> float:
        """Pore volume over the volume of the part."""
        return self.pore_volume / self.part_volume


def kind_of_scan(seed: int) -> str:
    """The kind of modelled scan that a seed draws."""
    return MODELLED[_generator("kind", seed, BODY).integers(len(MODELLED))]


def known_scan(
    seed: int, *, kind: str | None = None, shape: tuple[int, int, int] | None = None
) -> KnownScan:
    """Make a scan.

    Parameters
    ----------
    seed
        Number from which everything is drawn.
    kind
        One of `KINDS`; None draws one of `MODELLED`.
    shape
        Voxels (z, y, x); None draws 96 to 128 along each edge of a modelled scan, and takes
        64 x 128 x 128 for a tomographic one.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    kind = kind or kind_of_scan(seed)
    if kind in TOMOGRAPHIC:
        from poroscale.phantoms.known.tomography import tomographic_scan

        return tomographic_scan(seed, kind, shape)
    if kind not in MODELLED:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    rng = _generator(kind, seed, BODY)
    drawn = rng.integers(EDGES[0], EDGES[1] + 1, 3)
    shape = shape or (int(drawn[0]), int(drawn[1]), int(drawn[2]))
    make = _medium if kind in MEDIA else _part
    part, solid, pores, law = make(kind, seed, shape, rng)
    generator = _generator(kind, seed, SCANNER)
    scanner = draw_scanner(generator)
    grey = scanned(solid, scanner, seed=int(generator.integers(2**31)))
    whole, filled_volume = float(part.sum(dtype=float)), float(solid.sum(dtype=float))
    law |= asdict(scanner)
    return KnownScan(kind, seed, grey, whole, whole - filled_volume, pores, law)


Made = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64] | None, dict[str, Any]]
"""Shares of the voxels that are part, and solid; the pores; what was drawn."""


def _medium(kind: str, _seed: int, shape: tuple[int, int, int], rng: np.random.Generator) -> Made:
    medium = MEDIA[kind](shape, rng)
    return medium.part, medium.solid, None, {"asked": medium.asked}


def _part(kind: str, seed: int, shape: tuple[int, int, int], rng: np.random.Generator) -> Made:
    body = PARTS[kind](shape, rng)
    part = filled(body, shape)
    generator = _generator(kind, seed, PORES)
    law = draw_law(generator)
    pores = pores_in(law, float(part.sum(dtype=float)), depths(body, shape), generator)
    solid = part.copy()
    return part, solid, pore_table(cut_pores(solid, (0, 0, 0), pores)), dict(law._asdict())


def pore_table(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Volumes and centroids from what `cut_pores` returns, of the pores that have a volume."""
    sums = sums[sums[:, 0] > 0]
    return np.column_stack([sums[:, :1], sums[:, 1:] / sums[:, :1]])


def _generator(kind: str, seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng((seed, zlib.crc32(kind.encode()), stream))
