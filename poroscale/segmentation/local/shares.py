"""From levels to shares, pores and phases: the passes at full resolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import (
    Halo,
    Labelled,
    LabelPass,
    Pass,
    Reduction,
    Run,
    label_pass,
    map_pass,
    reduce_pass,
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
from poroscale.segmentation.local.config import LocalConfig
from poroscale.segmentation.local.fields import FrameRim, LevelField
from poroscale.segmentation.local.outside.place import Place
from poroscale.segmentation.local.void import VoidLevel
from poroscale.segmentation.thresholds.candidates import OUTSIDE, PORE, SOLID, KeepPores, is_marked
from poroscale.statistics.sums import summed
from poroscale.volume import FieldSampler, Volume, VoxelSize

SHARE_BYTES, CLOSING_BYTES, SUPPORT_BYTES, FLAT_BYTES = 17.0, 14.0, 12.0, 4.0
FLOOD_BYTES, CODE_BYTES = 4.0, 3.0
"""Temporary bytes per voxel of the passes; of those that label, beside the runs."""


@dataclass(frozen=True)
class Model:
    """Properties of a scan before its pores are looked for; grey values are normalised.

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
        """True if single voxels are too noisy to tell air from solid."""
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
    air = replace(
        flood_pass(scan.dtype, config),
        parameters={"scale": model.scale, "air": model.air, "soft": model.noisy},
        halo=Halo.of(SMOOTH_HALO if model.noisy else 0),
    )
    fields = [field for field in (place.seeds, place.within) if field is not None]
    outside = label_pass(air, (scan, model.level, *fields), out, run=run).volume
    closing = closing_pass(config, outside.voxel_size)
    if closing is None:
        return outside
    return map_pass(closing, outside, outside.path.with_name("outside-closed.zarr"), run=run)


def flood_pass(grey: DTypeLike, config: LocalConfig) -> LabelPass:
    """The flood over grey values, their local level, the seeds and what holds the flood back."""
    return LabelPass(
        "outside",
        air_side,
        reads=(grey, np.float32, np.uint8, np.uint8),
        writes=bool,
        halo=Halo.of(SMOOTH_HALO),
        temporary=FLOOD_BYTES,
        connectivity=config.connectivity,
        keep=is_marked,
    )


def closing_pass(config: LocalConfig, voxel_size: VoxelSize) -> Pass | None:
    """The closing of the part; None where none is asked for."""
    radius = config.close_um
    if not radius:
        return None
    return Pass(
        "closing",
        open_air,
        reads=(bool,),
        writes=bool,
        halo=Halo(closing_halo(radius, voxel_size)),
        parameters={"radius": radius, "voxel_size": voxel_size},
        temporary=CLOSING_BYTES,
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
    declared = shares_pass(scan.dtype, model.sigma, outside=outside.dtype).but(
        parameters={
            "scale": model.scale,
            "air": model.air,
            "void": (model.void.base, model.void.slope),
            "sigma": model.sigma,
            "seed": model.seed,
        }
    )
    inputs = (scan, outside, model.level, FrameRim(scan.shape, int(RIM)))
    unit = f"1/{SHARE_STEPS} of a voxel; {OUTSIDE_SHARE} is outside"
    return map_pass(declared, inputs, out, attributes={"kind": "shares", "unit": unit}, run=run)


def shares_pass(grey: DTypeLike, sigma: float, *, outside: DTypeLike = bool) -> Pass:
    """The pass over grey values, the outside, the level and the rim, for a point spread."""
    return Pass(
        "shares",
        pore_shares,
        reads=(grey, outside, np.float32, bool),
        writes=np.int8,
        halo=Halo.of(share_halo(sigma)),
        temporary=SHARE_BYTES,
    )


def find_pores(
    shares: Volume, model: Model, out: Path, *, config: LocalConfig, run: Run
) -> Labelled:
    """Mask of the pores that are kept."""
    found = {"seed": model.seed, "noise": model.noise}
    declared = replace(pores_pass(config, shares.voxel_size), parameters=found)
    return label_pass(declared, shares, out, run=run)


def pores_pass(config: LocalConfig, voxel_size: VoxelSize) -> LabelPass:
    """The pass that labels pores in shares, and keeps those that are large enough."""
    least = config.min_voxels
    if config.min_diameter_um:
        volume = np.pi / 6 * config.min_diameter_um**3 / float(np.prod(voxel_size))
        least = max(least, ceil(volume))
    return LabelPass(
        "pores",
        pore_codes,
        reads=(np.int8,),
        writes=bool,
        halo=Halo.of(CODES_HALO, pad="edge"),
        temporary=CODE_BYTES,
        connectivity=config.connectivity,
        keep=KeepPores(least, config.min_extent),
    )


@kernel("local.phases_of")
def phases_of(shares: NDArray[np.int8], pores: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """0 outside, 1 solid, 2 pore."""
    phases = np.full(shares.shape, SOLID, np.uint8)
    phases[shares == OUTSIDE_SHARE] = OUTSIDE
    phases[pores] = PORE
    return phases


PHASES = Pass(
    "phases",
    phases_of,
    reads=(np.int8, bool),
    writes=np.uint8,
    pyramid="max",
    temporary=FLAT_BYTES,
)
"""The pass from shares and pores to phases."""


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


@dataclass(frozen=True)
class ShareCounts:
    """Sums of the shares of a scan.

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
    total = reduce_pass(sums_pass(model.sigma), (shares, pores), journal=journal, run=run)
    part, mask = (int(n) for n in total["total"])
    return ShareCounts(part, mask, total["near"])


def sums_pass(sigma: float) -> Pass:
    """The pass that adds shares up around the pores, for a point spread."""
    radius = support_radius(sigma)
    return Pass(
        "sums",
        Reduction(count_shares, summed, lambda found: found),
        reads=(np.int8, bool),
        halo=Halo.of(ceil(radius)),
        parameters={"radius": radius},
        temporary=SUPPORT_BYTES,
    )
