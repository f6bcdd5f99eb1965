"""Properties on which a network's success depends: contrast over noise, blur, size of pores.

Grey values are brought to [0, 1] before a network sees them, so that their range says nothing. What
stays is measured here, on the scan as it is, the same for training scans and for those that a
network is applied to.

1. Smooth by a Gaussian of 1 voxel; Otsu's threshold parts air from metal, and a level between the
   mean of the air and the peak of the metal separates pores from solid.
2. The dark components at a corner are the outside; the others are pores.
3. Sizes: the components' equivalent diameters, and the largest ball that fits into a pore, from the
   distance of its voxels to the solid.
4. Blur and noise: grey values of the scan by their distance to the outside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydantic import BaseModel, ConfigDict

from poroscale.engine import (
    Halo,
    LabelPass,
    Pass,
    Reduction,
    Run,
    label_pass,
    map_pass,
    reduce_pass,
)
from poroscale.engine.passes import named
from poroscale.identity import kernel
from poroscale.kernels.grey.levels import (
    Levels,
    brightest_peak,
    count_levels,
    gaussian_halo,
    levels_of,
    mean_below,
    noise_share,
    otsu,
    smooth_gaussian,
)
from poroscale.kernels.grey.profile import (
    BINS,
    DISTANCE_BYTES,
    REACH,
    ball_diameter,
    distance_inside,
    edge_blur,
    signed_distance,
)
from poroscale.segmentation.network.normalisation import grey_extent
from poroscale.segmentation.thresholds.candidates import dark_voxels, is_marked
from poroscale.segmentation.thresholds.fields import Everywhere, FloodSeeds
from poroscale.segmentation.thresholds.histogram import grey_histogram
from poroscale.statistics.sums import summed
from poroscale.volume import Volume, VolumeSpec

if TYPE_CHECKING:
    import pandas as pd

SIGMA = 1.0
"""Of the Gaussian before part and pores are told apart [voxels]."""
PORE_SHARE = 0.65
"""Level between air (0) and metal (1) below which a voxel is pore. Above one half,
for pores of few voxels never get as dark as air."""
BELIEVED_NOISE = 0.1
"""Share of noise among the dark voxels up to which they are held for pores and air."""
SMALLEST = 9
"""Voxels of a pore that counts."""
DEEPEST = 24
"""Distance to the solid up to which a pore's voxels are told apart [voxels]."""
FAR_INSIDE = 3
"""Distance to the outside from which the metal is not blurred by it [voxels]."""
FEWEST = 1000
"""Voxels that far inside from which on their noise is measured alone, without those nearer."""
WIDE_BINS = 4096
SMOOTH_BYTES, LEVEL_BYTES = 16.0, 28.0
"""Temporary bytes per voxel: single precision with its copies; grey values, levels and bins."""


