"""Sliced-Wasserstein distance of sets of local patterns (Ma et al., eqs. 16 to 18)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from poroscale.microstructure.swnn_training.recipe import Projections


def random_filters(count: int, template: int, kind: Projections = "normal") -> Tensor:
    """float32 (count, template²) directions onto which patterns are projected.

    Normal ones are normal numbers, of which each column is divided by its standard deviation over
    the filters, as in the authors' code: the filters do not have the norm 1 of eq. 16. Orthogonal
    ones have the norm `template`, which is that of the others on average; sets of template² of them
    are orthogonal (Q of a matrix of normal numbers).
    """
    size = template * template
    if kind == "orthogonal":
        sets = [torch.linalg.qr(torch.randn(size, size))[0] for _ in range(-(-count // size))]
        return torch.cat(sets)[:count] * template
    filters = torch.randn(count, size)
    return filters / filters.std(dim=0, keepdim=True) if count > 1 else filters


def projected_sections(sections: Tensor, filters: Tensor, step: int = 1) -> Tensor:
    """(filters, patterns) from sections (n, 1, rows, columns): every pattern on every filter.

    With a `step`, each voxel of a pattern is the mean of step² voxels.
    """
    template = round(filters.shape[1] ** 0.5)
    if step > 1:
        sections = functional.avg_pool2d(sections, step, stride=1)
    kernels = filters.reshape(-1, 1, template, template)
    found = functional.conv2d(sections, kernels, dilation=step)
    return found.transpose(0, 1).flatten(1)


def expanded(values: Tensor, count: int) -> Tensor:
    """Columns repeated whole as often as they fit `count`, and filled up at random (step 3)."""
    times, rest = divmod(count, values.shape[1])
    if (times, rest) == (1, 0):
        return values
    parts = [values] * times
    if rest:
        parts.append(values[:, torch.randperm(values.shape[1])[:rest]])
    return torch.cat(parts, dim=1)


def sliced_wasserstein(first: Tensor, second: Tensor) -> Tensor:
    """Mean difference of sorted projections, with p = 1 (eqs. 17 and 18).

    Parameters
    ----------
    first, second
        (filters, n) and (filters, m) projections; the smaller set is expanded to the larger.
    """
    count = max(first.shape[1], second.shape[1])
    first, second = expanded(first, count), expanded(second, count)
    difference = first.sort(dim=1).values - second.sort(dim=1).values
    return difference.abs().mean()


def thinned(values: Tensor, count: int) -> Tensor:
    """`count` of the columns at random; all of them if there are no more."""
    if values.shape[1] <= count:
        return values
    return values[:, torch.randperm(values.shape[1])[:count]]
