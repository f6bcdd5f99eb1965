"""Sums of overlapping windows in fixed point: exact integers, whatever the order of the windows.

A window's value v at a voxel enters the sum as round(v * scale) * wz * wy * wx, where scale is a
power of two and the weights are integers. The average is the sum over scale and the sum of the
weights. No addition is rounded, so that neither the order of the windows nor the blocks that they
were computed in can change a bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numba import njit
from numpy.typing import NDArray

Weight = Literal["constant", "gaussian", "hann"]
WEIGHTS: tuple[str, ...] = get_args(Weight)

LARGEST = 4096
"""Largest weight along an axis that is not constant; the smallest is 1."""
GAUSSIAN_SIGMA = 1 / 8
"""Standard deviation of the Gaussian weight, in edges of the window."""
FINEST, FINE, COARSEST = 28, 22, 16
"""Bits of a value at most, at least in sums of 32 bits, and at least in sums of 64 bits."""

Index = tuple[int, int, int]
Sums = NDArray[Any]
"""int32 or int64."""
Weights = NDArray[np.int64]


def axis_weights(edge: int, kind: str) -> Weights:
    """The weights of a window along one axis, integers of at least 1.

    Parameters
    ----------
    edge
        Voxels along the axis.
    kind
        "constant"; "gaussian" of an eighth of the edge; or "hann", sin²(pi (i + 1/2) / edge).

    Raises
    ------
    ValueError
        If there is no such weight.
    """
    centred = (np.arange(edge) + 0.5) / edge
    match kind:
        case "constant":
            return np.ones(edge, np.int64)
        case "gaussian":
            weights = np.exp(-0.5 * ((centred - 0.5) / GAUSSIAN_SIGMA) ** 2)
        case "hann":
            weights = np.sin(np.pi * centred) ** 2
        case _:
            raise ValueError(f"weight must be one of {', '.join(WEIGHTS)}, got {kind!r}")
    return np.maximum(1, np.rint(LARGEST * weights)).astype(np.int64)


@dataclass(frozen=True)
class FixedPoint:
    """Fixed-point form of values.

    Attributes
    ----------
    bits
        A value of the largest magnitude becomes at most 2**bits.
    exponent
        Exponent of the power of two above the largest magnitude.
    dtype
        Type of the sums.
    """

    bits: int
    exponent: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, bound: float, heaviest: int) -> FixedPoint:
        """The finest that cannot overflow.

        Parameters
        ----------
        bound
            Largest magnitude of a value.
        heaviest
            Largest sum of weights on any voxel.

        Raises
        ------
        ValueError
            If the bound is no positive number, or the windows overlap too often.
        """
        if not (np.isfinite(bound) and bound > 0):
            raise ValueError(f"bound of the values must be a positive number, got {bound}")
        _, exponent = np.frexp(np.float64(bound))
        for dtype, least in ((np.dtype(np.int32), FINE), (np.dtype(np.int64), COARSEST)):
            bits = (np.iinfo(dtype).max // heaviest).bit_length() - 1
            if bits >= least:
                return cls(min(bits, FINEST), int(exponent), dtype)
        raise ValueError(
            f"overlap must leave sums of 64 bits {COARSEST} bits for a value, got {bits}; "
            "use a smaller overlap or a constant weight"
        )

    @property
    def scale(self) -> float:
        """Factor of a value: a power of two."""
        return float(2.0 ** (self.bits - self.exponent))


def add_window(
    sums: Sums,
    values: NDArray[np.float32],
    corner: Index,
    *,
    crop: Index,
    weights: tuple[Weights, Weights, Weights],
    point: FixedPoint,
    bound: float,
) -> int:
    """Add the values of one window; what lies beyond the end of the sums is left out.

    Parameters
    ----------
    sums : ndarray of `point.dtype`, shape (nz, ny, nx), in C order
    values : ndarray of float32, in C order
        The window within its halo.
    corner
        First voxel of the window in `sums`.
    crop
        First voxel of the window in `values`.
    weights
        Weights along z, y and x; their lengths are the window's edges.
    point, bound
        Fixed point, and the largest magnitude of a value.

    Returns
    -------
    int
        Number of values that are NaN or beyond the bound; the sums are spoilt if there are any.
    """
    kind = point.dtype.type
    wz, wy, wx = (axis.astype(kind) for axis in weights)
    scale = np.float32(point.scale)
    return int(_add(sums, values, corner, crop, wz, wy, wx, scale, np.float32(bound)))


@njit(nogil=True, cache=True)
def _add(sums, values, corner, crop, wz, wy, wx, scale, bound):  # type: ignore[no-untyped-def]
    bad = 0
    nz = min(len(wz), sums.shape[0] - corner[0])
    ny = min(len(wy), sums.shape[1] - corner[1])
    nx = min(len(wx), sums.shape[2] - corner[2])
    weights = np.empty_like(wx)
    for z in range(nz):
        for y in range(ny):
            row = sums[corner[0] + z, corner[1] + y, corner[2] : corner[2] + nx]
            source = values[crop[0] + z, crop[1] + y, crop[2] : crop[2] + nx]
            for x in range(nx):
                weights[x] = wz[z] * wy[y] * wx[x]
            for x in range(nx):
                row[x] += np.int32(np.rint(source[x] * scale)) * weights[x]
            for x in range(nx):
                bad += not abs(source[x]) <= bound
    return bad


def mean_values(
    sums: Sums, start: Index, weights: tuple[Weights, Weights, Weights], *, point: FixedPoint
) -> NDArray[np.float32]:
    """Averages of a part of the sums.

    Parameters
    ----------
    sums : ndarray of `point.dtype`, shape (nz, ny, nx), in C order
    start
        First voxel of the part.
    weights
        Sums of the windows' weights along z, y and x over the part.
    point
        Fixed point.

    Returns
    -------
    ndarray of float32
        The sums over the sums of the weights.
    """
    wz, wy, wx = (axis.astype(np.float64) for axis in weights)
    return _mean(sums, start, wz, wy, wx, 1 / point.scale)


@njit(nogil=True, cache=True)
def _mean(sums, start, wz, wy, wx, unit):  # type: ignore[no-untyped-def]
    out = np.empty((len(wz), len(wy), len(wx)), np.float32)
    for z in range(len(wz)):
        for y in range(len(wy)):
            row = sums[start[0] + z, start[1] + y, start[2] : start[2] + len(wx)]
            target = out[z, y]
            weight = wz[z] * wy[y]
            for x in range(len(wx)):
                target[x] = (row[x] * unit) / (weight * wx[x])
    return out
