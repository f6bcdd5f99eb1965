"""Grey values to phases by two thresholds (Iuso et al. 2024, Algorithm 1), at any size.

1. Smooth, where asked; the smoothed scan is stored once.
2. Otsu's threshold of the whole scan separates air from metal.
3. The dark components that hold a corner are the outside; the rest is the watertight part.
4. Otsu's threshold inside the part separates pores from solid.
5. Where the inner threshold is the higher one, the outside is flooded again up to it: otherwise
   the part's blurred rim, between the two thresholds, would be one pore around the whole part.
6. Outside voxels within the closing of the part are pores open to the surface.
7. Components of pore voxels that are too small become solid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from poroscale.engine import Halo, Pass, Run, connect, map_pass
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.engine.passes import named
from poroscale.kernels.grey.levels import (
    brightest_peak,
    gaussian_halo,
    mean_below,
    noise_share,
    otsu,
    smooth_gaussian,
    smooth_median,
)
from poroscale.segmentation.thresholds.candidates import candidate_phases
from poroscale.segmentation.thresholds.config import OtsuConfig
from poroscale.segmentation.thresholds.cuts import passes as cut_passes
from poroscale.segmentation.thresholds.cuts import write_phases
from poroscale.segmentation.thresholds.fields import Everywhere, FloodSeeds, ReconstructionCircle
from poroscale.segmentation.thresholds.histogram import (
    GreyHistogram,
    grey_histogram,
    histogram_pass,
)
from poroscale.segmentation.thresholds.ranked import (
    Thresholds,
    dark_flood_pass,
    flood_outside,
    rank_grey,
    ranks_pass,
)
from poroscale.volume import FieldSampler, Volume, VolumeSpec, VoxelSize

GAUSSIAN_BYTES = 12.0
"""Temporary bytes per voxel: float32 before, between the axes and behind."""

BELIEVED_NOISE = 0.1
"""Share of noise below an inner threshold up to which Otsu's rule is believed."""


def segment_otsu(
    scan: Volume, out: str | Path, *, config: OtsuConfig | None = None, run: Run | None = None
) -> Volume:
    """Outside, solid and pore phases of a scan (Iuso et al. 2024, Algorithm 1).

    Parameters
    ----------
    scan
        Grey values, bright where dense.
    out
        Folder of the phases: uint8, 0 outside, 1 solid, 2 pore.
    config
        Thresholds and rules.
    run
        Memory, workers and cluster.

    Returns
    -------
    Volume
        The phases; `attributes["segmentation"]` records thresholds, rules, porosity and how both
        respond to the threshold.

    Raises
    ------
    ValueError
        If the scan has one grey value only, or holds NaN.
    """
    config, run, out = config or OtsuConfig(), run or Run(), Path(out)
    made_by = {
        "verb": "segment",
        "method": "otsu",
        "config": config.model_dump(mode="json"),
        "scan": input_identity(scan),
    }
    with connect(run, job="segment") as run:
        done = finished_before(out, made_by, run, [scan])
        if done is not None:
            return done
        with work_folder(out, made_by, run) as work:
            return _Segmentation(scan, config, work, run).write(out, made_by)


def find_outside(scan: Volume, work: Path, *, config: OtsuConfig, run: Run) -> tuple[Volume, float]:
    """Outside of the part in a scan: steps 1 to 3 alone.

    Parameters
    ----------
    scan
        Grey values, bright where dense.
    work
        Folder of the steps' outputs.
    config
        Smoothing, outer threshold, faces.
    run
        Memory, workers and cluster.

    Returns
    -------
    Volume
        bool, true outside.
    float
        The outer threshold.
    """
    _, _, outside, outer = _Segmentation(scan, config, work, run).flood(run)
    return outside, outer


def outside_passes(spec: VolumeSpec, config: OtsuConfig) -> dict[str, Pass]:
    """Passes over a scan of `spec` in `find_outside`."""
    flood = dark_flood_pass(spec.dtype, config)
    return named(
        *smoothing_passes(spec.dtype, spec.voxel_size, config),
        histogram_pass(spec.dtype),
        # Shifted thresholds may flood an outside of their own.
        flood.but(scratch=flood.scratch + flood.written_bytes * len(config.sensitivity)),
    )


def smoothing_passes(dtype: DTypeLike, voxel_size: VoxelSize, config: OtsuConfig) -> list[Pass]:
    """The passes that smooth grey values first, if any."""
    found, radius = [], config.median_voxels
    smoothed = Pass("median", reads=(dtype,), writes=dtype)
    if radius:
        temporary = 2.0 * np.dtype(dtype).itemsize
        median = smoothed.but(kernel=smooth_median, halo=Halo.of(radius), temporary=temporary)
        found.append(median.but(parameters={"radius": radius}))
    if config.gaussian_um:
        sigma = tuple(config.gaussian_um / edge for edge in voxel_size)
        z, y, x = (gaussian_halo(s) for s in sigma)
        gaussian = smoothed.but(title="gaussian", kernel=smooth_gaussian, halo=Halo((z, y, x)))
        found.append(gaussian.but(parameters={"sigma": sigma}, temporary=GAUSSIAN_BYTES))
    return found


def passes(spec: VolumeSpec, config: OtsuConfig) -> dict[str, Pass]:
    """Passes over a scan of `spec`."""
    ranks = ranks_pass(spec.dtype)
    cuts = cut_passes(config, candidate_phases, ranks.written, spec.voxel_size)
    return outside_passes(spec, config) | named(ranks) | cuts


