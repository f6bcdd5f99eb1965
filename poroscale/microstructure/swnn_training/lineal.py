"""The lineal path of sections as a term of the loss: it holds surface and connectivity.

The lineal path L(r) is the chance that r + 1 voxels in a row all lie in one phase (Lu and
Torquato, 1992). Its first step is the share of neighbours in two phases, which is the surface; its
tail is how far one can go straight on in a phase. Local patterns see neither beyond the edge of the
template.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poroscale.microstructure.swnn_training.autocorrelation import TINY, mean_of_sections


def memberships(values: Tensor, phases: int) -> Tensor:
    """How far grey levels belong to each phase, (phases, *shape) in [0, 1]; the sum is 1.

    Half of the way between two levels belongs to one phase alone, so that rows of voxels that are
    not quite at their level do not count as broken.
    """
    levels = torch.linspace(-1, 1, phases, device=values.device)
    inside = values.clamp(-1, 1)
    apart = (inside - levels.reshape(-1, *[1] * values.ndim)).abs() * ((phases - 1) / 2)
    return (1.5 - 2 * apart).clamp(0, 1)


def section_lineal_path(sections: Tensor, phases: int, reach: int) -> Tensor:
    """Lineal path of each phase along the rows and the columns of sections.

    Parameters
    ----------
    sections
        (n, rows, columns) grey levels in [-1, 1].
    phases
        Number of phases.
    reach
        Largest lag [voxels]; less than the edges.

    Returns
    -------
    Tensor
        (2, phases, reach + 1): along the columns (down), along the rows; lags 0 to `reach`.
    """
    found = []
    for axis in (1, 2):
        voxels = memberships(sections, phases).movedim(1 + axis, -1)
        runs, means = voxels, [voxels.mean(dim=(1, 2, 3))]
        for lag in range(1, reach + 1):
            runs = runs[..., :-1] * voxels[..., lag:]
            means.append(runs.mean(dim=(1, 2, 3)))
        found.append(torch.stack(means, dim=1))
    return torch.stack(found)


def lineal_distance(sections: Tensor, wanted: Tensor) -> Tensor:
    """Root mean square of what the lineal path of sections (n, 1, rows, columns) misses."""
    _, phases, lags = wanted.shape
    found = section_lineal_path(sections[:, 0], phases, lags - 1)
    return (found - wanted).square().mean().add(TINY).sqrt()


def wanted_lineal_path(sections: Sequence[NDArray[np.integer]], phases: int, reach: int) -> Tensor:
    """Lineal path of the sections of an image, each with the weight of its voxels."""
    return mean_of_sections(lambda grey: section_lineal_path(grey, phases, reach), sections, phases)
