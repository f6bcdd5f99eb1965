"""Record of a segmentation: levels, porosity with its interval, doubts in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.distance import distance_to
from poroscale.kernels.grey.level_counts import GREY_BINS, GREY_RANGE
from poroscale.kernels.grey.partial_volume import RIM
from poroscale.kernels.grey.survey import Cubes
from poroscale.segmentation.local.config import LocalConfig
from poroscale.segmentation.local.interval import porosity_interval
from poroscale.segmentation.local.levels import centres
from poroscale.segmentation.local.materials import Materials
from poroscale.segmentation.local.outside.place import Place
from poroscale.segmentation.local.shares import Model, ShareCounts

RINGS = (
    "Grey values vary with the distance from the axis of the scan (ring artefacts, or a filter "
    "against them); that was taken out, slice by slice, before it was segmented."
)
VAGUE_IN_AIR = (
    "The level of a void is uncertain: few pores are wide enough to show it. The porosity is "
    "larger than given if voids are brighter than the air outside, as beam hardening makes them."
)
VAGUE_WITHOUT_AIR = (
    "The level of a void is uncertain: there is no air around the part, and few pores are wide "
    "enough to show it. The porosity is at most what is given if none does."
)
CLIPPED = 0.1
"""Share of the samples with a voxel at the least or the greatest grey value that is told."""
OTHER_ERROR, CUT_ERROR = 0.3, 0.1
"""Relative standard error where a second material, or cut-off grey values, are told."""
DARKER = 0.002
"""Share of the scan that is darker than air from which it is told."""
BRIGHTER, SECOND = 1.35, 0.02
"""Normalised grey value from which a voxel is of a brighter material, and the share of the part
from which that is told."""
LOUD, VAGUE, THIN = 0.3, 0.05, 0.45
"""Noise, error of the void's level, and share of the part in which no pore can be found, from which
they are told."""


@dataclass(frozen=True)
class Findings:
    """All that a segmentation found, before it is put into words.

    Attributes
    ----------
    model, place
        Levels, point spread and noise; what is outside.
    counts
        Histograms of the pass that measures levels.
    total
        Sums of the shares.
    pores, voxels
        Number of pores, and of voxels of the scan.
    materials
        Other materials, as uniform places of the scan show them.
    cut_off
        True if many grey values were cut off.
    notes
        Warnings of the steps before.
    """

    model: Model
    place: Place
    counts: Mapping[str, NDArray[np.int64]]
    total: ShareCounts
    pores: int
    voxels: int
    materials: Materials
    cut_off: bool
    notes: Sequence[str]

    @property
    def bright_share(self) -> float:
        """Share of the part that is brighter than its solid by more than noise explains."""
        part = self.counts["part"]
        least = max(BRIGHTER, 1 + 4 * self.model.noise)
        return float(part[centres(GREY_RANGE, GREY_BINS) > least].sum() / max(1, part.sum()))

    @property
    def doubt(self) -> float:
        """Relative standard error of the porosity by what the warnings name."""
        other = max(self.bright_share, self.materials.between) > SECOND
        loud = max(0.0, self.model.noise - LOUD) + 0.1 if self.model.noise > LOUD else 0.0
        return float(np.hypot(OTHER_ERROR * other, np.hypot(CUT_ERROR * self.cut_off, loud)))

    @property
    def blind_depth(self) -> float:
        """Voxels from the surface within which its blur hides pores."""
        return RIM + self.model.sigma

    @cached_property
    def share_near_surface(self) -> float:
        """Share of the part within that depth, by the coarse copy."""
        outside = self.place.decision.chosen.outside
        if not outside.any() or outside.all():
            return 0.0
        layers = distance_to(outside)[~outside] - 1
        return float(np.clip(self.blind_depth / self.place.near.factor - layers, 0, 1).mean())


def record_of(found: Findings, config: LocalConfig) -> dict[str, Any]:
    """Record of how the phases were made, for their reader."""
    model, total = found.model, found.total
    interval = porosity_interval(
        total,
        model,
        thin=found.share_near_surface,
        enveloped=found.place.decision.chosen.ball > 0,
        doubt=found.doubt,
    )
    return {
        "method": "local",
        **_levels(model),
        **config.model_dump(
            mode="json",
            include={"min_voxels", "min_extent", "connectivity", "close_um"},
        ),
        "outside": _outside(found),
        "warnings": [*found.place.decision.warnings, *found.notes, *_doubts(found)],
        "part_voxels": total.part_voxels,
        "porosity": total.porosity,
        "porosity_low": interval.low,
        "porosity_high": interval.high,
        "porosity_errors": {k: v for k, v in asdict(interval).items() if k not in ("low", "high")},
        "porosity_counted": total.pore_voxels / max(1, total.part_voxels),
        "pore_count": found.pores,
        "histogram": _histogram(found.counts, model.scale),
        "sensitivity": [
            {
                "shift": shift,
                "porosity": total.counted(shift),
                "part_voxels": total.part_voxels,
                "pore_count": None,
            }
            for shift in sorted({0.0, *config.sensitivity})
        ],
    }


def _levels(model: Model) -> dict[str, Any]:
    """Levels in grey values, point spread and noise."""
    dark, bright = model.scale
    contrast = bright - dark
    return {
        "air_level": dark + model.air * contrast,
        "solid_level": bright,
        "void_level": dark + model.void.at(1.0) * contrast,
        "void_slope": model.void.slope,
        "void_core_voxels": model.void.voxels,
        "contrast": contrast,
        "point_spread_voxels": model.sigma,
        "noise": model.noise,
        "least_share": model.seed,
    }


def _outside(found: Findings) -> dict[str, Any]:
    """The outside as it was read, and what else the scan may mean."""
    decision = found.place.decision
    return {
        "chosen": decision.chosen.reason,
        "share": 1 - found.total.part_voxels / found.voxels,
        "others": [
            {"reading": r.reason, "outside": r.share, "void_share": r.void_share}
            for r in decision.others
        ],
        "bodies": decision.bodies,
    }


def _histogram(
    counts: Mapping[str, NDArray[np.int64]], scale: tuple[float, float]
) -> dict[str, Any]:
    dark, bright = scale
    seen = np.flatnonzero(counts["part"] + counts["rest"])
    cut = slice(int(seen[0]), int(seen[-1]) + 1)
    levels = dark + centres(GREY_RANGE, GREY_BINS)[cut] * (bright - dark)
    return {
        "levels": levels.tolist(),
        "counts_inside": counts["part"][cut].tolist(),
        "counts_outside": counts["rest"][cut].tolist(),
    }


def _other_materials(found: Findings) -> Iterator[str]:
    dark, bright = found.model.scale
    if found.bright_share > SECOND:
        yield (
            f"{100 * found.bright_share:.2g} % of the part is brighter than its solid by more than "
            "a third of the contrast: a second material. Pores in it and beside it are measured "
            "against the darker one, so that the porosity may be too low."
        )
    if found.materials.between > SECOND:
        grey = dark + found.materials.level * (bright - dark)
        yield (
            f"{100 * found.materials.between:.2g} % of the part has a uniform grey value of about "
            f"{grey:.5g}, between those of a void and of the solid: a second, darker material. It "
            "counts as partly pore, so that the porosity may be several times too large."
        )
    if found.materials.darker > DARKER:
        yield (
            f"{100 * found.materials.darker:.2g} % of the uniform places in the part are far "
            f"darker than what was taken for air ({dark:.5g}): that may be a second material, and "
            "they the pores. The porosity may be many times too large."
        )


def clipped(cubes: Cubes) -> str:
    """The warning of grey values that were cut off."""
    return (
        f"Grey values were cut off: {100 * float(cubes.cut.mean()):.2g} % of the samples hold the "
        f"least or the greatest one ({cubes.least.min():g}, {cubes.most.max():g}). Volumes of "
        "pores may be off by some per cent; export the scan with a wider range."
    )


def bright_padding(value: float) -> str:
    """The warning of a padding that is brighter than the solid."""
    return (
        f"Beyond the circle of the slices every voxel is {value:g}, brighter than the solid; it "
        "was taken for padding and read as air."
    )


def _doubts(found: Findings) -> Iterator[str]:
    """Warnings about the levels."""
    model = found.model
    yield from _other_materials(found)
    if model.void.error > VAGUE:
        yield VAGUE_IN_AIR if found.place.decision.chosen.outside.any() else VAGUE_WITHOUT_AIR
    if model.noise > LOUD:
        yield (
            f"The noise of a voxel is {100 * model.noise:.0f} % of the contrast: small pores are "
            "lost in it, and volumes of the others are uncertain."
        )
    thin = found.share_near_surface
    if thin > THIN:
        yield (
            f"The walls are thin for the resolution: {100 * thin:.0f} % of the part lies within "
            f"{found.blind_depth:.1f} voxels of its surface, where the blur of the surface hides "
            "pores. Those are missing from the porosity, which may be several times as large; scan "
            "with smaller voxels to see them."
        )
