"""Pairs of voxels by their distance vector: correlations of a block with its surroundings, by FFT.

A block counts the pairs whose first voxel lies in its core. The second lies up to a lag away, in
the box around the core. Sums over the cores of a volume are the pairs of the volume.

Only vectors that point up (z >= 0) are counted; the pairs of the opposite vector are the same with
the two phases exchanged.

Planes across z are transformed once. Where those of all layers would take much memory, the core is
gone through some layers at a time, and the planes that the next layers need, too, are kept.
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
KEPT = 1 << 28
"""Bytes of planes that are kept, if they suffice for twice the reach."""
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
    def whole(self) -> bool:
        """Whether the core spans the planes of its box."""
        return not any(self.before[1:]) and not any(self.after[1:])

    @property
    def plane(self) -> Index:
        """(1, y, x) lengths of the transforms of a plane: no pair is met round the corner."""
        y, x = (self.core[k] + self.reach[k] + max(self.before[k], self.after[k]) for k in (1, 2))
        return 1, fast_length(y), fast_length(x)

    @property
    def _plane_bytes(self) -> int:
        _, y, x = self.plane
        return 8 * y * (x // 2 + 1)

    def step(self, fields: int) -> int:
        """Layers that are correlated at a time: at least as many as the reach, or all."""
        many = KEPT // (fields * self._plane_bytes) - self.reach[0]
        return min(self.core[0], max(many, self.reach[0], 1))

    def bytes(self, fields: int, pairs: int) -> int:
        """Memory that `pair_counts` takes for pairs of so many different fields."""
        step = self.step(fields)
        planes = fields * (step + self.reach[0] + (0 if self.whole else step))
        sums = (pairs if step < self.core[0] else 1) * (self.reach[0] + 1)
        return self._plane_bytes * (planes + sums + 3) + 6 * 8 * ROWS


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

    box = codes[frame.before[0] : frame.before[0] + frame.core[0] + frame.reach[0]]
    kinds = sorted({code for pair in pairs for code in pair})
    firsts = {first for first, _ in pairs}
    fields = {code: _Planes(box, code, frame, len(kinds), first=code in firsts) for code in kinds}
    step, layers = frame.step(len(kinds)), frame.core[0]
    with torch.inference_mode():
        if step == layers:
            for each in fields.values():
                each.move_to(0)
            found = [_by_lag(_correlated(fields[a], fields[b], frame), frame) for a, b in pairs]
            return np.rint(np.stack(found).astype(np.float64))
        sums = [torch.zeros(0)] * len(pairs)
        for first in range(0, layers, step):
            for each in fields.values():
                each.move_to(first)
            for k, (a, b) in enumerate(pairs):
                lags = _correlated(fields[a], fields[b], frame, sums[k] if first else None)
                sums[k] = lags
        return np.rint(np.stack([_by_lag(each, frame) for each in sums]).astype(np.float64))


class _Planes:
    """Transforms of the planes across z of one field, for the layers that are correlated now.

    Attributes
    ----------
    core, box
        complex64 (layers, y, x): planes of the core at these layers, and of the box from there up
        to the reach.
    """

    def __init__(
        self, box: NDArray[np.uint8], code: int, frame: PairFrame, fields: int, *, first: bool
    ) -> None:
        import torch

        self._box, self._code, self._frame = box, code, frame
        self._step, self._reach = frame.step(fields), frame.reach[0]
        _, y, x = frame.plane
        shape = (y, x // 2 + 1)
        self.box = torch.empty((self._step + self._reach, *shape), dtype=torch.complex64)
        self._cut = first and not frame.whole
        self._room = torch.empty((self._step if self._cut else 0, *shape), dtype=torch.complex64)
        self.core = self._room

    def move_to(self, layer: int) -> None:
        """Go to the layers from `layer` on; they follow those from before."""
        kept = self._reach if layer else 0
        if kept:  # the two do not overlap: a step has as many layers as the reach
            self.box[:kept] = self.box[self._step :]
        self._transform(self.box[kept:], layer + kept, inner=False)
        if self._cut:
            self._transform(self._room, layer, inner=True)
        left = self._frame.core[0] - layer
        self.core = (self._room if self._cut else self.box)[: min(self._step, left)]

    def _transform(self, into: Tensor, layer: int, *, inner: bool) -> None:
        import torch

        _, y, x = self._frame.plane
        for k in range(len(into)):
            if layer + k < len(self._box):
                plane = torch.from_numpy(self._mask(self._box[layer + k], inner=inner))
                into[k] = torch.fft.rfft2(plane, s=(y, x))
            else:
                into[k] = 0

    def _mask(self, plane: NDArray[np.uint8], *, inner: bool) -> NDArray[np.float32]:
        found = (plane < BEYOND if self._code == PART else plane == self._code).astype(np.float32)
        if inner:
            (_, y, x), (_, ny, nx) = self._frame.before, self._frame.core
            found[:y], found[y + ny :], found[:, :x], found[:, x + nx :] = 0, 0, 0, 0
        return found


def _correlated(
    first: _Planes, second: _Planes, frame: PairFrame, into: Tensor | None = None
) -> Tensor:
    """complex64 (reach_z + 1, y, x) correlations along z of planes, added to those of before."""
    import torch

    core, box, rz = first.core, second.box, frame.reach[0]
    mz = fast_length(len(core) + rz)
    lags = torch.zeros((rz + 1, *box.shape[1:]), dtype=torch.complex64) if into is None else into
    for rows in _rows(box.shape[1], mz * box.shape[2]):
        # Copied so that z is the last axis: transforms along the first are slow.
        here = core[:, rows].permute(1, 2, 0).contiguous()
        there = box[: len(core) + rz, rows].permute(1, 2, 0).contiguous()
        product = torch.fft.fft(here, n=mz).conj_physical_().mul_(torch.fft.fft(there, n=mz))
        lags[:, rows] += torch.fft.ifft(product)[..., : rz + 1].permute(2, 0, 1)
    return lags


def _by_lag(lags: Tensor, frame: PairFrame) -> NDArray[np.float32]:
    """(reach_z + 1, 2 reach_y + 1, 2 reach_x + 1) sums over products of two fields."""
    import torch

    (_, my, mx), (rz, ry, rx) = frame.plane, frame.reach
    y, x = torch.arange(-ry, ry + 1) % my, torch.arange(-rx, rx + 1) % mx
    found = torch.empty((rz + 1, 2 * ry + 1, 2 * rx + 1), dtype=torch.float32)
    for z in range(rz + 1):  # rows that are not asked for are left out before the last axis
        wanted = torch.fft.ifft(lags[z], dim=0)[y]
        found[z] = torch.fft.irfft(wanted, n=mx, dim=1)[:, x]
    return np.asarray(found.numpy())


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
