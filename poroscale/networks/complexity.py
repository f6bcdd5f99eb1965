"""What a network costs: parameters and multiply-accumulates, counted on the network itself."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from poroscale.networks.vq_vae import CodeBook


def parameter_count(network: nn.Module) -> int:
    """Numbers that training moves: parameters, and code books with their moving averages."""
    books = (m for m in network.modules() if isinstance(m, CodeBook))
    coded = sum(book.codes.numel() + book.sums.numel() for book in books)
    return sum(p.numel() for p in network.parameters()) + coded


def multiply_accumulates(network: nn.Module, patches: Tensor) -> int:
    """Multiply-accumulates of the convolutions and linear layers of one `window_values`.

    Table 8 of the paper counts a transposed convolution at the size of its output; here as many are
    counted as are made, one for each input voxel and weight: for stride 2 an eighth of the paper's.
    RV-VAE's decoder, whose layers are called as functions, is not seen, nor in Table 8.

    Parameters
    ----------
    network
        A segmentation network; on the device "meta" nothing is computed.
    patches
        (n, 1, edge, edge, edge).
    """
    total = 0

    def count(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.ConvTranspose3d):
            total += inputs[0].numel() * layer.weight.shape[1] * math.prod(layer.kernel_size)
        elif isinstance(layer, nn.Conv3d):
            total += output.numel() * layer.weight.shape[1] * math.prod(layer.kernel_size)
        elif isinstance(layer, nn.Linear):
            total += output.numel() * layer.in_features

    kinds = (nn.Conv3d, nn.ConvTranspose3d, nn.Linear)
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    try:
        with torch.no_grad():
            network.eval().window_values(patches)  # type: ignore[operator]
    finally:
        for hook in hooks:
            hook.remove()
    return total
