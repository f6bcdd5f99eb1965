"""The card of a segmentation model: its network, its training, and how good it was.

A card of format 2 ends with the digest of all that it says: one that was changed by hand, by one
letter, does not open. Cards of format 1 have no digest and still open.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from poroscale.config import sentence
from poroscale.manifest import digest_of
from poroscale.segmentation.network.normalisation import GreyRange
from poroscale.segmentation.network.scan_traits import ScanTraits
from poroscale.volume import VoxelSize

FORMAT = 2
UNSEALED = 1
"""The format of cards without a digest."""
WEIGHTS, CARD = "weights.safetensors", "card.json"
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin")


class TrainedOn(BaseModel):
    """A scan of the training.

    Attributes
    ----------
    grey_range
        Grey values that became 0 and 1.
    voxel_size_um
        Of the scan along (z, y, x).
    traits
        Contrast, blur and size of the pores, of the scan as it was measured; None in older cards.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    grey_range: tuple[float, float]
    voxel_size_um: VoxelSize | None = None
    traits: ScanTraits | None = None


class ModelCard(BaseModel):
    """Content of card.json.

    Attributes
    ----------
    model, width, edge
        That `build_segmenter` makes the network of.
    supervised
        True if it was trained on labels.
    parameters
        Of the network.
    trained_on
        Digests of the scans and truths, with voxel size [um], grey range, and what they are like.
    grey_suffices_from
        Contrast over noise from which on the grey value alone was measured to be as good; None
        where nobody measured it.
    split
        Scans that were left out for validation.
    recipe
        All settings of the training.
    epochs, best_epoch
        Trained, and of the weights (from 0).
    losses, validation
        Mean losses of that epoch, on training and on validation patches.
    versions
        Of the software.
    sha256
        Of the weights.
    digest
        SHA-256 of the card's other entries; None in cards of format 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    kind: str = "segmentation_model"
    format: int = FORMAT
    model: str
    width: float
    edge: int
    supervised: bool
    parameters: int
    trained_on: list[TrainedOn] = Field(min_length=1)
    grey_suffices_from: float | None = None
    split: str
    recipe: dict[str, Any]
    epochs: int
    best_epoch: int
    losses: dict[str, float]
    validation: dict[str, float]
    versions: dict[str, str]
    sha256: str
    digest: str | None = None

    def sealed(self) -> ModelCard:
        """The card with its digest."""
        return self.model_copy(update={"digest": card_digest(self.model_dump(mode="json"))})

    @property
    def compared(self) -> str:
        """Digest of what a scan is compared with before the network is applied to it."""
        scans = [
            each.model_dump(mode="json", include={"voxel_size_um", "traits"})
            for each in self.trained_on
        ]
        return digest_of([scans, self.grey_suffices_from])

    @property
    def grey_range(self) -> GreyRange:
        """The range of grey values over all scans of the training."""
        lows, highs = zip(*(each.grey_range for each in self.trained_on), strict=True)
        return GreyRange(min(lows), max(highs))


def card_digest(entries: Mapping[str, Any]) -> str:
    """The digest of a card's entries as JSON, the digest itself left out."""
    return digest_of({name: each for name, each in entries.items() if name != "digest"})


def read_card(folder: Path) -> ModelCard:
    """The card in a model's folder.

    Raises
    ------
    FileNotFoundError
        If folder, card or weights are missing.
    OSError
        If the card was changed after it was written.
    ValueError
        If it is a pickle, or no card of a known format.
    """
    if folder.suffix.lower() in PICKLES:
        raise ValueError(
            f"{folder} must be a folder with {WEIGHTS} and {CARD}; a pickle is never loaded, "
            "for it can run any code"
        )
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder of a segmentation model")
    _check_files(folder)
    path = folder / CARD
    try:
        entries = json.loads(path.read_text())
        card, digest = ModelCard(**entries), card_digest(entries)
    except ValidationError as error:
        raise ValueError(f"{path} is no card of a segmentation model: {sentence(error)}") from None
    except (ValueError, TypeError):
        raise ValueError(f"{path} is no card of a segmentation model: it is no JSON") from None
    if card.kind != "segmentation_model" or card.format not in (UNSEALED, FORMAT):
        raise ValueError(
            f"{path} must be the card of a segmentation_model of format {UNSEALED} or {FORMAT}, "
            f"got a {card.kind} of format {card.format}"
        )
    if card.digest != (digest if card.format == FORMAT else None):
        raise OSError(f"{path} was altered: it does not say what its digest was made of")
    return card


def _check_files(folder: Path) -> None:
    pickles = sorted(each.name for each in folder.iterdir() if each.suffix.lower() in PICKLES)
    for name in (WEIGHTS, CARD):
        if (folder / name).is_file():
            continue
        beside = f"; {pickles[0]} is a pickle and is never loaded" if pickles else ""
        raise FileNotFoundError(f"{folder / name} is missing{beside}")
