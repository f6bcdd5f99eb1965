"""The penalty of gradients of a Wasserstein critic (Gulrajani et al. 2017).

The penalty is a function of the slopes of the critic, so that training needs the derivatives of
slopes. Automatic differentiation takes them as second derivatives, by convolutions that are slow.
But the slopes of layers that are linear piece by piece are a product of their weights and of steps
of zero slope: `layer_slopes` writes this product down, and one derivative of it is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Slopes = Callable[[Tensor], Tensor]


def gradient_penalty(slopes: Slopes, real: Tensor, made: Tensor) -> Tensor:
    """How far the slope of a critic between pairs of images is from one, squared.

    Parameters
    ----------
    slopes
        Images (n, ...) to the gradients (n, ...) of their scores.
    real, made
        Images; of the larger batch as many are taken as the smaller one has.
    """
    count = min(len(real), len(made))
    share = torch.rand(count, *(1 for _ in real.shape[1:])).to(real.device)
    between = share * real[:count].detach() + (1 - share) * made[:count].detach()
    found: Tensor = ((slopes(between).flatten(1).norm(dim=1) - 1) ** 2).mean()
    return found


def traced_slopes(critic: Callable[[Tensor], Tensor]) -> Slopes:
    """The slopes of any critic, images to one number each, by automatic differentiation."""

    def slopes(images: Tensor) -> Tensor:
        images = images.requires_grad_(True)
        found: tuple[Any, ...] = torch.autograd.grad(
            critic(images).sum(), images, create_graph=True
        )
        return found[0]

    return slopes


def layer_slopes(layers: Sequence[nn.Module], images: Tensor, weights: Tensor) -> Tensor:
    """Gradient by the images of the sum of what the layers make of them, each value weighted.

    Parameters
    ----------
    layers
        `Conv2d`, `Linear`, `Flatten`, `ReLU` and `LeakyReLU`.
    images
        (n, ...).
    weights
        (n, ...) factor of each value of the last layer.

    Returns
    -------
    Tensor
        As the images; its derivatives by the weights of the layers and by `weights` are right,
        those by the images are not there.

    Raises
    ------
    TypeError
        For any other layer.
    """
    with torch.no_grad():
        read = [images]
        for layer in layers:
            read.append(layer(read[-1]))
    slope = weights
    for layer, values in zip(reversed(layers), reversed(read[:-1]), strict=True):
        slope = _through(layer, values, slope)
    return slope


def _through(layer: nn.Module, values: Tensor, slope: Tensor) -> Tensor:
    """The slope before a layer that read these values, from the slope behind it."""
    if isinstance(layer, nn.Conv2d):
        stride, padding, kernel = layer.stride, layer.padding, layer.kernel_size
        assert not isinstance(padding, str)
        sizes = zip(values.shape[2:], slope.shape[2:], stride, padding, kernel, strict=True)
        rest = [n - ((m - 1) * s - 2 * p + k) for n, m, s, p, k in sizes]
        return functional.conv_transpose2d(
            slope, layer.weight, stride=stride, padding=padding, output_padding=rest
        )
    if isinstance(layer, nn.Linear):
        return slope @ layer.weight
    if isinstance(layer, nn.Flatten):
        return slope.reshape(values.shape)
    if isinstance(layer, nn.ReLU):
        return slope * (values > 0)
    if isinstance(layer, nn.LeakyReLU):
        return slope * torch.where(values > 0, 1.0, layer.negative_slope)
    raise TypeError(f"layers must be linear piece by piece, got {type(layer).__name__}")
