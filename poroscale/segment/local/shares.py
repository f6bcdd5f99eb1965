"""From levels to shares, pores and phases: the passes at full resolution."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import (
    Components,
    Halo,
    Labelled,
    Reduction,
    Run,
    label_blocks,
    map_blocks,
    reduce_blocks,
)
from poroscale.identity import kernel
from poroscale.kernels.closing import close_ball, closing_halo
from poroscale.kernels.grey.partial_volume import (
    CODES_HALO,
    OUTSIDE_SHARE,
    RIM,
    SHARE_STEPS,
    SMOOTH_HALO,
    air_side,
    pore_codes,
    pore_shares,
    share_halo,
    support_radius,
    trimmed,
)
from poroscale.kernels.within_ball import within_ball
from poroscale.segment.local.config import LocalConfig
from poroscale.segment.local.fields import FrameRim, LevelField
from poroscale.segment.local.place import Place
from poroscale.segment.local.void import VoidLevel
from poroscale.segment.thresholds.candidates import OUTSIDE, PORE, SOLID, KeepPores, is_marked
from poroscale.volume import FieldSampler, Volume, VoxelSize

SHARE_BYTES, CODE_BYTES, FLOOD_BYTES, CLOSING_BYTES, SUPPORT_BYTES = 17.0, 13.0, 14.0, 14.0, 12.0
"""Temporary bytes per voxel of the passes."""


@dataclass(frozen=True)
class Model:
    """What is known of a scan before its pores are looked for; grey values are normalised.

    Attributes
    ----------
    scale
        Grey values of air and solid that are normalised to 0 and 1.
    level
        The local level of the solid.
    air
        Level of the air outside.
    void
        Level of a void inside.
    sigma
        Standard deviation of the point spread [voxels].
    noise, soft_noise
        Standard deviation of a voxel's grey value, and of the smoothed one.
    seed
        Smoothed share above which a voxel is surely pore.
    """

    scale: tuple[float, float]
    level: LevelField
    air: float
    void: VoidLevel
    sigma: float
    noise: float
    soft_noise: float
    seed: float

    @property
    def noisy(self) -> bool:
        """Whether single voxels are too noisy to tell air from solid."""
        return self.noise > NOISY


NOISY = 0.12
"""Noise of a voxel, in units of the contrast, from which the surface is taken in the smoothed scan:
beyond it one voxel in 30,000 of the solid lies below the middle."""


def flood_air(
    scan: Volume,
    model: Model,
    place: Place,
    out: Path,
    *,
    config: LocalConfig,
    run: Run,
) -> Volume:
    """The outside, up to the local middle between air and solid; closed, where that is asked."""
    air = Components(
        air_side,
        connectivity=config.connectivity,
        parameters={"scale": model.scale, "air": model.air, "soft": model.noisy},
        halo=Halo.of(SMOOTH_HALO if model.noisy else 0),
        keep=is_marked,
    )
    fields = [field for field in (place.seeds, place.within) if field is not None]
    outside = label_blocks(air, (scan, model.level, *fields), out, dtype=bool, run=run).volume
    return _closed(outside, config, run)


def _closed(outside: Volume, config: LocalConfig, run: Run) -> Volume:
    if not config.close_um:
        return outside
    radius, size = config.close_um, outside.voxel_size
    return map_blocks(
        open_air,
        outside,
        outside.path.with_name("outside-closed.zarr"),
        dtype=bool,
        halo=Halo(closing_halo(radius, size)),
        parameters={"radius": radius, "voxel_size": size},
        bytes_per_voxel=CLOSING_BYTES,
        run=run,
    )


@kernel("local.open_air")
def open_air(
    outside: NDArray[np.bool_], *, radius: float, voxel_size: VoxelSize
) -> NDArray[np.bool_]:
    """The outside without what a closing of the part by a ball takes from it."""
    return ~close_ball(~outside, radius=radius, voxel_size=voxel_size) & outside


def write_shares(
    scan: Volume, outside: Volume | FieldSampler, model: Model, out: Path, run: Run
) -> Volume:
    """Shares of pore, int8 hundredths."""
    return map_blocks(
        pore_shares,
        (scan, outside, model.level, FrameRim(scan.shape, int(RIM))),
        out,
        dtype=np.int8,
        halo=Halo.of(share_halo(model.sigma)),
        parameters={
            "scale": model.scale,
            "air": model.air,
            "void": (model.void.base, model.void.slope),
            "sigma": model.sigma,
            "seed": model.seed,
        },
        attributes={
            "kind": "shares",
            "unit": f"1/{SHARE_STEPS} of a voxel; {OUTSIDE_SHARE} is outside",
        },
        bytes_per_voxel=SHARE_BYTES,
        run=run,
    )


def find_pores(
    shares: Volume, model: Model, out: Path, *, config: LocalConfig, run: Run
) -> Labelled:
    """Mask of the pores that are kept."""
    least = config.min_voxels
    if config.min_diameter_um:
        volume = np.pi / 6 * config.min_diameter_um**3 / float(np.prod(shares.voxel_size))
        least = max(least, ceil(volume))
    pores = Components(
        pore_codes,
        connectivity=config.connectivity,
        parameters={"seed": model.seed, "noise": model.noise},
        halo=Halo.of(CODES_HALO, pad="edge"),
        keep=KeepPores(least, config.min_extent),
    )
    return label_blocks(pores, shares, out, dtype=bool, run=run)


@kernel("local.phases_of")
def phases_of(shares: NDArray[np.int8], pores: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """0 outside, 1 solid, 2 pore."""
    phases = np.full(shares.shape, SOLID, np.uint8)
    phases[shares == OUTSIDE_SHARE] = OUTSIDE
    phases[pores] = PORE
    return phases


@kernel("local.count_shares")
def count_shares(
    shares: NDArray[np.int8], pores: NDArray[np.bool_], *, radius: float
) -> dict[str, NDArray[np.int64]]:
    """Voxels by share around the pores, and those of part and pores.

    Both blocks come with a halo of the radius, rounded up.
    """
    halo = ceil(radius)
    here, mask = trimmed(shares, halo), trimmed(pores, halo)
    inside = here != OUTSIDE_SHARE
    total = np.array([inside.sum(), mask.sum()], np.int64)
    counts = np.zeros(256, np.int64)
    if pores.any():
        near = trimmed(within_ball(pores, radius), halo) & inside
        counts = np.bincount(here[near].astype(np.int64) + 128, minlength=256)
    return {"total": total, "near": counts}


def _add(
    a: dict[str, NDArray[np.int64]], b: dict[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.int64]]:
    return {name: a[name] + b[name] for name in a}


@dataclass(frozen=True)
class ShareCounts:
    """What the shares of a scan add up to.

    Attributes
    ----------
    part_voxels, pore_voxels
        Voxels of the part, and those of pores by the half-depth contour.
    near
        Voxels around the pores by their share in hundredths, -128 to 127.
    """

    part_voxels: int
    pore_voxels: int
    near: NDArray[np.int64]

    @property
    def pore_volume(self) -> float:
        """Volume of the pores by partial volume [voxels]."""
        return float((self.near * np.arange(-128, 128)).sum()) / SHARE_STEPS

    @property
    def porosity(self) -> float:
        """Volume of the pores over that of the part."""
        return max(0.0, self.pore_volume) / max(1, self.part_voxels)

    def counted(self, shift: float) -> float:
        """Porosity by counting voxels whose share exceeds one half less `shift`."""
        above = np.arange(-128, 128) > SHARE_STEPS * (0.5 - shift)
        return float(self.near[above].sum()) / max(1, self.part_voxels)


def add_up(shares: Volume, pores: Volume, model: Model, *, journal: Path, run: Run) -> ShareCounts:
    """Part, pores and shares in numbers."""
    radius = support_radius(model.sigma)
    total = reduce_blocks(
        Reduction(count_shares, _add, lambda found: found),
        (shares, pores),
        halo=Halo.of(ceil(radius)),
        parameters={"radius": radius},
        journal=journal,
        bytes_per_voxel=SUPPORT_BYTES,
        run=run,
    )
    part, mask = (int(n) for n in total["total"])
    return ShareCounts(part, mask, total["near"])
