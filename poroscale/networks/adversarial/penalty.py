"""The penalty of gradients of a Wasserstein critic (Gulrajani et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor) -> Tensor:
    """How far the slope of a critic between pairs of images is from one, squared.

    Parameters
    ----------
    critic
        Images (n, channels, rows, columns) to one number each.
    real, made
        Images; of the larger batch as many are taken as the smaller one has.
    """
    count = min(len(real), len(made))
    share = torch.rand(count, 1, 1, 1).to(real.device)
    between = share * real[:count] + (1 - share) * made[:count].detach()
    between.requires_grad_(True)
    slopes: tuple[Any, ...] = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    found: Tensor = ((slopes[0].flatten(1).norm(dim=1) - 1) ** 2).mean()
    return found
