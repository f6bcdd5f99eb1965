"""Scans to phases by a trained network (Iuso et al. 2024, sections 3.2 to 3.4).

1. The scan's grey range is found. Its contrast, blur, voxels and pores are compared with those of
   the training scans (`shift.py`).
2. The outside is flooded, as before Otsu's inner threshold; windows wholly outside are skipped.
3. Every window is inferred once; overlapping ones are averaged.
4. Of an unsupervised network this is its reconstruction: the scores are |scan - reconstruction|
   inside the part, without what the surface adds to them (`postprocess.py`).
5. Scores become phases (`scores.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.config import Config, parse_stages
from poroscale.engine import (
    Lattice,
    Run,
    connect,
    map_blocks,
    stitch_windows,
    window_counts,
    window_need,
)
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.engine.plan import Need
from poroscale.identity import kernel
from poroscale.segment.network.model import SegmentationModel
from poroscale.segment.network.normalisation import GreyRange, grey_range
from poroscale.segment.network.scan_traits import measure_traits
from poroscale.segment.network.scan_traits import needs as traits_needs
from poroscale.segment.network.shift import shift_warnings
from poroscale.segment.network.windows import (
    WindowsConfig,
    cut_windows,
    windows_notes,
    windows_record,
)
from poroscale.segment.scores.postprocess import PostprocessConfig, postprocess_scores
from poroscale.segment.scores.postprocess import needs as postprocess_needs
from poroscale.segment.scores.scores import ScoresConfig, ScoreSegmentation, ScoreSources
from poroscale.segment.scores.scores import needs as scores_needs
from poroscale.segment.thresholds.otsu import find_outside, outside_needs
from poroscale.volume import Volume, VolumeSpec

EVEN, YEN = 0.5, "yen"
"""Thresholds unless another one is set: of supervised scores, which are probabilities, and of
anomaly scores."""
VERSION = 1
"""Of the anomaly scores."""
ANOMALY_BYTES, MASK_BYTES = 12.0, 3.0
"""Bytes per voxel: of an anomaly score while it is made, and of the part's mask where it is looked
at."""


STAGES: dict[str, type[Config]] = {
    "windows": WindowsConfig,
    "postprocess": PostprocessConfig,
    "scores": ScoresConfig,
}


@dataclass(frozen=True)
class ByNetworkConfig:
    """The settings of the stages; a section of a YAML file is named as its stage."""

    windows: WindowsConfig = field(default_factory=WindowsConfig)
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    scores: ScoresConfig = field(default_factory=ScoresConfig)

    @classmethod
    def of(cls, sections: Mapping[str, Mapping[str, Any]]) -> ByNetworkConfig:
        """The settings in the sections of a file.

        Raises
        ------
        ValueError
            Naming an unknown section or key, or a wrong value.
        """
        return cls(**parse_stages(STAGES, sections))


def segment_by_network(
    scan: Volume,
    out: str | Path,
    *,
    model: SegmentationModel,
    scores: str | Path | None = None,
    config: ByNetworkConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Outside, solid and pore phases of a scan by a trained network.

    Parameters
    ----------
    scan
        Grey values.
    out
        Folder of the phases: uint8, 0 outside, 1 solid, 2 pore.
    model
        The network.
    scores
        Folder in which the scores in [0, 1] are kept: uint8 of supervised networks, float16 of
        unsupervised ones, post-processed.
    config
        Settings of the stages.
    run
        How to run.

    Returns
    -------
    Volume
        The phases; `attributes["segmentation"]` records model, windows, threshold, porosity, what
        the scan is like, and what a reader should be warned of.

    Raises
    ------
    ValueError
        If tiles are asked of a network that is not purely convolutional, the scan has no range of
        grey values, or `out` holds something else.
    MemoryError
        If the budget cannot hold one block and the model.
    """
    config, run, out = config or ByNetworkConfig(), run or Run(), Path(out)
    made_by = {
        "verb": "segment",
        "method": model.card.model,
        "weights": model.card.sha256,
        "compared_with": model.card.compared,
        "windows": config.windows.model_dump(mode="json"),
        "postprocess": config.postprocess.model_dump(mode="json"),
        "scores": config.scores.model_dump(mode="json"),
        "scan": input_identity(scan),
    }
    if scores is not None and Path(scores).resolve() in (out.resolve(), scan.path.resolve()):
        raise ValueError(f"scores must have a folder of their own, got {scores}")
    with connect(run) as run:
        done = finished_before(out, made_by, run, [scan])
        if done is not None and (scores is None or _are_of(scores, done)):
            return done
        with work_folder(out, made_by, run) as work:
            steps = _Steps(scan, model, config, work, run)
            found = steps.scores(Path(scores) if scores is not None else work / "scores.zarr")
            sources = ScoreSources(
                part=steps.part,
                notes=tuple(steps.notes),
                windows=steps.windows,
                traits=steps.traits.model_dump(),
            )
            segmentation = ScoreSegmentation(found, sources, steps.thresholds, work, run)
            return segmentation.write(out, made_by)


@dataclass(frozen=True)
class NetworkNeeds:
    """What a segmentation by a network will take.

    Attributes
    ----------
    stages
        Memory and disk by stage.
    windows
        How many there are at most: those outside the part are skipped.
    edge
        Of a window [voxels].
    seconds
        That one window took by trial, on one core or on the GPU.
    """

    stages: dict[str, Need]
    windows: int
    edge: int
    seconds: float


