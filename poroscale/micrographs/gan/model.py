"""A trained generator of micrographs: one folder.

generator.json         conditions, architecture, grey levels, scale, what it was trained on
generator.safetensors  the generator, with its card
training/              checkpoints and losses of each epoch, for going on
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import torch

from poroscale.config import Config, parse_config
from poroscale.events import Described
from poroscale.manifest import (
    canonical_json,
    check_file,
    digest_of,
    record_results,
    write_durably,
)
from poroscale.micrographs.conditions import MicrographCondition
from poroscale.micrographs.gan.levels import GreyWindow
from poroscale.networks.acwgan.generator import MicrographGenerator
from poroscale.networks.acwgan.shape import MicrographGanShape
from poroscale.training import load_weights, save_weights

SETTINGS, WEIGHTS, TRAINING = "generator.json", "generator.safetensors", "training"


class MicrographModelSettings(Config):
    """The content of generator.json.

    Attributes
    ----------
    format
        Version of this format.
    conditions
        What the generator is told, as `MicrographCondition` stores it.
    network
        Architecture, as `MicrographGanShape` stores it.
    edge
        Edge of the chips of the training [pixels].
    window
        Grey levels that are the darkest and the brightest of the generator.
    bits
        8 or 16 for each pixel.
    pixel_um
        Edge of a pixel [um]; None where the images state none.
    images
        Number of images by setting of the conditions, in words.
    details
        Epochs, and what was judged at the end.
    recipe
        Data and settings of the training.
    """

    format: Literal[2] = 2
    conditions: tuple[dict[str, Any], ...]
    network: dict[str, Any]
    edge: int
    window: tuple[int, int]
    bits: Literal[8, 16]
    pixel_um: float | None
    images: dict[str, int]
    details: dict[str, Any]
    recipe: dict[str, Any]


@dataclass(frozen=True)
class MicrographModel(Described):
    """A trained generator.

    Attributes
    ----------
    folder
        Folder of the model.
    settings
        The content of generator.json.
    """

    folder: Path
    settings: MicrographModelSettings

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """The model in a folder.

        Raises
        ------
        FileNotFoundError
            If the folder holds none, or its training has not ended.
        OSError
            If a file was altered.
        ValueError
            If generator.json is not that of a generator of micrographs.
        """
        folder = Path(folder)
        for name in (SETTINGS, WEIGHTS):
            if not (folder / name).is_file():
                begun = "; its training has not ended" if (folder / TRAINING).is_dir() else ""
                raise FileNotFoundError(f"{folder} holds no model of micrographs: no {name}{begun}")
            check_file(folder / name)
        try:
            values = json.loads((folder / SETTINGS).read_bytes())
        except ValueError:
            values = None
        if not isinstance(values, dict) or "conditions" not in values:
            raise ValueError(f"{folder / SETTINGS} is not the file of a model of micrographs")
        where = str(folder / SETTINGS)
        return cls(folder, parse_config(MicrographModelSettings, values, where=where))

    def save(self, network: MicrographGenerator, card: Mapping[str, Any]) -> None:
        """Write weights with their card, and generator.json."""
        tensors = dict(network.state_dict())
        save_weights(self.folder / WEIGHTS, tensors, {**card, "micrographs": network.shape.stored})
        body = canonical_json(self.settings.model_dump(mode="json")).encode()
        write_durably(self.folder / SETTINGS, body)
        record_results(self.folder, files=[SETTINGS, WEIGHTS, f"{WEIGHTS}.json"])

    @property
    def weights(self) -> Path:
        """File of the weights."""
        return self.folder / WEIGHTS

    @cached_property
    def conditions(self) -> tuple[MicrographCondition, ...]:
        """What the generator is told."""
        return tuple(MicrographCondition.stated(each) for each in self.settings.conditions)

    @property
    def shape(self) -> MicrographGanShape:
        """Architecture."""
        return stated_shape(self.settings.network, self.folder / SETTINGS)

    @property
    def window(self) -> GreyWindow:
        """Grey levels."""
        return GreyWindow(*self.settings.window, self.settings.bits)

    @property
    def digest(self) -> str:
        """Digest of the settings, which state the data and the recipe."""
        return digest_of(self.settings.model_dump(mode="json"))

    def describe(self) -> Iterator[str]:
        """Conditions, sizes, and what was judged."""
        settings = self.settings
        edge, cell = settings.edge, self.shape.cell
        size = f"{edge} x {edge} pixels" if self.shape.latents == "one" else "any size"
        scale = " of unknown scale"
        if settings.pixel_um is not None:
            scale = f" of {settings.pixel_um:g} um"
        yield f"{self.folder}: micrographs of {settings.bits} bits, {size}, pixels{scale}"
        if self.shape.latents == "lattice":
            yield f"  one noise for {cell} x {cell} pixels, trained on chips of {edge} x {edge}"
        for each in self.conditions:
            yield f"  {each.name}: {each.known}"
        yield f"  {settings.details['epochs']} epochs on {sum(settings.images.values())} images"
        for name, value in settings.details.get("measures", {}).items():
            yield f"  {name.replace('_', ' of ', 1)}: {value:.4g}"


def stated_shape(stored: Mapping[str, Any], path: Path) -> MicrographGanShape:
    """The architecture that JSON states; ValueError that names the file if it states none."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    try:
        return MicrographGanShape(**values)
    except TypeError:
        raise ValueError(f"{path} must state an architecture of micrographs") from None


def load_generator(path: Path) -> tuple[MicrographGenerator, str]:
    """The generator that `MicrographModel.save` wrote, ready to make images, and its checksum.

    Raises
    ------
    ValueError
        If the file holds weights of another architecture than its card states.
    OSError
        If it is not what was written.
    """
    tensors, card = load_weights(path)
    stored = card.get("micrographs")
    if not isinstance(stored, dict):
        raise ValueError(f"{path} must hold a generator of micrographs; its card states none")
    with torch.device("meta"):  # no numbers are drawn only to be replaced
        network = MicrographGenerator(stated_shape(stored, path))
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    if {name: value.shape for name, value in tensors.items()} != wanted:
        raise ValueError(f"{path} must hold the weights that its card states")
    network.load_state_dict(tensors, assign=True)
    return network.eval(), str(card["sha256"])
