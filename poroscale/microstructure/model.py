"""A model of a microstructure: one folder for every method.

    model.json            method, phases, fractions, voxel size, tile, images and recipe
    weights.safetensors   kernels of a field, or weights of a network, with their card
    images/0.zarr ...     the sections it was fitted to, as phases

Phases are 0 to n - 1 by ascending grey.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

from poroscale.config import Config, parse_config
from poroscale.events import Described
from poroscale.manifest import (
    canonical_json,
    check_file,
    digest_of,
    record_results,
    write_durably,
)
from poroscale.microstructure.shares import with_fractions
from poroscale.volume import VoxelSize

SETTINGS, WEIGHTS, IMAGES = "model.json", "weights.safetensors", "images"
Method = Literal["field", "swnn", "slicegan"]
Kind = Literal["phases", "grey"]
INCLUDED = Path(__file__).parent / "included"
"""Folders of the models that are included; the README of each tells what it was fitted to."""


def included_models() -> tuple[str, ...]:
    """Names of the models of microstructures that are included."""
    return tuple(sorted(each.parent.name for each in INCLUDED.glob(f"*/{SETTINGS}")))


class ImageEntry(Config):
    """An image that a model was fitted to.

    Attributes
    ----------
    name
        Name of its file.
    digest
        Digest of its phases.
    shape
        Voxels along z, y, x; one along z for a section.
    plane
        Axes of the rows and columns of a section in the medium; None of a volume.
    """

    name: str
    digest: str
    shape: tuple[int, int, int]
    plane: str | None


class LocalPhases(Config):
    """What a model of some phases of its images was fitted to (Ma et al., section 4).

    Attributes
    ----------
    greys
        Value of each phase of the images.
    within
        The phases among them that are those of the model.
    """

    greys: tuple[float, ...]
    within: tuple[int, ...]

    @property
    def others(self) -> tuple[int, ...]:
        """Phases of the images that the model does not make."""
        return tuple(code for code in range(len(self.greys)) if code not in self.within)


class MicrostructureSettings(Config):
    """The content of model.json.

    Attributes
    ----------
    format
        Version of this format.
    method
        "field", "swnn" or "slicegan".
    kind
        "phases", or "grey" values.
    greys
        Value of each phase in the images; of grey values, those of the levels 0 and 255.
    fractions
        Share of each phase in the images; none of grey values.
    deviations
        Standard deviation of each fraction as that of a sample of this size; None where the image
        is too small to tell.
    voxel_size_um
        Edges of a voxel along z, y, x [um].
    tile
        Shape of the tiles that are computed [voxels].
    images
        The images.
    details
        What the method has fitted besides the weights.
    recipe
        Settings of the fit.
    local
        Of which phases of the images those of the model are; None of all.
    """

    format: Literal[1] = 1
    method: Method
    kind: Kind = "phases"
    greys: tuple[float, ...] = Field(min_length=2)
    fractions: tuple[float, ...]
    deviations: tuple[float | None, ...]
    voxel_size_um: tuple[float, float, float]
    tile: tuple[int, int, int]
    images: tuple[ImageEntry, ...]
    details: dict[str, Any]
    recipe: dict[str, Any]
    local: LocalPhases | None = None

    @property
    def stored(self) -> dict[str, Any]:
        """The settings as JSON, `local` where a model has it."""
        found = self.model_dump(mode="json")
        return {name: value for name, value in found.items() if name != "local" or value}


@dataclass(frozen=True)
class MicrostructureModel(Described):
    """A fitted model of a microstructure.

    Attributes
    ----------
    folder
        Folder of the model.
    settings
        The content of model.json.
    """

    folder: Path
    settings: MicrostructureSettings

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """The model in a folder.

        Raises
        ------
        FileNotFoundError
            If the folder holds no model, or lacks its weights.
        OSError
            If a file was altered.
        ValueError
            If model.json is not that of a microstructure.
        """
        folder = Path(folder)
        for name in (SETTINGS, WEIGHTS):
            if not (folder / name).is_file():
                raise FileNotFoundError(
                    f"{folder} holds no model of a microstructure: no {name}; "
                    f"models that are included: {', '.join(included_models())}"
                )
            check_file(folder / name)
        try:
            values = json.loads((folder / SETTINGS).read_bytes())
        except ValueError:
            values = None
        if not isinstance(values, dict) or "method" not in values:
            raise ValueError(f"{folder / SETTINGS} is not the file of a microstructure's model")
        return cls(
            folder, parse_config(MicrostructureSettings, values, where=str(folder / SETTINGS))
        )

    @classmethod
    def named(cls, name: str | Path) -> Self:
        """The model in a folder, or the included one of this name; errors as `open`."""
        included = str(name) in included_models() and not Path(name).exists()
        return cls.open(INCLUDED / name if included else name)

    def save(self) -> None:
        """Write model.json; weights and images lie in the folder by then."""
        body = canonical_json(self.settings.stored).encode()
        write_durably(self.folder / SETTINGS, body)
        record_results(self.folder, files=[SETTINGS, WEIGHTS, f"{WEIGHTS}.json"])

    @property
    def weights(self) -> Path:
        """File of the weights."""
        return self.folder / WEIGHTS

    @property
    def digest(self) -> str:
        """Digest of the settings, images and weights included."""
        return digest_of(self.settings.stored)

    @property
    def voxel_size(self) -> VoxelSize:
        """Edges of a voxel along z, y, x [um]."""
        return self.settings.voxel_size_um

    @property
    def phases(self) -> int:
        """Number of phases; 0 of a model of grey values."""
        return len(self.settings.fractions)

    def wanted(self, fractions: Mapping[int, float]) -> tuple[float, ...]:
        """Fractions of all phases, of which some are wished for.

        Raises
        ------
        ValueError
            If a phase is none of the model, a fraction is out of reach, or the model is one of grey
            values.
        """
        if fractions and not self.phases:
            raise ValueError(f"{self.folder} is a model of grey values, which have no fractions")
        for phase in fractions:
            if not 0 <= phase < self.phases:
                raise ValueError(
                    f"`fraction` must name a phase from 0 to {self.phases - 1}, got {phase}"
                )
        return with_fractions(self.settings.fractions, fractions)

    def describe(self) -> Iterator[str]:
        """Method, phases and what the fit found."""
        settings = self.settings
        if settings.kind == "grey":
            low, high = settings.greys
            yield f"{self.folder}: {settings.method} model of grey values"
            yield f"  levels 0 to 255 stand for {low:g} to {high:g}"
        else:
            yield f"{self.folder}: {settings.method} model of {self.phases} phases"
        for code, (grey, share, std) in enumerate(
            zip(settings.greys, settings.fractions, settings.deviations, strict=False)
        ):
            spread = "" if std is None else f" +- {std:.4f} (one standard deviation)"
            yield f"  phase {code} (grey {grey:g}): fraction {share:.4f}{spread}"
        if settings.local is not None:
            names = ", ".join(f"{settings.local.greys[code]:g}" for code in settings.local.others)
            yield f"  the surroundings (grey {names}) are those of the mask `inside`"
        for name, value in settings.details.get("residuals", {}).items():
            a, b = name.split(",")
            yield f"  S2 of the phases {a} and {b}: rms residual {value:.4f}"
        for line in settings.details.get("words", ()):
            yield f"  {line}"
