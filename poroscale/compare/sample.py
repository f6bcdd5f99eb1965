"""Measurements of one volume, and properties that all volumes of a set must share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poroscale.volume import Volume


@dataclass(frozen=True)
class Sample:
    """One part and what was measured of it.

    Attributes
    ----------
    phases
        0 outside, 1 solid, 2 pore.
    table
        Pore table of the volume (`poroscale.pore_analysis.columns`).
    surface
        Folder with `radius.zarr`, `flags.zarr` and `roughness.json`; None without a free surface.
    """

    phases: Volume
    table: Path
    surface: Path | None = None

    @property
    def name(self) -> str:
        """The name of the volume, without its folder."""
        return self.phases.path.name.removesuffix(".zarr")

    @property
    def generated(self) -> bool:
        """True if `generate part` made the volume; otherwise it is taken for a scan."""
        return "generated" in self.phases.attributes


def names_of(reference: Sequence[Sample], generated: Sequence[Sample]) -> list[list[str]]:
    """Names of the volumes of either side, with their folder where two would have one name."""
    sides = [[sample.name for sample in side] for side in (reference, generated)]
    plain = [name for side in sides for name in side]
    if len(set(plain)) == len(plain):
        return sides
    return [
        [f"{sample.phases.path.resolve().parent.name}/{sample.name}" for sample in side]
        for side in (reference, generated)
    ]


def check_samples(reference: Sequence[Sample], generated: Sequence[Sample]) -> None:
    """Refuse what cannot be compared.

    Raises
    ------
    ValueError
        If a side is empty, a volume is on both sides or voxel sizes differ; one sentence.
    """
    for side, samples in (("reference", reference), ("generated", generated)):
        if not samples:
            raise ValueError(f"{side} must have at least one volume, got none")
    known = {sample.phases.path.resolve() for sample in reference}
    size = reference[0].phases.voxel_size
    for sample in generated:
        if sample.phases.path.resolve() in known:
            raise ValueError(f"generated must be another volume, got the reference {_path(sample)}")
    for sample in (*reference, *generated):
        if not np.allclose(sample.phases.voxel_size, size, rtol=1e-6):
            raise ValueError(
                f"volumes must have one voxel size, got {_um(size)} of {_path(reference[0])} and "
                f"{_um(sample.phases.voxel_size)} of {_path(sample)}"
            )


def _path(sample: Sample) -> Path:
    return sample.phases.path


def _um(size: tuple[float, ...]) -> str:
    return " x ".join(f"{edge:g}" for edge in size) + " um"
