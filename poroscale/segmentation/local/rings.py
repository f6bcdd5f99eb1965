"""Ring artefacts about the axis of the scan: recognised in a few slices, taken out of all.

A pixel of the detector that is wrong at every angle becomes a ring. The mean over a ring in the
sound solid tells its height, slice by slice; hardening and scatter, which vary slowly along the
radius, are left to the local level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, hypot
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run, fill_blocks, map_blocks
from poroscale.engine.jobs.recipe import input_identity
from poroscale.identity import kernel
from poroscale.kernels.grey.partial_volume import normalise
from poroscale.kernels.grey.ring_profile import PER_VOXEL, ring_bins, ring_profile
from poroscale.segmentation.local.fields import CoarseField, LevelField
from poroscale.volume import Index, Shape, Volume, VolumeSpec

LOW = 0.006
"""Height of rings, in units of the contrast, below which they are left alone: a pass over the scan
is not worth it."""
LOOKED_AT = 9
"""Slices in which rings are looked for."""
AGREEMENT, OFTEN = 0.3, 0.6
"""Rings are real where the profiles of the two halves of a slice correlate by so much, in this
share of the slices: by chance, profiles of a hundred bins seldom reach half of it."""
SLICE_VOXELS = 1 << 22
VERSION = 1


@kernel("local.RingSampler")
@dataclass(frozen=True)
class RingSampler:
    """Rings of every slice: `(origin, shape) -> (nz, 1, bins)`, float32, normalised.

    Attributes
    ----------
    scan
        Grey values.
    level
        Rough level of the solid.
    air
        Coarse voxels that are not 0 near the outside.
    scale
        Grey values of air and solid.
    noise
        Standard deviation of a voxel, normalised.
    centre
        Point where the axis meets a slice (y, x) [voxels].
    """

    scan: Volume
    level: LevelField
    air: CoarseField
    scale: tuple[float, float]
    noise: float
    centre: tuple[float, float]

    @property
    def bins(self) -> int:
        """Bins of the radius."""
        _, ny, nx = self.scan.shape
        reach = hypot(*(max(c, n - 1 - c) for n, c in zip((ny, nx), self.centre, strict=True)))
        return PER_VOXEL * (ceil(reach) + 1)

    def seen(self, z: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Grey values of a slice less the level, and which of its voxels are of the part."""
        _, ny, nx = self.scan.shape
        box: tuple[Index, Shape] = ((z, 0, 0), (1, ny, nx))
        residual = normalise(self.scan(*box), *self.scale) - self.level(*box)
        return residual[0], self.air(*box)[0] == 0

    def profile(
        self, residual: NDArray[np.float32], part: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], float]:
        """Rings of one slice, and how well its halves agree."""
        _, ny, nx = self.scan.shape
        bins = ring_bins((ny, nx), self.centre)
        return ring_profile(residual, part, bins, length=self.bins, noise=self.noise)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """Profiles of the slices of a box, whose other axes are whole."""
        rows = [self.profile(*self.seen(z))[0] for z in range(origin[0], origin[0] + shape[0])]
        return np.stack(rows)[:, None, :].astype(np.float32)


def recognised(sampler: RingSampler) -> RingSampler | None:
    """The sampler about the axis on which rings are strongest, or None where there are none."""
    nz, ny, nx = sampler.scan.shape
    if min(ny, nx) < LEAST_EDGE:
        return None
    slices = np.unique(np.linspace(0, nz - 1, LOOKED_AT + 2).astype(int)[1:-1])
    seen = [sampler.seen(int(z)) for z in slices]
    best, most = None, 0.0
    for centre in ((ny / 2, nx / 2), ((ny - 1) / 2, (nx - 1) / 2)):
        tried = replace(sampler, centre=centre)
        found = [tried.profile(*each) for each in seen]
        heights = np.array([float(np.sqrt(np.mean(profile**2))) for profile, _ in found])
        shared = np.array([agreement for _, agreement in found])
        agreement = float(np.median(shared))
        often = ((shared > AGREEMENT) & (heights > LOW)).mean() >= OFTEN
        if often and agreement > most:
            best, most = tried, agreement
    return best


LEAST_EDGE = 32


def without_rings(sampler: RingSampler, work: Path, run: Run) -> Volume:
    """The scan less its rings, of the same type and with the same pyramid.

    Parameters
    ----------
    sampler
        Of the rings.
    work
        Folder of the outputs.
    run
        Memory, workers and cluster.
    """
    scan = sampler.scan
    nz, ny, nx = scan.shape
    layers = max(1, min(16, SLICE_VOXELS // (ny * nx)))
    spec = VolumeSpec(
        (nz, 1, sampler.bins),
        np.dtype(np.float32),
        (1.0, 1.0, 1.0),
        chunks=(layers, 1, sampler.bins),
    )
    profiles = fill_blocks(
        sampler,
        work / "rings.zarr",
        spec=spec,
        recipe={"version": VERSION, "scan": input_identity(scan), "centre": sampler.centre},
        bytes_per_voxel=40.0 * ny * nx / sampler.bins,
        run=run.but(block=None),
    )
    rings = RingField(profiles, scan.shape, sampler.centre)
    return map_blocks(
        less_rings,
        (scan, rings),
        work / "ringless.zarr",
        dtype=scan.dtype,
        parameters={"contrast": sampler.scale[1] - sampler.scale[0]},
        attributes=scan.attributes,
        pyramid="mean",
        bytes_per_voxel=12.0,
        run=run,
    )


@kernel("local.RingField")
@dataclass(frozen=True)
class RingField:
    """Rings at full resolution, linear along the radius between bins."""

    profiles: Volume
    shape: Shape
    centre: tuple[float, float]
    dtype = np.dtype(np.float32)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """float32 of `shape`."""
        rows = self.profiles((origin[0], 0, 0), (shape[0], 1, self.profiles.shape[2]))[:, 0]
        y, x = (
            np.arange(o, o + n) - c
            for o, n, c in zip(origin[1:], shape[1:], self.centre, strict=True)
        )
        bins = np.floor(PER_VOXEL * np.hypot(y[:, None], x[None, :])).astype(np.intp)
        return rows[:, bins]


@kernel("local.less_rings")
def less_rings(grey: NDArray[Any], rings: NDArray[np.float32], *, contrast: float) -> NDArray[Any]:
    """Grey values less the rings; integers are rounded and kept in their range."""
    values = grey.astype(np.float32) - rings * np.float32(contrast)
    if grey.dtype.kind == "f":
        return values.astype(grey.dtype)
    info = np.iinfo(grey.dtype)
    return np.clip(np.rint(values), info.min, info.max).astype(grey.dtype)