class ScanTraits(BaseModel):
    """Properties of a scan; None for those that could not be measured.

    Attributes
    ----------
    contrast_to_noise
        Grey values between air and metal over the standard deviation of the metal.
    blur
        Standard deviation of the blur of the part's edge [voxels].
    pore_diameter
        Equivalent diameter: a half of the pores' volume is in pores up to that size [voxels].
    largest_ball
        Diameter of the largest ball that fits into a pore [voxels], up to 47.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    contrast_to_noise: float | None = None
    blur: float | None = None
    pore_diameter: float | None = None
    largest_ball: float | None = None


def measure_traits(scan: Volume, work: Path, *, run: Run | None = None) -> ScanTraits:
    """Properties of a scan.

    Parameters
    ----------
    scan
        Grey values as they were measured, bright where dense.
    work
        Folder of the steps' outputs, which stay there.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If all voxels have one grey value, or some are no finite numbers.
    """
    run = (run or Run()).but(overwrite=False)
    work.mkdir(parents=True, exist_ok=True)
    return _Measurement(scan, work, run).traits()


def passes(spec: VolumeSpec) -> dict[str, Pass]:
    """Passes over a scan of `spec`."""
    return named(
        smoothed_pass(spec.dtype),
        outside_pass(spec.dtype),
        dark_pores_pass(spec.dtype),
        SIZES,
        edges_pass(spec.dtype),
    )


def smoothed_pass(grey: DTypeLike) -> Pass:
    """The pass over grey values that smooths them."""
    return Pass(
        "traits: smoothed",
        smooth_gaussian,
        reads=(grey,),
        writes=grey,
        halo=Halo.of(gaussian_halo(SIGMA)),
        parameters={"sigma": (SIGMA, SIGMA, SIGMA)},
        temporary=SMOOTH_BYTES,
    )


def outside_pass(grey: DTypeLike) -> LabelPass:
    """The flood over smoothed grey values, with the field of all voxels and the seeds."""
    return LabelPass(
        "traits: outside", dark_voxels, reads=(grey, bool, bool), writes=bool, keep=is_marked
    )


def dark_pores_pass(grey: DTypeLike) -> LabelPass:
    """The pass that labels pores in smoothed grey values beside the outside."""
    return LabelPass("traits: pores", dark_inside, reads=(grey, bool), writes=bool, keep=_counts)


@dataclass(frozen=True)
class _Measurement:
    """The steps of one measurement; every step's output lies in the work folder."""

    scan: Volume
    work: Path
    run: Run

    def traits(self) -> ScanTraits:
        """All steps."""
        smooth = self._smoothed()
        level, air = self._level(smooth)
        if level is None:
            return ScanTraits()
        outside = self._outside(smooth, level)
        edges = self._edges(outside)
        pores, ball = self._pores(smooth, outside, level)
        return ScanTraits(
            contrast_to_noise=edges.contrast(air),
            blur=_rounded(edge_blur(edges.count, edges.total)),
            pore_diameter=pores,
            largest_ball=ball,
        )

    def _smoothed(self) -> Volume:
        declared = smoothed_pass(self.scan.dtype)
        return map_pass(declared, self.scan, self.work / "smooth.zarr", run=self.run)

    def _level(self, smooth: Volume) -> tuple[float | None, float]:
        """Grey value that pores are darker than, if the noise is not, and the mean of the air."""
        everywhere = Everywhere(smooth.shape)
        found = grey_histogram(
            smooth, everywhere, journal=self.work / "smooth histogram", run=self.run
        )
        counts, levels = found.inside, found.levels
        outer = otsu(counts, levels, what=str(self.scan.path))
        air = mean_below(counts, levels, outer)
        peak = brightest_peak(np.where(levels.centres > outer, counts, 0), levels)
        level = air + PORE_SHARE * (peak.mode - air)
        believed = noise_share(counts, levels, peak, level) <= BELIEVED_NOISE
        return (level if believed else None), air

    def _outside(self, smooth: Volume, level: float) -> Volume:
        declared = replace(outside_pass(smooth.dtype), parameters={"level": level})
        everywhere = Everywhere(smooth.shape)
        inputs = (smooth, everywhere, FloodSeeds(smooth.shape))
        return label_pass(declared, inputs, self.work / "outside.zarr", run=self.run).volume

    def _pores(
        self, smooth: Volume, outside: Volume, level: float
    ) -> tuple[float | None, float | None]:
        """Median size of the pores by volume, and the largest ball in them."""
        declared = replace(dark_pores_pass(smooth.dtype), parameters={"level": level})
        out = self.work / "pores.zarr"
        found = label_pass(declared, (smooth, outside), out, run=self.run)
        voxels = np.sort(found.table()["voxel_count"].to_numpy())
        if not voxels.size:
            return None, None
        median = voxels[np.searchsorted(np.cumsum(voxels), voxels.sum() / 2)]
        depth = reduce_pass(SIZES, found.volume, journal=self.work / "depth", run=self.run)
        return _rounded(float(np.cbrt(6 * median / np.pi))), _rounded(ball_diameter(depth))

    def _edges(self, outside: Volume) -> _Edges:
        levels = _levels(self.scan, self.run)
        declared = edges_pass(self.scan.dtype).but(parameters={"levels": levels})
        inputs, journal = (self.scan, outside), self.work / "edges"
        counts = reduce_pass(declared, inputs, journal=journal, run=self.run)
        return _Edges(levels, **counts)


