"""One YAML file, one training: from scans and their phases to a segmentation model.

The sections are `train` (scans, validation, model), `run`, and one for each stage: `network`,
`patches`, `augmentation`, `training`. Paths are relative to the working directory.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.config import Config, load_sections, parse_config, parse_stages
from poroscale.engine import Run
from poroscale.events import Described, Progress
from poroscale.pipelines.settings import run_section
from poroscale.segmentation.training.config import (
    AugmentationConfig,
    NetworkConfig,
    PatchConfig,
    SegmenterConfig,
    TrainingConfig,
)
from poroscale.verb import verb
from poroscale.volume import Volume

if TYPE_CHECKING:
    from poroscale.segmentation.network.model import SegmentationModel
    from poroscale.segmentation.training.data import LabelledScan
    from poroscale.segmentation.training.train import TrainedFold

log = logging.getLogger("poroscale.training")

STAGES: dict[str, type[Config]] = {
    "network": NetworkConfig,
    "patches": PatchConfig,
    "augmentation": AugmentationConfig,
    "training": TrainingConfig,
}


class ScanConfig(Config):
    """A scan, and its phases; unsupervised networks need none.

    Attributes
    ----------
    scan
        Grey values.
    truth
        Any phases of the scan: of a phantom, of an analyst, of `poroscale segment` by thresholds or
        by another network.
    """

    scan: str
    truth: str | None = None


class TrainPaths(Config):
    """Scans of the training, and folder of the model.

    Attributes
    ----------
    scans
        For training, and for validation by folds.
    validation
        Scans for validation alone, instead of a fold.
    model
        Folder of the model.
    """

    scans: tuple[ScanConfig, ...]
    validation: tuple[ScanConfig, ...] = ()
    model: str


@dataclass(frozen=True)
class TrainJob:
    """A training, ready to be started."""

    paths: TrainPaths
    config: SegmenterConfig
    run: Run

    @classmethod
    def load(cls, path: str | Path, **given: Any) -> TrainJob:
        """The job that a YAML file describes.

        Parameters
        ----------
        path
            The file.
        given
            Entries of the section `run` that take precedence; None leaves the file's.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            Naming an unknown section or key, a wrong value, or what is not stated.
        """
        sections = load_sections(Path(path))
        paths = parse_config(TrainPaths, sections.pop("train", {}), where="train")
        run = run_section(sections, given)
        return cls(paths, segmenter_config(sections), run)

    def start(self, *, progress: Progress | None = None) -> TrainedModel:
        """Train, or go on training; see `train_segment`."""
        from poroscale.segmentation.training.train import METRICS, TRAINING, train_segmenter

        folder = Path(self.paths.model)
        log.info("losses     %s, a line for each epoch", folder / TRAINING / METRICS)
        folds = train_segmenter(
            [_opened(each) for each in self.paths.scans],
            folder,
            validation=[_opened(each) for each in self.paths.validation],
            config=self.config,
            run=self.run,
            progress=progress,
        )
        trained = TrainedModel(folder, tuple(folds))
        log.info("%s", trained)
        return trained


@dataclass(frozen=True)
class TrainedModel(Described):
    """A trained segmentation network.

    Attributes
    ----------
    folder
        Folder of the model; of a cross-validation, the folder of the models of all folds.
    folds
        One trained fold, or all folds of a cross-validation: each a model and the losses of its
        epochs.
    """

    folder: Path
    folds: tuple[TrainedFold, ...]

    @property
    def model(self) -> SegmentationModel:
        """The model of the first fold, which is the only one without a cross-validation."""
        return self.folds[0].model

    def describe(self) -> Iterator[str]:
        """The models, and their losses over the folds if there are several, line by line."""
        from poroscale.segmentation.training.train import cross_validation

        for each in self.folds:
            yield from each.model.describe()
        if len(self.folds) > 1:
            table = cross_validation([each.model.card.validation for each in self.folds])
            for name, value in table["mean"].items():
                spread = table["deviation"][name]
                yield f"{name:10} {value:.4g} ± {spread:.2g} over {len(self.folds)} folds"


@verb("train_segment")
def train_segment(
    config: str | Path | TrainJob,
    *,
    memory: int | str | None = None,
    cluster: str | None = None,
    workers: int | None = None,
    overwrite: bool | None = None,
    progress: Progress | None = None,
) -> TrainedModel:
    """Train a segmentation network, or go on training it, as a YAML file says.

    Parameters
    ----------
    config
        The file, or the job that was loaded of it.
    progress
        Called after each epoch of each fold, with its losses.
    memory
        Budget of the job, as "4GiB", in place of that of the section `run`.
    cluster
        Cluster, as of `poroscale.Run`, in place of that of the section `run`.
    workers
        Tasks at a time, in place of those of the section `run`.
    overwrite
        Begin again, in place of going on.

    Returns
    -------
    TrainedModel
        The model, or those of all folds, with the losses of their epochs.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a section, key, setting or scan does not fit, or the folder holds something else.
    FloatingPointError
        If the loss is no longer finite.
    """
    given = {"memory": memory, "cluster": cluster, "workers": workers, "overwrite": overwrite}
    job = config if isinstance(config, TrainJob) else TrainJob.load(config, **given)
    return job.start(progress=progress)


def segmenter_config(
    sections: Mapping[str, Mapping[str, Any]], *, known: Sequence[str] = ("train", "run")
) -> SegmenterConfig:
    """The settings of a training from the sections of a file; all may be missing.

    `known` are the sections of the file that are read elsewhere, for the error.

    Raises
    ------
    ValueError
        Naming an unknown section or key, or a wrong value.
    """
    return SegmenterConfig(**parse_stages(STAGES, sections, known=known))


def _opened(given: ScanConfig) -> LabelledScan:
    from poroscale.segmentation.training.data import LabelledScan

    truth = None if given.truth is None else Volume.open(given.truth)
    return LabelledScan(Volume.open(given.scan), truth)
