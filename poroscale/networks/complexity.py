"""Costs of a network: parameters and multiply-accumulates, counted on the network itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from poroscale.networks.rv_vae import RandomVariables
from poroscale.networks.segmenter import Segmenter
from poroscale.networks.vq_vae import CodeBook

Layer = nn.Conv3d | nn.ConvTranspose3d | nn.Linear


def parameter_count(network: nn.Module) -> int:
    """Numbers that training moves: parameters, and code books with their moving averages."""
    books = (m for m in network.modules() if isinstance(m, CodeBook))
    coded = sum(book.codes.numel() + book.sums.numel() for book in books)
    return sum(p.numel() for p in network.parameters()) + coded


def multiply_accumulates(
    network: Segmenter,
    patches: Tensor,
    *,
    call: Callable[[Tensor], object] | None = None,
    as_published: bool = False,
) -> int:
    """Multiply-accumulates of the convolutions and linear layers of one forward pass.

    As many are counted as are made: a transposed convolution makes one for each *input* voxel and
    weight, the decoder of RV-VAE two for each of the VAE's. Table 8 of the paper counts transposed
    convolutions at the size of their *output* (for stride 2 eight times as many), and nothing of
    RV-VAE's decoder; `as_published` does so, too.

    Parameters
    ----------
    network
        A segmentation network; on the device "meta" nothing is computed.
    patches
        (n, 1, edge, edge, edge).
    call
        Call that is counted; None takes `network.window_values`. Table 8's number of gmVAE is that
        of its `loss`, whose prior an inference does without.
    as_published
        Count as Table 8 does.
    """
    found: list[int] = []
    times = _times(network, 0 if as_published else 2)

    def count(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        found.append(times[layer] * _of_layer(layer, inputs[0], output, at_output=as_published))

    training = network.training
    with ExitStack() as undone, torch.no_grad():
        undone.callback(network.train, training)
        for layer in times:
            undone.callback(layer.register_forward_hook(count).remove)
        network.eval()
        (call or network.window_values)(patches)
    return sum(found)


def _times(network: nn.Module, random: int) -> dict[nn.Module, int]:
    """Times that a layer is counted: layers of random variables `random` times, others once."""
    times: dict[nn.Module, int] = {m: 1 for m in network.modules() if isinstance(m, Layer)}
    for module in network.modules():
        if isinstance(module, RandomVariables):
            times |= {layer: random for layer in module if layer in times}
    return times


def _of_layer(layer: nn.Module, field: Tensor, output: Tensor, *, at_output: bool) -> int:
    match layer:
        case nn.ConvTranspose3d():
            kernel = math.prod(layer.kernel_size)
            if at_output:
                return output.numel() * layer.in_channels // layer.groups * kernel
            return field.numel() * layer.out_channels // layer.groups * kernel
        case nn.Conv3d():
            return output.numel() * layer.in_channels // layer.groups * math.prod(layer.kernel_size)
        case nn.Linear():
            return output.numel() * layer.in_features
    raise TypeError(f"multiply-accumulates of {type(layer).__name__} are not known")
