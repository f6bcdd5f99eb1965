"""A segmentation model: weights and card in a folder.

weights.safetensors   the weights of the best epoch
card.json             what they are weights of, of which training, with their checksum and its own
training/             checkpoints and losses (metrics.jsonl); it can be removed
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poroscale.events import Described
from poroscale.manifest import canonical_json, fingerprint, write_durably
from poroscale.networks.complexity import parameter_count
from poroscale.networks.segmenter import Segmenter
from poroscale.networks.segmenters import build_segmenter
from poroscale.segmentation.network.card import CARD, WEIGHTS, ModelCard, read_card
from poroscale.segmentation.network.config import DEFAULT_MODEL

DEFAULT = Path(__file__).parent / "default_model"
"""The model that is delivered: its card tells what it was trained on."""


@dataclass(frozen=True)
class SegmentationModel(Described):
    """A trained network on disk.

    Attributes
    ----------
    folder
        Folder of the model.
    card
        Card of the model.
    """

    folder: Path
    card: ModelCard

    @classmethod
    def open(cls, folder: str | Path) -> SegmentationModel:
        """The model in a folder, its weights compared with its card.

        Raises
        ------
        FileNotFoundError
            If the folder, its card or its weights are missing.
        OSError
            If the card was changed, or the weights are not those of the card.
        ValueError
            If it is a pickle, or something else.
        """
        folder = Path(folder)
        model = cls(folder, read_card(folder))
        model._check()
        model.weights_bytes()
        return model

    @classmethod
    def named(cls, name: str | Path) -> SegmentationModel:
        """The model in a folder, or the one that is delivered, "default"; errors as `open`."""
        return cls.open(DEFAULT if name == DEFAULT_MODEL else name)

    def _check(self) -> None:
        """Refuse a card that says of its network what is not so."""
        card, path = self.card, self.folder / CARD
        with torch.device("meta"):
            network = self._blank()
        told = {"supervised": card.supervised, "parameters": card.parameters}
        known = {"supervised": network.supervised, "parameters": parameter_count(network)}
        for name, value in told.items():
            if value != known[name]:
                raise ValueError(
                    f"{path}: {name} of {card.model} of width {card.width:g} and edge {card.edge} "
                    f"must be {known[name]}, got {value}"
                )

    def _blank(self) -> Segmenter:
        """The network that the card names, with fresh weights."""
        card = self.card
        try:
            return build_segmenter(card.model, width=card.width, edge=card.edge)
        except ValueError as error:
            raise ValueError(f"{self.folder / CARD}: {error}") from None

    @classmethod
    def save(
        cls, folder: str | Path, weights: Mapping[str, Tensor], card: Mapping[str, Any]
    ) -> SegmentationModel:
        """Write weights and, last, their card; `card` has all entries but the checksums."""
        from safetensors.torch import save

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        data = save({name: each.detach().cpu().contiguous() for name, each in weights.items()})
        whole = ModelCard(**{**card, "sha256": fingerprint(data)[1]}).sealed()
        write_durably(folder / WEIGHTS, data)
        write_durably(folder / CARD, canonical_json(whole.model_dump(mode="json")).encode())
        return cls(folder, whole)

    def weights_bytes(self) -> bytes:
        """The file of weights.

        Raises
        ------
        OSError
            If it is not that of the card.
        """
        path = self.folder / WEIGHTS
        data = path.read_bytes()
        if fingerprint(data)[1] != self.card.sha256:
            raise OSError(f"{path} was altered: its checksum is not that of {CARD}")
        return data

    def network(self) -> Segmenter:
        """The network with its weights, to infer with, on the CPU.

        Raises
        ------
        ValueError
            If the weights are not those of the network that the card names.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        card = self.card
        path = self.folder / WEIGHTS
        network = self._blank()
        try:
            network.load_state_dict(load(self.weights_bytes()))
        except SafetensorError:
            raise ValueError(f"{path} is no file of safetensors") from None
        except RuntimeError:
            raise ValueError(
                f"{path} must hold the weights of {card.model} of width {card.width:g} and edge "
                f"{card.edge}, which {CARD} names; they are of another architecture"
            ) from None
        return network.eval()

    def describe(self) -> Iterator[str]:
        """Description of the model in words."""
        card = self.card
        yield (
            f"model      {card.model}, width {card.width:g}, patches of {card.edge}, "
            f"{card.parameters / 1e6:.3g} million parameters"
        )
        yield f"trained    {card.epochs} epochs on {len(card.trained_on)} scan(s), {card.split}"
        for name, values in (("losses", card.losses), ("validation", card.validation)):
            if values:
                said = ", ".join(f"{key} {value:.4g}" for key, value in values.items())
                yield f"{name:10} {said} (epoch {card.best_epoch})"
