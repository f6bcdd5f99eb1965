"""Weights of a generator of SliceGAN on the disk: safetensors with a card of its architecture.

Beside the network lie the scores of a sample of voxels that it made of a noise of its own. From
them follow the biases that give any wanted fraction, without a look at the volume that is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poroscale.networks.slicegan.generator import SliceGanShape, SliceGenerator
from poroscale.training import load_weights, save_weights

SAMPLE = "reference.scores"
MODULE = "generator."


def save_slicegan(
    path: Path,
    network: SliceGenerator,
    sample: NDArray[np.float32] | None = None,
    card: Mapping[str, Any] | None = None,
) -> str:
    """Write a generator; the checksum of its file.

    Parameters
    ----------
    path
        File of the weights.
    network
        The trained generator.
    sample
        float32 (voxels, channels): scores of voxels of a reference volume; kept as half precision.
    card
        JSON that is kept with them: images, recipe, losses.
    """
    tensors = {f"{MODULE}{name}": value for name, value in network.state_dict().items()}
    if sample is not None:
        tensors[SAMPLE] = torch.from_numpy(sample).half()
    shape = asdict(network.shape) | {"widths": list(network.shape.widths)}
    save_weights(path, tensors, {**(card or {}), "slicegan": shape})
    return str(load_weights(path)[1]["sha256"])


def load_slicegan(path: Path) -> tuple[SliceGenerator, str]:
    """The generator that `save_slicegan` wrote, in evaluation mode, and the checksum of its file.

    Raises
    ------
    ValueError
        If the file holds weights of another architecture than its card states.
    """
    tensors, card = load_weights(path)
    shape = _stated(card, path)
    with torch.device("meta"):  # no numbers are drawn only to be replaced
        network = SliceGenerator(shape)
    state = {k.removeprefix(MODULE): v for k, v in tensors.items() if k.startswith(MODULE)}
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    if {name: value.shape for name, value in state.items()} != wanted:
        raise ValueError(f"{path} must hold the weights that its card states: {shape.words}")
    network.load_state_dict(state, assign=True)
    return network.eval(), str(card["sha256"])


def reference_sample(path: Path) -> NDArray[np.float32]:
    """float32 (voxels, channels) scores of the reference volume.

    Raises
    ------
    ValueError
        If the file has none.
    """
    tensors, _ = load_weights(path)
    if SAMPLE not in tensors:
        raise ValueError(f"{path} must hold scores of a reference volume; fit the model again")
    return np.asarray(tensors[SAMPLE].float().numpy(), np.float32)


def slicegan_shape(path: Path) -> tuple[SliceGanShape, str]:
    """Architecture and checksum of weights, after they were compared; errors as `load_slicegan`."""
    network, digest = load_slicegan(path)
    return network.shape, digest


def _stated(card: Mapping[str, Any], path: Path) -> SliceGanShape:
    stated = card.get("slicegan")
    known = {each.name for each in fields(SliceGanShape)}
    if not isinstance(stated, dict) or not {"channels", "widths"} <= set(stated) <= known:
        raise ValueError(f"{path} must hold weights of SliceGAN; its card states none")
    return SliceGanShape(**stated | {"widths": tuple(stated["widths"])})
