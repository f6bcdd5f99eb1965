"""Weights in safetensors with a JSON card beside them; nothing is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from poroscale.manifest import canonical_json, fingerprint, write_durably


def save_weights(path: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write `path` (safetensors) and, last, its card `path` + ".json" with the file's checksum."""
    from safetensors.torch import save

    data = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    write_durably(path, data)
    body = {**card, "sha256": fingerprint(data)[1]}
    write_durably(card_path(path), canonical_json(body).encode())


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and card.

    Raises
    ------
    FileNotFoundError
        If weights or card are missing.
    OSError
        If the weights are not those of the card.
    ValueError
        If the card is none.
    """
    from safetensors.torch import load

    for file in (path, card_path(path)):
        if not file.exists():
            raise FileNotFoundError(f"{file} is missing")
    data, card = path.read_bytes(), _read_card(card_path(path))
    if fingerprint(data)[1] != card["sha256"]:
        raise OSError(f"{path} is damaged: it does not match its card")
    return load(data), card


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_bytes())
    except ValueError:
        card = None
    if not isinstance(card, dict) or "sha256" not in card:
        raise ValueError(f"{path} is no card of weights: it states no checksum (sha256) of them")
    return card


def card_path(path: Path) -> Path:
    """Path of the card of weights."""
    return path.with_name(f"{path.name}.json")
