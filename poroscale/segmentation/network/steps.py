"""The steps from a scan to phases by a network; each gives a result that nothing changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import (
    Infer,
    Pass,
    Run,
    WindowPass,
    Windows,
    map_pass,
    stitch_pass,
    window_counts,
)
from poroscale.identity import kernel
from poroscale.segmentation.network.config import ByNetworkConfig
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.segmentation.network.normalisation import GreyRange, grey_range
from poroscale.segmentation.network.scan_traits import ScanTraits, measure_traits
from poroscale.segmentation.network.shift import shift_warnings
from poroscale.segmentation.network.windows import cut_windows, windows_notes, windows_record
from poroscale.segmentation.scores.config import ScoresConfig
from poroscale.segmentation.scores.postprocess import postprocess_scores
from poroscale.segmentation.scores.scores import ScoreJob, ScoreSources, write_score_phases
from poroscale.segmentation.thresholds.otsu import find_outside
from poroscale.volume import Volume, VolumeSpec

EVEN, YEN = 0.5, "yen"
"""Thresholds unless another one is set: of supervised scores, which are probabilities, and of
anomaly scores."""
VERSION = 1
"""Of the anomaly scores."""
ANOMALY_BYTES, MASK_BYTES = 12.0, 3.0
"""Bytes per voxel: of an anomaly score while it is made, and of the part's mask where it is looked
at."""


@dataclass(frozen=True)
class NetworkJob:
    """One segmentation by a network; every step's output lies in the work folder.

    Attributes
    ----------
    scan
        Grey values.
    model
        The network.
    config
        Settings of the stages.
    work, run
        Folder of the steps' outputs, and how to run.
    """

    scan: Volume
    model: SegmentationModel
    config: ByNetworkConfig
    work: Path
    run: Run

    @property
    def step(self) -> Run:
        """Settings of the run for a step whose output stays in the work folder."""
        return self.run.but(overwrite=False)


class ScanLook(NamedTuple):
    """Properties of a scan before the network sees it.

    Attributes
    ----------
    range
        Grey values that become 0 and 1.
    traits
        Contrast, blur and size of the pores.
    notes
        Sentences on their differences from the scans of the training.
    """

    range: GreyRange
    traits: ScanTraits
    notes: tuple[str, ...]


class PartMask(NamedTuple):
    """The part as 1 in a volume of uint8, and the grey value up to which the air was flooded."""

    mask: Volume
    outer_threshold: float


class Inferred(NamedTuple):
    """Answers of the network to the windows.

    Attributes
    ----------
    volume
        Probabilities of a pore (uint8), or the reconstruction of the scan (uint16).
    record
        Windows of the scan, and their cost.
    notes
        Warnings for the reader.
    """

    volume: Volume
    record: Mapping[str, Any]
    notes: tuple[str, ...]


def write_network_phases(
    job: NetworkJob, kept: Path, out: Path, made_by: Mapping[str, Any]
) -> Volume:
    """All steps, from the scan to the phases in `out`; the scores stay in `kept`."""
    look, part = _look_at(job), _find_part(job)
    inferred, scores = _score(job, look, part, kept)
    sources = ScoreSources(
        part=part.mask,
        notes=(*look.notes, *inferred.notes),
        record={
            "outer_threshold": part.outer_threshold,
            "network": _network_record(job, look, scores),
            "windows": dict(inferred.record),
            "scan_traits": look.traits.model_dump(),
        },
    )
    config = with_usual_threshold(job.config.scores, supervised=job.model.card.supervised)
    phases = ScoreJob(scores, sources, config, job.work, job.step)
    return write_score_phases(phases, out, made_by=made_by, run=job.run)


def with_usual_threshold(config: ScoresConfig, *, supervised: bool) -> ScoresConfig:
    """The settings of the scores; their usual threshold where nobody set one."""
    if "threshold" in config.model_fields_set:
        return config
    return config.model_copy(update={"threshold": EVEN if supervised else YEN})


def _look_at(job: NetworkJob) -> ScanLook:
    """Step 1: the grey range, and the comparison with the training."""
    scan, run = job.scan, job.step
    grey = grey_range(scan, journal=job.work / "grey range", run=run)
    traits = measure_traits(scan, job.work / "traits", run=run)
    return ScanLook(grey, traits, tuple(shift_warnings(job.model.card, traits, scan.voxel_size)))


def _find_part(job: NetworkJob) -> PartMask:
    """Step 2: what the flood of the outside leaves."""
    # In a folder of its own: the last step finds its outside in the mask that is made here.
    folder = job.work / "flood"
    folder.mkdir(exist_ok=True)
    outside, level = find_outside(job.scan, folder, config=job.config.scores.outside, run=job.step)
    return PartMask(map_pass(PART, outside, job.work / "part.zarr", run=job.step), level)


def _score(job: NetworkJob, look: ScanLook, part: PartMask, out: Path) -> tuple[Inferred, Volume]:
    """Steps 3 and 4: what the network made of the scan, and the scores in `out`."""
    if job.model.card.supervised:
        inferred = _infer(job, look, part, out, dtype="uint8", run=job.run)
        return inferred, inferred.volume
    reconstruction = job.work / "reconstruction.zarr"
    inferred = _infer(job, look, part, reconstruction, dtype="uint16", run=job.step)
    volumes = (job.scan, inferred.volume, part.mask)
    if not job.config.windows.postprocess:
        return inferred, _anomalies(volumes, look.range, out, job.run)
    raw = _anomalies(volumes, look.range, job.work / "anomalies.zarr", job.step)
    scores = postprocess_scores(
        raw, inferred.volume, out, inside=part.mask, config=job.config.postprocess, run=job.run
    )
    return inferred, scores


def _infer(
    job: NetworkJob, look: ScanLook, part: PartMask, out: Path, *, dtype: str, run: Run
) -> Inferred:
    """Step 3: every window that holds anything of the part, once."""
    infer, windows = cut_windows(job.model, look.range, config=job.config.windows, run=job.run)
    level = lookup_level(part.mask.spec)
    volume = stitch_pass(
        windows_pass(infer, windows, job.scan.spec, supervised=job.model.card.supervised),
        job.scan,
        out,
        inside=Volume.open(part.mask.path, level=level),
        attributes={"kind": "pore_scores" if dtype == "uint8" else "reconstruction"},
        run=run,
    )
    shape, counts = job.scan.shape, window_counts(volume)
    record = windows_record(windows, shape, counts, patch=infer.edge)
    return Inferred(volume, record, tuple(windows_notes(windows, shape, counts)))


def lookup_level(part: VolumeSpec) -> int:
    """The level of the part in which windows are looked up."""
    return min(3, part.levels - 1)


def _anomalies(
    volumes: tuple[Volume, Volume, Volume], grey: GreyRange, out: Path, run: Run
) -> Volume:
    """Step 4: the scores of scan, reconstruction and part, without what the surface adds."""
    declared = anomalies_pass(volumes[0].dtype).but(parameters={"low": grey.low, "high": grey.high})
    return map_pass(declared, volumes, out, attributes={"kind": "pore_scores"}, run=run)


def _network_record(job: NetworkJob, look: ScanLook, scores: Volume) -> dict[str, Any]:
    """Record of the network and of its windows, for a reader of the phases."""
    card, found = job.model.card, scores.attributes.get("postprocessing")
    kept = ("weight", "sigma_voxels")
    return {
        **card.model_dump(include={"model", "width", "edge", "supervised", "parameters"}),
        "weights": card.sha256,
        "scans": len(card.trained_on),
        "epochs": card.epochs,
        "grey_range": list(look.range),
        "postprocessing": {name: found[name] for name in kept} if found else None,
    }


@kernel("segment.part_of")
def part_of(outside: NDArray[Any]) -> NDArray[np.uint8]:
    """1 in the part, of a mask that is true outside."""
    return (outside == 0).astype(np.uint8)


@kernel("segment.anomaly_scores", version=VERSION)
def anomaly_scores(
    grey: NDArray[Any],
    reconstruction: NDArray[Any],
    part: NDArray[Any],
    *,
    low: float,
    high: float,
) -> NDArray[np.float16]:
    """|scan - reconstruction| inside the part, 0 outside (section 3.2.2 of the paper).

    Parameters
    ----------
    grey
        Grey values; `low` and `high` become 0 and 1.
    reconstruction
        uint16, the largest integer being 1.
    part
        0 outside.
    """
    found = reconstruction.astype(np.float32) / np.iinfo(reconstruction.dtype).max
    scores = np.abs(GreyRange(low, high).normalised(grey) - found)
    return np.where(part != 0, scores, 0).astype(np.float16)


PART = Pass("part mask", part_of, reads=(bool,), writes=np.uint8, pyramid="max", temporary=1.0)
"""The pass from the outside to the part."""


def windows_pass(
    infer: Infer, windows: Windows, spec: VolumeSpec, *, supervised: bool
) -> WindowPass:
    """The passes of the windows over a scan of `spec`, and over the part where they are looked up.

    A supervised network leaves probabilities, another one the reconstruction of the scan.
    """
    part = spec.but(dtype=np.dtype(np.uint8), pyramid=PART.pyramid)
    return WindowPass(
        "windows",
        infer,
        reads=(spec.dtype,),
        writes=np.uint8 if supervised else np.uint16,
        windows=windows,
        shape=spec.shape,
        inside=MASK_BYTES / 8 ** lookup_level(part),
    )


def anomalies_pass(grey: DTypeLike) -> Pass:
    """The pass over scan, reconstruction and part."""
    return Pass(
        "anomalies",
        anomaly_scores,
        reads=(grey, np.uint16, np.uint8),
        writes=np.float16,
        temporary=ANOMALY_BYTES,
    )
