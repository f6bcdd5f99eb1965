"""A running average of weights: those of the last step swing about what a training has come to."""

from __future__ import annotations

import torch
from torch import nn


def running_average(average: nn.Module, module: nn.Module, past: float) -> None:
    """Move weights and statistics of a module towards those of another one.

    Parameters
    ----------
    average, module
        The module that is moved, and the one of the same architecture that it follows.
    past
        Share of the past that is kept.
    """
    with torch.no_grad():
        for mean, value in zip(
            average.state_dict().values(), module.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - past)
            else:
                mean.copy_(value)