@dataclass(frozen=True)
class _Segmentation:
    """The steps of one segmentation; every step's output lies in the work folder."""

    scan: Volume
    config: OtsuConfig
    work: Path
    run: Run

    def write(self, out: Path, made_by: Mapping[str, Any]) -> Volume:
        """All steps."""
        step = self.run.but(overwrite=False)
        grey, circle, outside, outer = self.flood(step)
        journal = self.work / "part histogram"
        part = grey_histogram(grey, outside, invert=True, journal=journal, run=step)
        found = self._inner(part, outer)
        ranked = rank_grey(grey, circle, found, config=self.config, work=self.work, run=step)
        return write_phases(
            ranked.search,
            ranked.cuts(found),
            out,
            made_by=made_by,
            record=self._record(found, part),
            run=self.run,
        )

    def flood(self, run: Run) -> tuple[Volume, FieldSampler, Volume, float]:
        """The grey values as segmented, their circle, the outside, and the outer threshold."""
        grey = self._smoothed(run)
        circle, whole = self._circle(grey, run)
        outer = self._outer(whole)
        seeds = FloodSeeds.told(grey.shape, self.config.outside)
        outside = flood_outside(
            (grey, circle, seeds),
            self.work / "outside.zarr",
            config=self.config,
            level=outer,
            run=run,
        )
        return grey, circle, outside, outer

    def _smoothed(self, run: Run) -> Volume:
        grey = self.scan
        for declared in smoothing_passes(grey.dtype, grey.voxel_size, self.config):
            grey = map_pass(declared, grey, self.work / f"{declared.title}.zarr", run=run)
        return grey

    def _circle(self, grey: Volume, run: Run) -> tuple[FieldSampler, GreyHistogram]:
        """The reconstruction circle, if what surrounds it holds one value, and the histogram."""
        circle = ReconstructionCircle(grey.shape)
        rounded = circle.applies and self.config.circle == "auto"
        within: FieldSampler = circle if rounded else Everywhere(grey.shape)
        histogram = grey_histogram(grey, within, journal=self.work / "histogram", run=run)
        if not rounded or np.count_nonzero(histogram.rest) == 1:
            return within, histogram
        whole = GreyHistogram(histogram.levels, histogram.total, np.zeros_like(histogram.rest))
        return Everywhere(grey.shape), whole

    def _outer(self, whole: GreyHistogram) -> float:
        if self.config.outer_threshold is not None:
            return self.config.outer_threshold
        return otsu(whole.inside, whole.levels, what=str(self.scan.path))

    def _inner(self, part: GreyHistogram, outer: float) -> Thresholds:
        """The inner threshold; Otsu's unless it lies inside the solid's own peak."""
        config, levels = self.config, part.levels
        if not part.inside.any():
            raise ValueError(
                f"{self.scan.path}: the flood from outside leaves no part; "
                "set `outside` to none or other faces, or set another `outer_threshold`"
            )
        peak = brightest_peak(part.inside, levels)
        air = mean_below(part.total, levels, outer)
        if np.isnan(air):  # nothing is as dark as a threshold given by hand
            air = float(levels.centres[np.flatnonzero(part.total)[0]])
        contrast = abs(peak.mode - air)
        halfway = (air + peak.mode) / 2
        if config.inner_threshold is not None:
            return Thresholds(outer, config.inner_threshold, "manual", contrast, ())
        if config.inner_rule == "iso50" or np.count_nonzero(part.inside) < 2:
            return Thresholds(outer, halfway, "iso50", contrast, ())
        inner = otsu(part.inside, levels, what=f"the part in {self.scan.path}")
        if noise_share(part.inside, levels, peak, inner) <= BELIEVED_NOISE:
            return Thresholds(outer, inner, "otsu", contrast, ())
        warning = (
            f"Otsu's threshold inside the part, {inner:g}, lies within the peak of the solid "
            f"({peak.mode:g}, deviation {peak.deviation:g}): the part has too few pores for it. "
            f"The threshold is midway between outside and solid instead, {halfway:g}."
        )
        return Thresholds(outer, halfway, "iso50", contrast, (warning,))

    def _record(self, found: Thresholds, part: GreyHistogram) -> dict[str, Any]:
        """Record of the thresholds, for a reader of the phases."""
        return {
            "method": "otsu",
            "outer_threshold": found.outer,
            "inner_threshold": found.inner,
            "inner_rule": found.rule,
            "contrast": found.contrast,
            "smoothing": self.config.model_dump(include={"gaussian_um", "median_voxels"}),
            "warnings": list(found.warnings),
            "histogram": _coarse_histogram(part),
        }


def _coarse_histogram(part: GreyHistogram) -> dict[str, Any]:
    """The histograms of part and outside in at most 256 bins over the grey values that occur."""
    seen = np.flatnonzero(part.total)
    first, stop = int(seen[0]), int(seen[-1]) + 1
    step = -(-(stop - first) // 256)
    edges = np.arange(first, stop, step)
    return {
        "levels": part.levels.centres[edges].tolist(),
        "counts_inside": np.add.reduceat(part.inside[first:stop], edges - first).tolist(),
        "counts_outside": np.add.reduceat(part.rest[first:stop], edges - first).tolist(),
    }