def needs(
    spec: VolumeSpec, *, model: SegmentationModel, config: ByNetworkConfig, run: Run
) -> NetworkNeeds:
    """What a scan of `spec` takes; a trial pass of the network is made for it.

    Raises
    ------
    ValueError
        If the model cannot infer such windows, or not on such a device.
    MemoryError
        If network and one patch exceed the memory.
    """
    card, chosen = model.card, config.windows
    infer, windows = cut_windows(model, card.grey_range, config=chosen, run=run)
    part = spec.but(dtype=np.dtype(np.uint8), pyramid="max")
    mask = MASK_BYTES / 8 ** _coarse_level(part)
    stored = np.dtype("uint8" if card.supervised else "uint16")
    scores = spec.but(dtype=np.dtype("uint8" if card.supervised else "float16"), pyramid=None)
    stages = traits_needs(spec) | outside_needs(spec, config.scores.outside)
    stages["windows"] = window_need(infer, spec, windows, dtype=stored, inside=mask)
    if not card.supervised:
        read, wrote = spec.dtype.itemsize + stored.itemsize + 1, scores.dtype.itemsize
        stages["anomalies"] = Need(read, wrote, temporary=ANOMALY_BYTES)
        if chosen.postprocess:
            stages |= postprocess_needs(scores, stored.itemsize, config.postprocess)
    stages |= scores_needs(scores, config.scores)
    count = len(Lattice(windows, spec.shape))
    return NetworkNeeds(stages, count, windows.edges[0], infer.seconds)


def _coarse_level(part: VolumeSpec) -> int:
    """The level of the part in which windows are looked up."""
    return min(3, part.levels - 1)


def _are_of(scores: str | Path, phases: Volume) -> bool:
    """Whether the scores stand there that the phases were made of."""
    try:
        return Volume.open(scores).digest == phases.attributes["segmentation"]["scores_digest"]
    except (OSError, ValueError):
        return False


class _Steps:
    """From a scan to scores; what lies between is in the work folder."""

    def __init__(
        self,
        scan: Volume,
        model: SegmentationModel,
        config: ByNetworkConfig,
        work: Path,
        run: Run,
    ) -> None:
        self.scan, self.model, self.config, self.work = scan, model, config, work
        self.run, self.step = run, run.but(overwrite=False)
        self.range = grey_range(scan, journal=work / "grey range", run=self.step)
        self.traits = measure_traits(scan, work / "traits", run=self.step)
        self.notes = shift_warnings(model.card, self.traits, scan.voxel_size)
        self.windows: dict[str, Any] = {}
        self.part = self._part()

    @property
    def thresholds(self) -> ScoresConfig:
        """Settings of the last step, with the usual threshold if nothing else is said."""
        config = self.config.scores
        if "threshold" in config.model_fields_set:
            return config
        usual = EVEN if self.model.card.supervised else YEN
        return config.model_copy(update={"threshold": usual})

    def scores(self, out: Path) -> Volume:
        """The scores, post-processed."""
        if self.model.card.supervised:
            return self._stitched(out, "uint8", self.run)
        found = self._stitched(self.work / "reconstruction.zarr", "uint16", self.step)
        if not self.config.windows.postprocess:
            return self._anomalies(found, out, self.run)
        raw = self._anomalies(found, self.work / "anomalies.zarr", self.step)
        settings = self.config.postprocess
        return postprocess_scores(raw, found, out, inside=self.part, config=settings, run=self.run)

    def _part(self) -> Volume:
        # In a folder of its own: the last step finds its outside in the mask that is made here.
        folder = self.work / "flood"
        folder.mkdir(exist_ok=True)
        outside, _ = find_outside(
            self.scan, folder, config=self.config.scores.outside, run=self.step
        )
        return map_blocks(
            part_of,
            outside,
            self.work / "part.zarr",
            dtype=np.uint8,
            pyramid="max",
            bytes_per_voxel=1,
            run=self.step,
        )

    def _stitched(self, out: Path, dtype: str, run: Run) -> Volume:
        infer, windows = cut_windows(
            self.model, self.range, config=self.config.windows, run=self.run
        )
        level = _coarse_level(self.part.spec)
        stitched = stitch_windows(
            infer,
            self.scan,
            out,
            windows=windows,
            inside=Volume.open(self.part.path, level=level),
            dtype=dtype,
            attributes={"kind": "pore_scores" if dtype == "uint8" else "reconstruction"},
            run=run,
        )
        counts = window_counts(stitched)
        self.notes += windows_notes(windows, self.scan.shape, counts)
        self.windows = windows_record(windows, self.scan.shape, counts, patch=infer.edge)
        return stitched

    def _anomalies(self, reconstruction: Volume, out: Path, run: Run) -> Volume:
        return map_blocks(
            anomaly_scores,
            (self.scan, reconstruction, self.part),
            out,
            dtype=np.float16,
            parameters={"low": self.range.low, "high": self.range.high},
            attributes={"kind": "pore_scores"},
            bytes_per_voxel=ANOMALY_BYTES,
            run=run,
        )


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
