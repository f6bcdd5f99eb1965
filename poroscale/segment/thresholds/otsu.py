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

from poroscale.engine import Halo, Run, connect, map_blocks
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.engine.labels import RUN_BYTES
from poroscale.engine.plan import Need
from poroscale.kernels.closing import closing_halo
from poroscale.kernels.grey.levels import (
    brightest_peak,
    gaussian_halo,
    mean_below,
    noise_share,
    otsu,
    smooth_gaussian,
    smooth_median,
)
from poroscale.segment.thresholds.candidates import settle
from poroscale.segment.thresholds.config import OtsuConfig
from poroscale.segment.thresholds.fields import FloodSeeds, ReconstructionCircle
from poroscale.segment.thresholds.histogram import GreyHistogram, grey_histogram
from poroscale.segment.thresholds.ranked import (
    CLOSING_BYTES,
    FLAT_BYTES,
    Thresholds,
    flood_outside,
    rank_grey,
)
from poroscale.volume import Volume, VolumeSpec

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
        How to run.

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
    with connect(run) as run:
        done = finished_before(out, made_by, run, [scan])
        if done is not None:
            return done
        with work_folder(out, made_by, run) as work:
            return _Segmentation(scan, config, work, run).write(out, made_by)


def find_outside(scan: Volume, work: Path, *, config: OtsuConfig, run: Run) -> tuple[Volume, float]:
    """What surrounds the part in a scan: steps 1 to 3 alone.

    Parameters
    ----------
    scan
        Grey values, bright where dense.
    work
        Folder of the steps' outputs.
    config
        Smoothing, outer threshold, faces.
    run
        How to run.

    Returns
    -------
    Volume
        bool, true outside.
    float
        The outer threshold.
    """
    _, _, outside, outer = _Segmentation(scan, config, work, run).flood(run)
    return outside, outer


def outside_needs(spec: VolumeSpec, config: OtsuConfig) -> dict[str, Need]:
    """What each stage of `find_outside` takes in memory and on disk, for a scan of `spec`."""
    grey = spec.dtype.itemsize
    stages: dict[str, Need] = {}
    if config.median_voxels:
        halo = Halo.of(config.median_voxels).width
        stages["median"] = Need(grey, grey, halo, temporary=2 * grey)
    if config.gaussian_um:
        z, y, x = (gaussian_halo(config.gaussian_um / edge) for edge in spec.voxel_size)
        stages["gaussian"] = Need(grey, grey, (z, y, x), temporary=GAUSSIAN_BYTES)
    return stages | {
        "histogram": Need(grey + 1, temporary=grey + 1),
        "outside": Need(grey + 2, 1, temporary=RUN_BYTES, stored=1.0 + len(config.sensitivity)),
    }


def needs(spec: VolumeSpec, config: OtsuConfig) -> dict[str, Need]:
    """What each stage takes in memory and on disk, for a scan of `spec`."""
    grey = spec.dtype.itemsize
    closing = closing_halo(config.close_um, spec.voxel_size) if config.close_um else (0, 0, 0)
    temporary = CLOSING_BYTES if config.close_um else FLAT_BYTES
    masks = 1.0 + len(config.sensitivity)
    return outside_needs(spec, config) | {
        "ranks": Need(grey + 1, 1, temporary=FLAT_BYTES),
        "candidates": Need(2, 1, closing, temporary=temporary, stored=2 * masks),
        "pores kept": Need(1, 1, temporary=RUN_BYTES),
        "phases": Need(2, 1, temporary=FLAT_BYTES, stored=8 / 7),
    }


@dataclass
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
        candidates, kept = ranked.pores_at(found.inner)
        rows = [
            {"shift": shift, **ranked.numbers_at(found.shifted(shift))}
            for shift in sorted({0.0, *self.config.sensitivity})
        ]
        attributes = {
            "kind": "phases",
            "made_by": made_by,
            "segmentation": self._record(found, part, rows),
        }
        return map_blocks(
            settle,
            (candidates, kept.volume),
            out,
            dtype=np.uint8,
            attributes=attributes,
            pyramid="max",
            bytes_per_voxel=FLAT_BYTES,
            run=self.run,
        )

    def flood(self, run: Run) -> tuple[Volume, ReconstructionCircle, Volume, float]:
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
        grey, config = self.scan, self.config
        if config.median_voxels:
            grey = map_blocks(
                smooth_median,
                grey,
                self.work / "median.zarr",
                dtype=grey.dtype,
                halo=config.median_voxels,
                parameters={"radius": config.median_voxels},
                bytes_per_voxel=2 * grey.dtype.itemsize,
                run=run,
            )
        if config.gaussian_um:
            sigma = tuple(config.gaussian_um / edge for edge in grey.voxel_size)
            z, y, x = (gaussian_halo(s) for s in sigma)
            grey = map_blocks(
                smooth_gaussian,
                grey,
                self.work / "gaussian.zarr",
                dtype=grey.dtype,
                halo=Halo((z, y, x)),
                parameters={"sigma": sigma},
                bytes_per_voxel=GAUSSIAN_BYTES,
                run=run,
            )
        return grey

    def _circle(self, grey: Volume, run: Run) -> tuple[ReconstructionCircle, GreyHistogram]:
        """The reconstruction circle, if what surrounds it holds one value, and the histogram."""
        circle = ReconstructionCircle(grey.shape, whole=self.config.circle == "none")
        journal = self.work / "histogram"
        histogram = grey_histogram(grey, circle, journal=journal, run=run)
        if circle.applies and np.count_nonzero(histogram.rest) == 1:
            return circle, histogram
        everywhere = ReconstructionCircle(grey.shape, whole=True)
        both = GreyHistogram(histogram.levels, histogram.total, np.zeros_like(histogram.rest))
        return everywhere, both

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
                "use --outside none, other faces, or another outer threshold"
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

    def _record(
        self, found: Thresholds, part: GreyHistogram, table: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """What a reader of the phases needs to know of how they came about."""
        now = next(row for row in table if row["shift"] == 0)
        return {
            "method": "otsu",
            "outer_threshold": found.outer,
            "inner_threshold": found.inner,
            "inner_rule": found.rule,
            "contrast": found.contrast,
            "smoothing": self.config.model_dump(include={"gaussian_um", "median_voxels"}),
            **self.config.model_dump(
                mode="json",
                include={"hysteresis", "min_voxels", "min_extent", "connectivity", "close_um"},
            ),
            "warnings": list(found.warnings),
            "part_voxels": now["part_voxels"],
            "porosity": now["porosity"],
            "pore_count": now["pore_count"],
            "histogram": _coarse_histogram(part),
            "sensitivity": table if len(table) > 1 else [],
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
