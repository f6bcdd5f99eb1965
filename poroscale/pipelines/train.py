"""One YAML file, one training: from scans and their phases to a segmentation model.

The sections are `train` (scans, validation, model), `run`, and one for each stage: `network`,
`patches`, `augmentation`, `training`. Paths are relative to the working directory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.config import Config, load_sections, parse_config, parse_stages
from poroscale.engine import Run
from poroscale.pipelines.settings import RunConfig
from poroscale.segment.training.config import (
    AugmentationConfig,
    NetworkConfig,
    PatchConfig,
    SegmenterConfig,
    TrainingConfig,
)
from poroscale.volume import Volume

if TYPE_CHECKING:
    from poroscale.segment.training.data import LabelledScan

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
    """What is trained on, and where the model goes.

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
        chosen = {name: value for name, value in given.items() if value is not None}
        how = parse_config(RunConfig, sections.pop("run", {}) | chosen, where="run")
        return cls(paths, segmenter_config(sections), Run(**how.model_dump()))

    def start(self) -> Iterator[str]:
        """Train, and say what came of it, line by line."""
        from poroscale.segment.training.train import (
            METRICS,
            TRAINING,
            describe_folds,
            train_segmenter,
        )

        yield f"losses     {Path(self.paths.model) / TRAINING / METRICS}, a line for each epoch"
        found = train_segmenter(
            [_opened(each) for each in self.paths.scans],
            self.paths.model,
            validation=[_opened(each) for each in self.paths.validation],
            config=self.config,
            run=self.run,
        )
        yield from describe_folds(found)


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
    from poroscale.segment.training.data import LabelledScan

    truth = None if given.truth is None else Volume.open(given.truth)
    return LabelledScan(Volume.open(given.scan), truth)
