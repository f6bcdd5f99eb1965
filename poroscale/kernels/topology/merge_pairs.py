"""Persistence pairs of components and of cavities of an array in memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.topology.image_pairs import image_pairs
from poroscale.kernels.topology.merge_graph import ClosedBox, Int64, merge_block
from poroscale.kernels.topology.order_keys import order_keys, unflipped, values_of_keys


class PersistencePairs(NamedTuple):
    """Persistence pairs of the sub-level sets of an array, none of zero persistence.

    Attributes
    ----------
    components
        (p, 2) birth and death of the components but the oldest (H0). A component is born at its
        lowest value and ends where it meets an older one.
    cavities
        (q, 2) birth and death of what the components enclose: holes of an image (H1), cavities of a
        volume (H2). A cavity is born when it is closed off and ends when it is filled.
    oldest
        Birth of the component that never ends: the lowest value.
    """

    components: NDArray[Any]
    cavities: NDArray[Any]
    oldest: Any


def merge_pairs(values: NDArray[Any], *, wide: bool = True) -> PersistencePairs:
    """Components and cavities of the sub-level sets {values <= t}, by union-find alone.

    Cavities are the components of {values > t} but the outside (Alexander duality).

    Parameters
    ----------
    values
        (ny, nx) or (nz, ny, nx) bool, integers or finite floats; fewer than 2³¹. An array one
        voxel thick along one axis is an image.
    wide
        True: voxels of the set are joined by 26 neighbours (8 in an image) and those of the rest by
        6 (4), as closed cubes are; the pairs are those of the cubical complex whose top-dimensional
        cells are the voxels. False: the reverse.

    Returns
    -------
    PersistencePairs
        In the type of the values, in ascending order.

    Raises
    ------
    ValueError
        If the array is empty, is neither two- nor three-dimensional, or not finite.
    """
    values = np.asarray(values)
    check_values(values)
    components, cavities = _pairs_of_keys(order_keys(values), wide=wide)
    born = values_of_keys(components, values.dtype)
    closed = values_of_keys(cavities, values.dtype)
    return PersistencePairs(_sorted(born), _sorted(closed), values.min())


def check_values(values: NDArray[Any]) -> None:
    """ValueError unless an array has two or three axes and is finite."""
    if values.ndim not in (2, 3) or not values.size:
        raise ValueError(f"values must have two or three axes, got shape {values.shape}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("values must be finite, got NaN or infinity")


def _pairs_of_keys(keys: NDArray[Any], *, wide: bool) -> tuple[Int64, Int64]:
    thin = sum(n == 1 for n in keys.shape)
    if keys.ndim == 2 or thin:
        image = keys if keys.ndim == 2 else keys.squeeze()
        return image_pairs(np.atleast_2d(image), wide=wide)
    nz, ny, nx = keys.shape
    whole = ClosedBox((0, 0, 0), (nz - 1, ny - 1, nx - 1), (nz, ny, nx))
    _, components = merge_block(keys, whole, wide=wide)
    _, cavities = merge_block(~keys, whole, wide=not wide, outside=True)
    return components, unflipped(cavities[::-1], keys.dtype)


def _sorted(pairs: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(pairs[:, np.lexsort((pairs[1], pairs[0]))].T)
