"""What a method is: a module with `need`, `fit` and `sampler`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from poroscale.events import Progress
from poroscale.microstructure.field.observed import Observed
from poroscale.microstructure.model import WEIGHTS, MicrostructureModel
from poroscale.microstructure.placed import PhaseSampler
from poroscale.pipelines.microstructure.images import TrainingImages
from poroscale.pipelines.microstructure.settings import FitMicrostructureConfig
from poroscale.pipelines.microstructure.wishes import GenerateMicrostructureConfig
from poroscale.volume import Shape, Volume

ALLOWED, WORKERS = 3 << 29, 2
"""Memory and workers for which a tile is chosen [bytes]: a model has one tile on every machine."""
TRAINING = "training"
"""Folder in that of the model for checkpoints; `overwrite` removes it."""


@dataclass(frozen=True)
class FitInput:
    """What a method is fitted to.

    Attributes
    ----------
    images
        The images, as volumes.
    correlations
        Pairs of their voxels, image by image.
    folder
        Folder of the model; a method may keep checkpoints below it.
    config
        Settings.
    progress
        Called while a network is trained.
    """

    images: TrainingImages
    correlations: list[Observed]
    folder: Path
    config: FitMicrostructureConfig
    progress: Progress | None = None

    @property
    def weights(self) -> Path:
        """File of the weights, which the method writes."""
        return self.folder / WEIGHTS


@dataclass(frozen=True)
class Fitted:
    """What a method has found besides the weights.

    Attributes
    ----------
    fractions
        Fraction of each phase that the model makes where none is wished for.
    tile
        Shape of the tiles that are computed [voxels].
    details
        JSON that `sampler` needs; the lines under "words" are shown to the user.
    """

    fractions: tuple[float, ...]
    tile: Shape
    details: dict[str, Any]


class MicrostructureMethod(Protocol):
    """The contract of a module in this folder."""

    def need(self, config: FitMicrostructureConfig) -> int:
        """Bytes that the fit takes beside the images."""
        ...

    def fit(self, given: FitInput) -> Fitted:
        """Fit a model, and write its weights to `given.weights`."""
        ...

    def sampler(
        self,
        model: MicrostructureModel,
        config: GenerateMicrostructureConfig,
        mask: Volume | None,
    ) -> PhaseSampler:
        """The sampler of a volume with what is wished of it."""
        ...
