"""Settings for fitting a microstructure: those of all methods, and those of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from poroscale.config import Config, parse_stages
from poroscale.microstructure.model import Kind, Method
from poroscale.microstructure.slicegan.config import SliceGanConfig, small_slicegan
from poroscale.microstructure.swnn_training.recipe import (
    RECIPES,
    Loss,
    Projections,
    SwnnRecipe,
)


def fractions_in_words(given: Any) -> Any:
    """A mapping of fractions by phase, as Python users give it, as "PHASE=F,PHASE=F"."""
    if isinstance(given, Mapping):
        return ",".join(f"{phase}={share}" for phase, share in given.items())
    return given


def phases_as_words(given: Any) -> Any:
    """A phase or several, as Python users and YAML files give them, as "0,1"."""
    if isinstance(given, int):
        return str(given)
    if isinstance(given, list | tuple):
        return ",".join(map(str, given))
    return given


def fractions_by_phase(words: str | None) -> list[tuple[int, float]]:
    """Phases and fractions in "PHASE=F", with commas between.

    Raises
    ------
    ValueError
        If they are not of this form.
    """
    found = []
    for each in words.split(",") if words else ():
        phase, _, share = each.partition("=")
        try:
            found.append((int(phase), float(share)))
        except ValueError:
            raise ValueError(
                f"`fraction` must be of the form PHASE=F, as 1=0.2, got {each!r}"
            ) from None
    return found


class MicrostructureConfig(Config):
    """Settings for fitting a microstructure.

    Attributes
    ----------
    method
        "field" cuts Gaussian fields at levels, without training; "swnn" trains a network of SWNN,
        "slicegan" the generator of SliceGAN.
    kind
        "phases" of segmented images; "grey" of micrographs, which the method slicegan alone takes.
        Colours cannot be stored in a volume.
    planes
        Axes of the rows and columns of each section, as "yx,zx"; by default yx, zx and zy in this
        order. One section alone stands for all directions.
    phases
        Number of phases of the images; None takes as many as there are values, 8 at most.
    region
        Phases, as "0,1": a model of two phases is fitted, 1 where the images show one of these and
        0 elsewhere. Its volumes serve as `inside` of `generate_microstructure`.
    reach
        Largest lag that a field is fitted to [voxels]; None takes six times the distance at which
        the correlation has fallen to 1/e, 48 at most.
    voxel_um
        Edge of a voxel, for pictures that do not state it [um]; None takes 1.
    tile
        Edge of the tiles that are computed [voxels]; None takes the one whose halo costs least
        where two workers have 1.5 GiB. Volumes from one model with tiles of another edge may
        differ in single voxels.
    seed
        Number from which weights, noise and crops of a training are drawn; a field has no training.
    threads
        Threads of a training; another number may change the last bits. None takes all.
    """

    method: Method = "field"
    kind: Kind | Literal["colour"] = "phases"
    planes: str | None = None
    phases: PositiveInt | None = None
    region: str | None = None
    reach: PositiveInt | None = None
    voxel_um: PositiveFloat | None = None
    tile: PositiveInt | None = None
    seed: int = Field(0, ge=0, lt=2**63)
    threads: PositiveInt | None = None

    @field_validator("planes", mode="before")
    @classmethod
    def _joined(cls, given: Any) -> Any:
        """Planes in a list, as Python users give them, with commas between."""
        return ",".join(given) if isinstance(given, list | tuple) else given

    @field_validator("region", mode="before")
    @classmethod
    def _in_words(cls, given: Any) -> Any:
        return phases_as_words(given)


def check_kind(config: MicrostructureConfig) -> None:
    """Refuse a kind of images that a method does not take.

    Raises
    ------
    ValueError
        If the kind is colour, or grey with another method than slicegan or with a number of phases.
    """
    if config.kind == "colour":
        raise ValueError(
            "`kind` must be phases or grey: a volume holds one number for each voxel, so colours "
            "cannot be stored; convert the image to grey"
        )
    if config.kind == "grey" and config.method != "slicegan":
        raise ValueError(
            f"`kind` grey must come with the method slicegan, got the method {config.method}"
        )
    if config.kind == "grey" and config.phases is not None:
        raise ValueError("`phases` must be left out of grey images, which have none")


class SwnnConfig(Config):
    """Settings for training a network of SWNN.

    Attributes
    ----------
    recipe
        "short" trains in some ten CPU minutes; "published" as the authors did, in hours.
    iterations
        Steps of the training; None takes those of the recipe.
    learning_rate
        Highest rate of Adam; None takes that of the recipe.
    filters
        Random projections of a step; None takes those of the recipe.
    scales
        Resolutions at which patterns are compared, 1 to 3: that of the image, half of it, a
        quarter; None takes those of the recipe.
    projections
        "normal" or "orthogonal" filters; None takes those of the recipe.
    patience
        Epochs of 20 iterations without a gain on held-out noise and filters after which the
        training ends; None trains all iterations.
    loss
        "patterns" compares local patterns; "autocorrelation" compares S2 of whole sections, and
        learns the fractions of the images alone.
    lineal_path
        Weight of the lineal path of whole sections beside `loss`, a term for surface and
        connectivity; 0 leaves it out. It learns the fractions of the images alone.
    template
        Edge of the local patterns [voxels].
    depth
        Convolutions of the network; None takes as many as follow from the distance at which the
        correlation of the images has died away.
    width
        Channels of the convolutions; None takes 24.
    dimensions
        3 for volumes, 2 for images.
    fraction
        Fractions of a phase to train for, as "PHASE=F", several of one phase with commas between;
        None takes those of the images.
    targets
        What tells several fractions apart: "condition", factors and shifts of each normalisation
        that follow the fraction; "noise", the mean of the noise alone, as published.
    within
        Phases, as "0,1", of which the model is: patterns are taken from windows of the images
        that show no other phase. None takes all.
    weights
        Published weights (npz) that are imported in place of a training.
    """

    recipe: Literal["published", "short"] = "short"
    iterations: PositiveInt | None = None
    learning_rate: PositiveFloat | None = None
    filters: PositiveInt | None = None
    scales: Literal[1, 2, 3] | None = None
    projections: Projections | None = None
    patience: PositiveInt | None = None
    loss: Loss = "patterns"
    lineal_path: float = Field(0.0, ge=0, allow_inf_nan=False)
    template: int = Field(7, ge=2)
    depth: PositiveInt | None = None
    width: PositiveInt | None = None
    dimensions: Literal[2, 3] = 3
    fraction: str | None = None
    targets: Literal["condition", "noise"] = "condition"
    within: str | None = None
    weights: Path | None = None

    @field_validator("fraction", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        return fractions_in_words(given)

    @field_validator("within", mode="before")
    @classmethod
    def _in_words(cls, given: Any) -> Any:
        return phases_as_words(given)

    def training(self, edge: int) -> SwnnRecipe:
        """The recipe with what is set here, for an image whose shorter edge is given [voxels]."""
        found = RECIPES[self.recipe]
        return replace(
            found,
            iterations=self.iterations or found.iterations,
            learning_rate=self.learning_rate or found.learning_rate,
            filters=self.filters or found.filters,
            scales=self.scales or found.scales,
            projections=self.projections or found.projections,
            patience=self.patience,
            loss=self.loss,
            lineal_path=self.lineal_path,
            edge=max(self.template, min(found.edge, edge)),
        )


class SliceGanTraining(Config):
    """Settings for training SliceGAN.

    Attributes
    ----------
    network
        "small" trains a hundredth of the published weights in CPU minutes; "published" trains the
        published networks, for which a GPU is meant.
    epochs
        Epochs at the most; None takes those of the network.
    upsampling
        Layers of the generator: "transposed" convolutions as published, or "resize" convolutions.
    diagonal
        Whether a critic of its own sees slices at 45° between two axes, in an isotropic medium.
    device
        Device on which the networks are trained.
    """

    network: Literal["small", "published"] = "small"
    epochs: PositiveInt | None = None
    upsampling: Literal["transposed", "resize"] = "transposed"
    diagonal: bool = False
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def training(self) -> SliceGanConfig:
        """Networks and training."""
        found = small_slicegan() if self.network == "small" else SliceGanConfig()
        given = {
            "epochs": self.epochs or found.epochs,
            "upsampling": self.upsampling,
            "diagonal": self.diagonal,
            "device": self.device,
        }
        return found.model_copy(update=given)


STAGES: dict[str, type[Config]] = {
    "microstructure": MicrostructureConfig,
    "swnn": SwnnConfig,
    "slicegan": SliceGanTraining,
}
"""Configuration by section; a method with settings of its own has the section of its name."""


@dataclass(frozen=True)
class FitMicrostructureConfig:
    """The settings of a fit; a section of a YAML file is named as its attribute."""

    microstructure: MicrostructureConfig = field(default_factory=MicrostructureConfig)
    swnn: SwnnConfig = field(default_factory=SwnnConfig)
    slicegan: SliceGanTraining = field(default_factory=SliceGanTraining)

    @classmethod
    def of_sections(cls, sections: Mapping[str, Mapping[str, Any]]) -> FitMicrostructureConfig:
        """The settings in the sections of a file.

        Raises
        ------
        ValueError
            Naming an unknown section or key, a wrong value, or settings of a method that is not
            chosen.
        """
        found = cls(**parse_stages(STAGES, sections))
        check_kind(found.microstructure)
        for name, given in sections.items():
            if given and name not in ("microstructure", found.microstructure.method):
                raise ValueError(
                    f"`{next(iter(given))}` must come with the method {name}, got the method "
                    f"{found.microstructure.method}"
                )
        return found

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings from which a model follows, as JSON."""
        untrained = {"seed", "threads"} if self.microstructure.method == "field" else set()
        found = self.microstructure.model_dump(mode="json", exclude=untrained)
        own = getattr(self, self.microstructure.method, None)
        if isinstance(own, Config):
            found[self.microstructure.method] = own.model_dump(mode="json")
        return found
