"""One YAML file, one training: from a set of micrographs to a generator.

The sections are `sem` (set, model, conditions), `chips`, `gan` and `run`. Paths are relative to the
working directory.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from poroscale.config import Config, load_sections, parse_config, parse_stages
from poroscale.engine import Run
from poroscale.engine.jobs.work import held_folder
from poroscale.events import Progress
from poroscale.manifest import JOURNAL_DIR
from poroscale.micrographs.dataset import MicrographSet
from poroscale.micrographs.gan.config import SemChipConfig, SemGanConfig
from poroscale.micrographs.gan.model import SETTINGS, TRAINING, WEIGHTS, MicrographModel
from poroscale.pipelines.settings import run_section
from poroscale.verb import verb

log = logging.getLogger("poroscale.training")

STAGES: dict[str, type[Config]] = {"chips": SemChipConfig, "gan": SemGanConfig}


class SemPaths(Config):
    """What is trained on, and what the generator is told.

    Attributes
    ----------
    data
        Set of micrographs, as `poroscale gather sem` makes it.
    model
        Folder of the model.
    conditions
        Kind of each condition by its column: "category", "thirds" (low, mid, hi), "continuous", or
        "logarithmic".
    held_out
        Values by column; images that have all of them are not trained on.
    seed
        Number from which weights, noises, order and split are drawn.
    """

    data: str
    model: str
    conditions: dict[str, Literal["category", "thirds", "continuous", "logarithmic"]]
    held_out: dict[str, str | float] = Field(default_factory=dict)
    seed: int = Field(0, ge=0, lt=2**64)


@dataclass(frozen=True)
class SemTrainJob:
    """A training, ready to be started."""

    paths: SemPaths
    chips: SemChipConfig
    gan: SemGanConfig
    run: Run

    @classmethod
    def load(cls, path: str | Path, **given: Any) -> SemTrainJob:
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
        return cls.of(load_sections(Path(path)), given)

    @classmethod
    def of(cls, sections: dict[str, dict[str, Any]], given: Mapping[str, Any]) -> SemTrainJob:
        """The job of the sections of a file; errors as `load`."""
        paths = parse_config(SemPaths, sections.pop("sem", {}), where="sem")
        run = run_section(sections, given)
        stages = parse_stages(STAGES, sections, known=("sem", "run"))
        return cls(paths, stages["chips"], stages["gan"], run)

    def but(self, *, paths: SemPaths | None = None, epochs: int | None = None) -> SemTrainJob:
        """This job with other paths, or another number of epochs."""
        changes = {} if epochs is None else {"epochs": epochs}
        gan = self.gan.model_copy(update=changes)
        return replace(self, paths=paths or self.paths, gan=gan)

    def start(self, *, progress: Progress | None = None) -> MicrographModel:
        """Train, or go on training; see `train_sem`."""
        from poroscale.micrographs.gan.fit import train_micrograph_gan
        from poroscale.training.metrics import METRICS

        micrographs, folder = MicrographSet.open(self.paths.data), Path(self.paths.model)
        _refuse_foreign(folder)
        log.info("losses     %s, a line for each epoch", folder / TRAINING / METRICS)
        with held_folder(folder):
            if self.run.overwrite:
                _clear(folder)
            return train_micrograph_gan(
                micrographs,
                folder,
                kinds=self.paths.conditions,
                config=self.gan,
                chips=self.chips,
                held_out=self.paths.held_out,
                seed=self.paths.seed,
                progress=progress,
            )


@verb("train_sem")
def train_sem(
    config: str | Path | SemTrainJob,
    *,
    overwrite: bool | None = None,
    progress: Progress | None = None,
) -> MicrographModel:
    """Train a generator of micrographs by their conditions, or go on training it.

    Parameters
    ----------
    config
        YAML file with the sections `sem`, `chips`, `gan` and `run`, or the job that was loaded of
        it.
    overwrite
        Begin again, in place of going on.
    progress
        Called after each epoch, with its losses.

    Returns
    -------
    MicrographModel
        The trained generator.

    Raises
    ------
    FileNotFoundError
        If there is no such file or set.
    ValueError
        If a section, key, setting or condition does not fit, or the folder holds something else.
    FloatingPointError
        If a loss is no longer finite.
    """
    job = (
        config if isinstance(config, SemTrainJob) else SemTrainJob.load(config, overwrite=overwrite)
    )
    return job.start(progress=progress)


def _refuse_foreign(folder: Path) -> None:
    """Raise if something else than a model or its training is in the folder."""
    names = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
    names.discard(JOURNAL_DIR)  # each output has one, such as the set that is trained on
    if names and names.isdisjoint((TRAINING, SETTINGS, WEIGHTS)):
        raise ValueError(f"{folder} is a folder with other files in it; choose another name")


def _clear(folder: Path) -> None:
    """Remove what an earlier training left, so that nothing of it is gone on with."""
    shutil.rmtree(folder / TRAINING, ignore_errors=True)
