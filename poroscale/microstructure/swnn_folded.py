"""A trained network of SWNN as convolutions alone, with its normalisations frozen.

In a network with a condition, each normalisation has factors and shifts for every target. Where the
condition is one number, they are interpolated and become part of the convolutions, which then cost
what those of any network do. Where it varies by place, they are applied voxel by voxel.
"""

from __future__ import annotations

from math import floor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from poroscale.kernels.convolution.winograd import WinogradChain
from poroscale.networks.swnn import SLOPE, TORCH_TYPES, Precision, Swnn

Layers = list[tuple[Tensor, Tensor]]


class FoldedSwnn:
    """A trained network as convolutions alone: each normalisation is part of the one before it.

    Convolutions run in the memory format channels-last. The weights are folded in float64.

    Parameters
    ----------
    network
        The network; its running statistics are frozen.
    condition
        Of a network with conditions: from 0 for the first target to their number less one for the
        last; None where it varies by place.
    precision
        Type of weights and values; what comes out is float32.
    device
        "cpu" or "cuda".
    """

    def __init__(
        self,
        network: Swnn,
        condition: float | None = None,
        *,
        precision: Precision = "float32",
        device: str = "cpu",
    ) -> None:
        self.shape = network.shape
        self.precision: Precision = precision
        dtype = TORCH_TYPES[precision]
        self._format = torch.channels_last_3d if self.shape.dimensions == 3 else torch.channels_last
        self._convolve = functional.conv3d if self.shape.dimensions == 3 else functional.conv2d
        self._tables: list[tuple[Tensor, Tensor]] = []
        if self.shape.targets and condition is None:
            layers, factors, shifts = modulated_layers(network)
            both = zip(factors, shifts, strict=True)
            self._tables = [(f.to(device, dtype), s.to(device, dtype)) for f, s in both]
        else:
            layers = folded_layers(network, condition)
        self.layers = [
            (weight.to(device, dtype, memory_format=self._format), bias.to(device, dtype))
            for weight, bias in layers
        ]

    def __call__(self, noise: Tensor, conditions: Tensor | None = None) -> Tensor:
        """float32 (n, 1, z, y, x) from noise (n, noise, z + 2 depth, ...); 2D without z.

        `conditions` (z + 2 depth, y + 2 depth, x + 2 depth) are those of the noise where they vary,
        (n, y + 2 depth, x + 2 depth) of images.
        """
        weight, _ = self.layers[0]
        with torch.inference_mode():
            values = noise.to(weight.device, weight.dtype)
            if conditions is not None:
                conditions = conditions.to(weight.device, weight.dtype)
            for number, (weight, bias) in enumerate(self.layers[:-1]):
                values = values.contiguous(memory_format=self._format)
                values = self._convolve(values, weight, bias)
                if number and conditions is not None:
                    self._modulate(values, conditions, number)
                values = functional.leaky_relu_(values, SLOPE)
            return self._convolve(values, *self.layers[-1]).float()

    def _modulate(self, values: Tensor, conditions: Tensor, layer: int) -> None:
        """Multiply and shift the values behind a layer in place, plane by plane."""
        factors, shifts = self._tables[layer]
        ahead = layer + 1
        inner = slice(ahead, -ahead)
        flat = self.shape.dimensions == 2
        planes = values.unbind(0) if flat else values[0].unbind(1)
        along = conditions if flat else conditions[inner]
        for plane, whole in zip(planes, along, strict=True):
            at = whole[inner, inner]
            low = at.long().clamp(0, self.shape.targets - 2)
            share = (at - low)[..., None]
            factor, shift = (
                torch.lerp(table[low], table[low + 1], share).movedim(-1, 0)
                for table in (factors, shifts)
            )
            plane.mul_(factor).add_(shift)


def folded_layers(network: Swnn, condition: float | None = None) -> Layers:
    """Weight and bias of each convolution with the normalisation behind it, as float64.

    Raises
    ------
    ValueError
        If a network with conditions is given none, or one beyond its targets.
    """
    last = network.shape.targets - 1
    if last > 0 and (condition is None or not 0 <= condition <= last):
        raise ValueError(f"`condition` must lie between 0 and {last}, got {condition}")
    layers, factors, shifts = modulated_layers(network)
    low = min(floor(condition), last - 1) if last > 0 and condition is not None else 0
    found = []
    for (weight, bias), factor, shift in zip(layers[:-1], factors, shifts, strict=True):
        here, more = factor[low], shift[low]
        if last > 0 and condition is not None:
            share = condition - low
            here = torch.lerp(here, factor[low + 1], share)
            more = torch.lerp(more, shift[low + 1], share)
        found.append((weight * here.reshape(-1, *[1] * (weight.ndim - 1)), bias + more))
    return [*found, layers[-1]]


def modulated_layers(network: Swnn) -> tuple[Layers, list[Tensor], list[Tensor]]:
    """Convolutions without normalisations, and factors and shifts (targets, width) behind each.

    All are float64. The bias of a convolution that is normalised is part of the shifts, and 0.
    """
    layers, factors, shifts = [], [], []
    for block in network.blocks:
        weight, bias = _numbers(block.convolution)
        norms = getattr(block.normalisation, "of", [block.normalisation])
        if isinstance(norms[0], nn.Identity):
            tables = torch.ones_like(bias)[None], torch.zeros_like(bias)[None]
        else:
            scaled = [_factor(norm) for norm in norms]
            moved = [(bias - mean) * factor + plus for factor, mean, plus in scaled]
            tables = torch.stack([factor for factor, _, _ in scaled]), torch.stack(moved)
            bias = torch.zeros_like(bias)
        layers.append((weight, bias))
        factors.append(tables[0])
        shifts.append(tables[1])
    if network.shape.targets:
        first = factors[0].repeat(network.shape.targets, 1)
        factors[0], shifts[0] = first, torch.zeros_like(first)
    return [*layers, _numbers(network.last)], factors, shifts


def winograd_chain(network: Swnn, condition: float | None = None) -> WinogradChain:
    """The chain of Winograd's convolutions; modulated where a condition varies by place."""
    if network.shape.targets and condition is None:
        layers, factors, shifts = modulated_layers(network)
        tables = torch.stack(factors).numpy(), torch.stack(shifts).numpy()
        return WinogradChain.of(_arrays(layers), SLOPE, tables)
    return WinogradChain.of(_arrays(folded_layers(network, condition)), SLOPE)


def _arrays(layers: Layers) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return [(weight.numpy(), bias.numpy()) for weight, bias in layers]


def _numbers(convolution: Tensor | nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(convolution, nn.Conv2d | nn.Conv3d)
    assert convolution.bias is not None
    return convolution.weight.detach().double(), convolution.bias.detach().double()


def _factor(norm: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
    """What a frozen normalisation multiplies with, subtracts before, and adds behind."""
    assert isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return factor, norm.running_mean.double(), norm.bias.detach().double()
