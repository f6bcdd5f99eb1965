"""Weights of SWNN on the disk: safetensors with a card that states the architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np

from poroscale.manifest import fingerprint
from poroscale.networks.swnn import Swnn, SwnnShape, from_published, published_shape
from poroscale.training import load_weights, save_weights


def save_swnn(path: Path, network: Swnn, card: Mapping[str, Any] | None = None) -> str:
    """Write the weights of a network (safetensors) with their card; the checksum of the weights.

    Parameters
    ----------
    path
        File of the weights.
    network
        The trained network.
    card
        JSON that is kept with them: images, recipe, thresholds.
    """
    save_weights(path, network.state_dict(), {**(card or {}), "swnn": network.shape.recipe})
    return str(load_weights(path)[1]["sha256"])


def load_swnn(path: Path) -> tuple[Swnn, str]:
    """The network that `save_swnn` wrote, in evaluation mode, and the checksum of its weights.

    Raises
    ------
    ValueError
        If the file holds weights of another architecture than its card states.
    """
    tensors, card = load_weights(path)
    shape, network = _shape_of(card, path), Swnn(_shape_of(card, path))
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    if {name: value.shape for name, value in tensors.items()} != wanted:
        raise ValueError(f"{path} must hold the weights that its card states: {shape.words}")
    network.load_state_dict(tensors)
    return network.eval(), str(card["sha256"])


def swnn_shape(path: Path) -> tuple[SwnnShape, str]:
    """Architecture and checksum of weights, after they were compared; errors as `load_swnn`."""
    network, digest = load_swnn(path)
    return network.shape, digest


def _shape_of(card: Mapping[str, Any], path: Path) -> SwnnShape:
    stated = card.get("swnn")
    names = {each.name for each in fields(SwnnShape)}
    if not isinstance(stated, dict) or {*stated, "targets"} != names:
        raise ValueError(f"{path} must hold weights of SWNN; its card states none")
    return SwnnShape(**stated)


def import_published_swnn(source: Path, path: Path, wanted: Mapping[str, int] | None = None) -> str:
    """Write weights that the authors published as those of `save_swnn`; their checksum.

    Parameters
    ----------
    source
        npz with the names of the authors' state dictionary.
    path
        File of the weights that is written.
    wanted
        Depth, width or dimensions that the network must have.

    Raises
    ------
    ValueError
        If the file has no such weights, or those of another architecture.
    """
    try:
        with np.load(source, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError:
        raise FileNotFoundError(f"{source} does not exist") from None
    except (ValueError, EOFError, AttributeError, TypeError, BadZipFile) as error:
        # What numpy says of other files advises to unpickle them, which would run their code.
        cause = f": {error}" if is_zipfile(source) else ", as numpy.savez writes it"
        raise ValueError(f"{source} must be an npz of arrays{cause}") from None
    shape = published_shape(arrays, name=str(source))
    for name, value in (wanted or {}).items():
        if getattr(shape, name) != value:
            raise ValueError(
                f"{source} must be weights of a network with the {name} {value}, got those of "
                f"another architecture: {shape.words}"
            )
    network = Swnn(shape)
    network.load_state_dict(from_published(arrays, name=str(source)))
    about = {"imported": source.name, "source_sha256": fingerprint(source.read_bytes())[1]}
    return save_swnn(path, network, about)
