"""Pairs of voxels by their distance vector: correlations of a block with its surroundings, by FFT.

A block counts the pairs whose first voxel lies in its core. The second lies up to a lag away, in
the box around the core. Sums over the cores of a volume are the pairs of the volume.

Only vectors that point up (z >= 0) are counted; the pairs of the opposite vector are the same with
the two phases exchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.phases.codes import BEYOND

if TYPE_CHECKING:
    from torch import Tensor

Index = tuple[int, int, int]
PART = -1
"""Stands for all phases."""
PRIMES = (2, 3, 5, 7)
"""Lengths of these factors are fast."""
ROWS = 1 << 19
"""Complex values that are transformed along z at a time: few enough to stay in the cache."""


@dataclass(frozen=True)
class PairFrame:
    """A core in its box, and how far pairs reach.

    Attributes
    ----------
    core
        Shape of the core [voxels].
    before, after
        Voxels of the box before and behind the core along z, y, x.
    reach
        Largest lag along z, y, x [voxels].
    """

    core: Index
    before: Index
    after: Index
    reach: Index

    @property
    def lengths(self) -> Index:
        """Lengths of the transforms: no pair within reach is met round the corner."""
        z = self.core[0] + self.reach[0]  # upwards only
        y, x = (self.core[k] + self.reach[k] + max(self.before[k], self.after[k]) for k in (1, 2))
        return fast_length(z), fast_length(y), fast_length(x)

    def bytes(self, fields: int) -> int:
        """Memory that `pair_counts` takes for pairs of so many different fields."""
        _, my, mx = self.lengths
        plane = 8 * my * (mx // 2 + 1)
        cut = any(self.before[1:]) or any(self.after[1:])
        planes = fields * (self.core[0] + self.reach[0] + (self.core[0] if cut else 0))
        return plane * (planes + self.reach[0] + 3) + 6 * 8 * ROWS


def pair_counts(
    codes: NDArray[np.uint8], pairs: Sequence[tuple[int, int]], frame: PairFrame
) -> NDArray[np.float64]:
    """Pairs of two phases by distance vector.

    Parameters
    ----------
    codes
        uint8 (z, y, x): codes of the box; those of `BEYOND` and more are not part.
    pairs
        Codes of the first and the second voxel; `PART` stands for any voxel of the part.
    frame
        Place of the core.

    Returns
    -------
    float64 (pairs, reach_z + 1, 2 reach_y + 1, 2 reach_x + 1)
        Counts, whole numbers but for the error of single-precision transforms: about 1e-7 of the
        voxels of the core.
    """
    import torch

    z0, y0, x0 = frame.before
    nz, ny, nx = frame.core
    box = codes[z0 : z0 + nz + frame.reach[0]]
    kinds = sorted({code for pair in pairs for code in pair})
    masks = {code: box < BEYOND if code == PART else box == code for code in kinds}
    planes, cores = {}, {}
    whole = (ny, nx) == box.shape[1:]
    for code, mask in masks.items():
        planes[code] = _planes(mask, frame)
        core = planes[code][:nz]
        if not whole and any(first == code for first, _ in pairs):
            inner = np.zeros((nz, *box.shape[1:]), bool)
            here = (slice(None), slice(y0, y0 + ny), slice(x0, x0 + nx))
            inner[here] = mask[:nz][here]
            core = _planes(inner, frame)
        cores[code] = core
    found = [_correlated(cores[a], planes[b], frame) for a, b in pairs]
    with torch.inference_mode():
        return np.rint(np.stack([each.numpy() for each in found]).astype(np.float64))


def _planes(mask: NDArray[np.bool_], frame: PairFrame) -> Tensor:
    """Transforms of all planes across z, plane by plane: a whole volume of floats is not needed."""
    import torch

    _, my, mx = frame.lengths
    with torch.inference_mode():
        found = torch.empty((len(mask), my, mx // 2 + 1), dtype=torch.complex64)
        for z, plane in enumerate(mask):
            found[z] = torch.fft.rfft2(torch.from_numpy(plane.astype(np.float32)), s=(my, mx))
    return found


def _correlated(core: Tensor, box: Tensor, frame: PairFrame) -> Tensor:
    """(reach_z + 1, 2 reach_y + 1, 2 reach_x + 1) sums over products of two fields."""
    import torch

    mz, my, mx = frame.lengths
    rz, ry, rx = frame.reach
    with torch.inference_mode():
        lags = torch.empty((rz + 1, my, mx // 2 + 1), dtype=torch.complex64)
        for rows in _rows(my, mz * (mx // 2 + 1)):
            # Copied so that z is the last axis: transforms along the first are slow.
            first, second = (each[:, rows].permute(1, 2, 0).contiguous() for each in (core, box))
            product = torch.fft.fft(first, n=mz).conj_physical_().mul_(torch.fft.fft(second, n=mz))
            lags[:, rows] = torch.fft.ifft(product)[..., : rz + 1].permute(2, 0, 1)
        y = torch.arange(-ry, ry + 1) % my
        x = torch.arange(-rx, rx + 1) % mx
        found = torch.empty((rz + 1, 2 * ry + 1, 2 * rx + 1), dtype=torch.float32)
        for z in range(rz + 1):  # rows that are not asked for are left out before the last axis
            wanted = torch.fft.ifft(lags[z], dim=0)[y]
            found[z] = torch.fft.irfft(wanted, n=mx, dim=1)[:, x]
    return found


def _rows(count: int, each: int) -> Iterable[slice]:
    """Slices of rows that hold about `ROWS` values."""
    step = max(1, ROWS // each)
    return (slice(first, min(count, first + step)) for first in range(0, count, step))


def edge_classes(n: int, reach: int) -> NDArray[np.int64]:
    """(n,) class of each place of an axis: its own within `reach` of an end, one for the rest."""
    count = min(n, 2 * reach + 1)
    places = np.arange(n)
    return np.where(places <= reach, places, np.maximum(places - n + count, min(reach, n - 1)))


def class_sums(
    codes: NDArray[np.uint8], code: int, classes: Sequence[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Voxels of one code in a block by the classes of their places along z, y, x.

    Parameters
    ----------
    codes
        uint8 (z, y, x).
    code
        Code of the voxels that are counted.
    classes
        `edge_classes` of the places of the block along each axis.

    Returns
    -------
    int64, with an entry for each class that the block holds, in their order
    """
    z, y, x = (each - each[0] for each in classes)
    sums = np.zeros((z[-1] + 1, y[-1] + 1, x[-1] + 1), np.int64)
    starts = np.append(np.flatnonzero(np.diff(x, prepend=-1)), len(x))
    _add_by_class(codes, code, z, y, starts, sums)
    return sums


@njit(nogil=True, cache=True)
def _add_by_class(codes, code, z_classes, y_classes, starts, sums):  # type: ignore[no-untyped-def]
    for z in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            row, into = codes[z, y], sums[z_classes[z], y_classes[y]]
            for k in range(starts.size - 1):
                count = 0
                for x in range(starts[k], starts[k + 1]):
                    count += row[x] == code
                into[k] += count


def fast_length(least: int) -> int:
    """The smallest length from `least` on that has no prime factor above 7."""
    length = max(1, least)
    while True:
        rest = length
        for prime in PRIMES:
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1
