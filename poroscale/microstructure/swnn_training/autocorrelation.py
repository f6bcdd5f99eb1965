"""S2 of whole sections as a loss, which the local patterns are compared with (Ma et al., A.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poroscale.microstructure.swnn_training.patterns import grey_levels

TINY = 1e-12
"""Keeps the slope of a root finite at 0."""


def section_s2(sections: Tensor, reach: int) -> Tensor:
    """Mean product of two points of sections, by the vector between them.

    The values are taken from [-1, 1] to [0, 1], so that those of two phases give S2 of the brighter
    one. The sections do not repeat: at each vector the pairs that they have are counted.

    Parameters
    ----------
    sections
        (n, rows, columns) grey levels.
    reach
        Largest lag along both axes [voxels]; less than the edges.

    Returns
    -------
    Tensor
        (reach + 1, 2 reach + 1): lags 0 to reach along the rows, -reach to reach along the columns.
    """
    rows, columns = sections.shape[1:]
    shape = (rows + reach, columns + reach)
    spectrum = torch.fft.rfft2(0.5 * (sections + 1), s=shape)
    sums = torch.fft.irfft2((spectrum.abs() ** 2).mean(dim=0), s=shape)
    along = torch.arange(-reach, reach + 1)
    pairs = (rows - torch.arange(reach + 1))[:, None] * (columns - along.abs())
    return sums[: reach + 1][:, along % shape[1]] / pairs


def s2_distance(sections: Tensor, wanted: Tensor) -> Tensor:
    """Root mean square of what S2 of sections (n, 1, rows, columns) and the wanted one differ by.

    Squares, because S2 falls within few lags, which the many others would outvote.
    """
    found = section_s2(sections[:, 0], wanted.shape[0] - 1)
    return (found - wanted).square().mean().add(TINY).sqrt()


def wanted_s2(sections: Sequence[NDArray[np.integer]], phases: int, reach: int) -> Tensor:
    """S2 of the sections of an image, each with the weight of its voxels."""
    return mean_of_sections(lambda grey: section_s2(grey, reach), sections, phases)


def mean_of_sections(
    curve: Callable[[Tensor], Tensor], sections: Sequence[NDArray[np.integer]], phases: int
) -> Tensor:
    """Mean of a curve of grey levels (1, rows, columns) over sections, each with the weight of its
    voxels."""
    curves = [
        curve(torch.from_numpy(grey_levels(codes.astype(np.int64), phases))[None])
        for codes in sections
    ]
    sizes = torch.tensor([float(codes.size) for codes in sections])
    weights = (sizes / sizes.sum()).reshape(-1, *[1] * curves[0].ndim)
    return (torch.stack(curves) * weights).sum(dim=0)
