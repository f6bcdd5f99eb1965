"""Scans to phases by a trained network (Iuso et al. 2024, sections 3.2 to 3.4).

1. The scan's grey range is found, and compared with that of the training.
2. The outside is flooded, as before Otsu's inner threshold; windows wholly outside are skipped.
3. Every window is inferred once; overlapping ones are averaged.
4. Of an unsupervised network this is its reconstruction: the scores are |scan - reconstruction|
   inside the part, without what the surface adds to them (`postprocess.py`).
5. Scores become phases (`scores.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveInt, model_validator

from poroscale.config import Config, parse_stages
from poroscale.engine import (
    Lattice,
    Run,
    WindowCounts,
    Windows,
    connect,
    map_blocks,
    stitch_windows,
    window_counts,
)
from poroscale.engine.recipe import input_identity
from poroscale.engine.work import finished_before, work_folder
from poroscale.kernels.window_sums import Weight
from poroscale.segment.inference import (
    LARGEST_BATCH,
    Inference,
    Precision,
    memory_for,
    probed,
)
from poroscale.segment.model import SegmentationModel
from poroscale.segment.normalisation import GreyRange, grey_range
from poroscale.segment.otsu import find_outside
from poroscale.segment.postprocess import PostprocessConfig, postprocess_scores
from poroscale.segment.scores import ScoresConfig, ScoreSegmentation, ScoreSources
from poroscale.volume import Shape, Volume

EVEN, YEN = 0.5, "yen"
"""Thresholds unless another one is set: of supervised scores, which are probabilities, and of
anomaly scores."""
VERSION = 1
"""Of the anomaly scores."""


class WindowsConfig(Config):
    """How a scan is cut into windows, and where they are inferred.

    Attributes
    ----------
    overlap
        Voxels that neighbours share; None is half a window.
    weight
        How overlapping windows are averaged.
    tiles
        For purely convolutional networks: tiles side by side with the network's halo of context in
        place of overlapping windows.
    tile_edge
        Edge of such tiles [voxels], a multiple of what the network pools by; None is that of its
        patches. The larger, the less of what is computed is halo, and the more memory it takes.
    batch
        Windows at a time; None is 1 on the CPU and what a probe finds on a GPU.
    device, precision
        "auto" takes a GPU where there is one; None is bf16 there and float32 on the CPU.
    postprocess
        Take the scores of the surface off those of unsupervised networks.
    """

    overlap: NonNegativeInt | None = None
    weight: Weight = "constant"
    tiles: bool = False
    tile_edge: PositiveInt | None = None
    batch: PositiveInt | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Precision | None = None
    postprocess: bool = True

    @model_validator(mode="after")
    def _of_tiles(self) -> Self:
        if self.tile_edge is not None and not self.tiles:
            raise ValueError("tile_edge must come with tiles")
        return self


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
        The phases; `attributes["segmentation"]` records model, windows, threshold, porosity and
        what a reader should be warned of.

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
            sources = ScoreSources(part=steps.part, notes=tuple(steps.notes), windows=steps.windows)
            segmentation = ScoreSegmentation(found, sources, steps.thresholds, work, run)
            return segmentation.write(out, made_by)


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
        warning = model.grey_warning(self.range)
        self.notes = [] if warning is None else [warning]
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
        infer, lattice = self._cut()
        level = min(3, self.part.spec.levels - 1)
        stitched = stitch_windows(
            infer,
            self.scan,
            out,
            windows=lattice,
            inside=Volume.open(self.part.path, level=level),
            dtype=dtype,
            attributes={"kind": "pore_scores" if dtype == "uint8" else "reconstruction"},
            run=run,
        )
        counts = window_counts(stitched)
        self.notes += [*_thin(self.scan.shape, lattice.edges), *_few(counts.inferred)]
        self.windows = windows_record(lattice, self.scan.shape, counts, patch=infer.edge)
        return stitched

    def _cut(self) -> tuple[Inference, Windows]:
        windows = self.config.windows
        infer = Inference.of(
            self.model,
            self.range,
            batch=windows.batch or 1,
            device=windows.device,
            precision=windows.precision,
        )
        if windows.tiles:
            return self._tiles(infer, windows.tile_edge or infer.edge)
        infer = self._tried(infer, infer.edge)
        return infer, Windows(
            edge=infer.edge, overlap=windows.overlap, weight=windows.weight, batch=infer.batch
        )

    def _tiles(self, infer: Inference, edge: int) -> tuple[Inference, Windows]:
        if infer.halo is None:
            raise ValueError(
                f"tiles must have a network that is purely convolutional, got {infer.model}"
            )
        if edge % infer.multiple:
            raise ValueError(
                f"tile_edge of {infer.model} must be a multiple of {infer.multiple}, got {edge}"
            )
        halo = infer.halo
        infer = self._tried(infer, edge + 2 * halo)
        return infer, Windows(
            edge=edge, weight=self.config.windows.weight, batch=infer.batch, halo=halo
        )

    def _tried(self, infer: Inference, edge: int) -> Inference:
        """With what trial passes of this edge take; on a GPU also with the batch they find."""
        chooses = infer.device == "cuda" and self.config.windows.batch is None
        most = LARGEST_BATCH if chooses else 1
        trial = replace(infer, edge=edge, batch=1)
        found = probed(trial, memory_for(infer.device, self.run.memory_bytes), most=most)
        batch = found.batch if chooses else infer.batch
        return replace(infer, batch=batch, memory=batch * found.memory)

    def _anomalies(self, reconstruction: Volume, out: Path, run: Run) -> Volume:
        return map_blocks(
            anomaly_scores,
            (self.scan, reconstruction, self.part),
            out,
            dtype=np.float16,
            parameters={"low": self.range.low, "high": self.range.high},
            attributes={"kind": "pore_scores"},
            bytes_per_voxel=12.0,
            run=run,
        )


def _thin(shape: Shape, edges: Shape) -> list[str]:
    """A sentence about the axes along which the scan is thinner than a window."""
    thin = [f"{axis} {n}" for axis, n, e in zip("zyx", shape, edges, strict=True) if n < e]
    if not thin:
        return []
    return [
        f"the scan is thinner than a window of {edges[0]} voxels ({', '.join(thin)}): it was "
        "padded with its outermost voxels"
    ]


def windows_record(
    windows: Windows, shape: Shape, counts: WindowCounts, *, patch: int
) -> dict[str, Any]:
    """How a scan was cut, and what it costs.

    Parameters
    ----------
    windows
        All of one edge.
    shape
        Of the scan.
    counts
        Windows inferred, and skipped as outside.
    patch
        Edge of the network's patches [voxels].

    Returns
    -------
    dict
        JSON. "passes" is how often the network sees a voxel if none is skipped, halo included;
        "half_overlap" the same of patches with half overlap.
    """
    return {
        "edge": windows.edges[0],
        "overlap": windows.overlaps[0],
        "halo": windows.halos[0],
        "inferred": counts.inferred,
        "skipped": counts.skipped,
        "passes": Lattice(windows, shape).passes,
        "half_overlap": Lattice(Windows(patch), shape).passes,
    }


def _few(inferred: int) -> list[str]:
    return [] if inferred else ["no window of the scan holds anything of a part"]


def part_of(outside: NDArray[Any]) -> NDArray[np.uint8]:
    """1 in the part, of a mask that is true outside."""
    return (outside == 0).astype(np.uint8)


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


anomaly_scores.version = VERSION  # type: ignore[attr-defined]
part_of.version = 1  # type: ignore[attr-defined]