@dataclass(frozen=True)
class _Edges:
    """Grey values by their distance to the outside.

    Attributes
    ----------
    levels
        Bins of the grey values.
    count, total
        Voxels, and the sum of their levels, by signed distance.
    deep, near
        Counts of the levels far inside the part, and of the others inside.
    """

    levels: Levels
    count: NDArray[np.int64]
    total: NDArray[np.int64]
    deep: NDArray[np.int64]
    near: NDArray[np.int64]

    def contrast(self, air: float) -> float | None:
        """Contrast over noise, with `air` where the scan shows no outside."""
        metal = self.deep if self.deep.sum() >= FEWEST else self.deep + self.near
        if not metal.any():
            return None
        peak = brightest_peak(metal, self.levels)
        around = slice(0, REACH - FAR_INSIDE)
        if self.count[around].any():
            level = self.total[around].sum() / self.count[around].sum()
            air = self.levels.first + self.levels.width * level
        return _rounded((peak.mode - air) / peak.deviation) if peak.deviation else None


def _levels(scan: Volume, run: Run) -> Levels:
    """Every level of small integers; else bins over the range without far outliers."""
    known = levels_of(scan.dtype)
    if known is not None:
        return known
    low, high = grey_extent(scan, run=run)
    return Levels(low, 1.5 * (high - low) / WIDE_BINS, WIDE_BINS)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


@kernel("segment.dark_inside")
def dark_inside(
    grey: NDArray[Any], outside: NDArray[np.bool_], *, level: float
) -> NDArray[np.uint8]:
    """Voxels up to `level` that are not outside."""
    return ((grey <= level) & ~outside).astype(np.uint8)


@kernel("segment.counts")
def _counts(table: pd.DataFrame) -> NDArray[np.bool_]:
    return (table["voxel_count"] >= SMALLEST).to_numpy()


@kernel("segment.deepest")
def _deepest(pores: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """The largest distance to the solid of a pore's voxel, the halo left out."""
    inner = (slice(DEEPEST, -DEEPEST),) * 3
    if not pores[inner].any():
        return {"depth": np.zeros(1, np.float32)}
    return {"depth": np.minimum(distance_inside(pores)[inner].max(keepdims=False), DEEPEST)[None]}


SIZES = Pass(
    "traits: sizes",
    Reduction(
        _deepest,
        lambda a, b: {"depth": np.maximum(a["depth"], b["depth"])},
        lambda total: float(total["depth"][0]),
    ),
    reads=(bool,),
    halo=Halo.of(DEEPEST),
    temporary=DISTANCE_BYTES,
)
"""The pass over pores for the largest ball in them."""


@kernel("segment.edges")
def _edges(
    grey: NDArray[Any], outside: NDArray[np.bool_], *, levels: Levels
) -> dict[str, NDArray[np.int64]]:
    """Grey values by distance; see `_Edges`. The halo's voxels are left out."""
    inner = (slice(REACH, -REACH),) * 3
    distance = signed_distance(~outside)[inner]
    last = levels.first + levels.width * (levels.bins - 1)
    values = np.clip(grey[inner], levels.first, last)
    place = np.floor(distance + REACH)
    within = (place >= 0) & (place < BINS)
    bins = place[within].astype(np.int64)
    level = ((values[within] - levels.first) / levels.width).astype(np.int64)
    # In double precision sums of so few levels are exact.
    total = np.bincount(bins, weights=level, minlength=BINS).astype(np.int64)
    deep, inside = distance > FAR_INSIDE, distance > 0
    return {
        "count": np.bincount(bins, minlength=BINS),
        "total": total,
        "deep": count_levels(values[deep], levels),
        "near": count_levels(values[inside & ~deep], levels),
    }


def edges_pass(grey: DTypeLike) -> Pass:
    """The pass over scan and outside."""
    return Pass(
        "traits: edges",
        Reduction(_edges, summed, lambda total: total),
        reads=(grey, bool),
        halo=Halo.of(REACH),
        temporary=DISTANCE_BYTES + LEVEL_BYTES,
    )
