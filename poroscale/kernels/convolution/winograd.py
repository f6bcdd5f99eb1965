"""A chain of 3³ convolutions with leaky ReLU by Winograd's minimal filtering, F(2³, 3³).

Two outputs along an axis need four products instead of six (Winograd 1980; Lavin and Gray 2016),
so a block of 2³ outputs needs 64 products of channels instead of 216. The factors of these
transforms are 0, 1 and 1/2: rounding errors are no larger than those of the plain sum.

1. Transform 4³ inputs of each block: along y and z for whole rows, then along x.
2. For each of the 64 places, multiply the channels of many blocks with that place's weights.
3. Transform 64 products to 2³ outputs: along x, then along y and z; add the bias, take the leaky
   ReLU, write.

The blocks of one row pass through the steps while they lie in the caches. A layer overwrites its
own input: what a block writes, no later block of the layer reads. So one array serves all layers.

A layer at a pair of planes needs the layer before at this pair and at the next. So planes and rows
are cut into pieces, and each layer's pieces lie one pair before those of the layer before. All
layers pass over a piece before the next piece begins: the values stay in the third cache, where
layer after layer would read the whole array from memory. Only a window of planes is held, which
moves along z; noise is asked for as it comes.

Each output is the same sequence of operations wherever it lies, hence the same bits in any tile
whose origin is even. Where an extent is odd, one more plane is computed and thrown away.

A chain that is modulated multiplies and shifts the channels behind each layer but the first, by
numbers that follow a condition at each voxel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.convolution.modulation import modulate
from poroscale.kernels.convolution.vector_steps import (
    COLUMNS,
    LANES,
    ROWS,
    UNROLLED,
    give_columns,
    give_rows,
    multiply,
    see_columns,
    see_rows,
)

Floats = NDArray[np.float32]
Shape = tuple[int, int, int]
GROUP = 24
"""Blocks of a row that pass through the steps together: their values stay in the caches."""
PIECE_Z, PIECE_Y = 8, 8
"""Pairs of planes and of rows that all layers pass over together."""
READ = 32
"""Planes of noise that are asked for at a time."""
_WEIGHTS = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
"""G of F(2, 3)."""


@dataclass(frozen=True)
class WinogradChain:
    """Convolutions of 3³ with bias and leaky ReLU, and a last one of 1³ to a single channel.

    Attributes
    ----------
    weights
        Of each layer float32 (64, channels before, channels behind), by `transformed`.
    biases
        Of each layer float32 (channels behind,).
    last
        float32 (channels,) and the bias of the last convolution.
    slope
        Of the leaky ReLU below zero.
    channels
        Of the noise.
    modulation
        float32 (layers, conditions, channels) factors, and as many shifts, behind the layers whose
        first has none; None where the biases are all.
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    last: tuple[Floats, float]
    slope: float
    channels: int
    modulation: tuple[Floats, Floats] | None = None

    @classmethod
    def of(
        cls,
        layers: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
        slope: float,
        modulation: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    ) -> WinogradChain:
        """The chain of float64 weights (out, in, 3, 3, 3) and biases; the last (1, in, 1, 1, 1)."""
        *inner, (last, constant) = layers
        weights = tuple(transformed(weight) for weight, _ in inner)
        biases = tuple(_padded(bias.astype(np.float32), COLUMNS, 0) for _, bias in inner)
        width = weights[-1].shape[2]
        row = np.zeros(width, np.float32)
        row[: last.shape[1]] = last.reshape(-1)
        tables = None
        if modulation is not None:
            factors, shifts = (_padded(m.astype(np.float32), COLUMNS, 2) for m in modulation)
            tables = factors, shifts
        channels = layers[0][0].shape[1]
        return cls(weights, biases, (row, float(constant[0])), slope, channels, tables)

    def __call__(self, noise: Floats) -> Floats:
        """float32 (z, y, x) from (channels, z + 2 n, y + 2 n, x + 2 n), n the layers."""
        z, y, x = (n - 2 * len(self.weights) for n in noise.shape[1:])
        return self.computed(lambda first, count: noise[:, first : first + count], (z, y, x))

    def computed(
        self,
        read: Callable[[int, int], Floats],
        shape: Shape,
        condition: Callable[[int, int], Floats] | None = None,
    ) -> Floats:
        """float32 array of `shape`, from noise that is read as it is needed.

        Parameters
        ----------
        read
            `read(first, count) -> (channels, count, y + 2 n, x + 2 n)`, the planes of noise from
            `first` on; it is asked for `READ` planes at a time, in order.
        shape
            Voxels (z, y, x) of the result.
        condition
            Of a chain that is modulated, in the same way (1, count, y + 2 n, x + 2 n): places in
            the table of conditions, from 0 to their number less one; between two of them factors
            and shifts are interpolated.
        """
        reach = len(self.weights)
        planes, rows, columns = (n + 2 * reach for n in shape)
        z, y, x = (n + n % 2 - 2 for n in (planes, rows, columns))
        stream = _Stream(read, planes)
        source = np.zeros((2 * PIECE_Z + 2, y + 2, x + 2, self._lanes), np.float32)
        values = np.empty((2 * (PIECE_Z + reach - 1), y, x, self._inner.shape[2]), np.float32)
        lanes = self._lanes, values.shape[3]
        scratch = _scratch(lanes[0], lanes[1]), _scratch(lanes[1], lanes[1])
        field = np.empty(shape, np.float32)
        behind = 2 * (reach - 1)
        places, given = np.zeros((0, 1, 1, 1), np.float32), None
        if condition is not None:
            # Planes from `reach - 1` before the first of `source` on.
            places = np.zeros((reach - 1 + 2 * PIECE_Z, y + 2, x + 2, 1), np.float32)
            given = _Stream(condition, planes)
        for begin in range(0, z // 2, PIECE_Z):
            fresh = 2 if begin else 0
            if begin:
                source[:2] = source[-2:]
                values[:behind] = values[2 * PIECE_Z :]
            stream.take(source[fresh:, :rows, :columns])
            if given is not None:
                places[: reach - 1] = places[2 * PIECE_Z :]
                given.take(places[reach - 1 :, :rows, :columns])
            counts, tables = (z // 2, y // 2, x // 2), (places[..., 0], *self._tables)
            _pass(source, values, begin, counts, self._numbers, tables, scratch)
            first = 2 * begin - behind
            low, high = max(0, first), min(shape[0], first + 2 * PIECE_Z)
            if low < high:
                _dot(values[low - first :], field[low:high], *self._last)
        return field

    @property
    def _last(self) -> tuple[Floats, np.float32]:
        """Weights and bias of the last convolution, in float32."""
        return self.last[0], np.float32(self.last[1])

    @property
    def _lanes(self) -> int:
        """Channels of noise, filled up to whole vectors."""
        return -(-self.channels // LANES) * LANES

    @cached_property
    def _numbers(self) -> tuple[Floats, Floats, Floats, np.float32]:
        return self.weights[0], self._inner, np.stack(self.biases), np.float32(self.slope)

    @cached_property
    def _tables(self) -> tuple[Floats, Floats]:
        """Factors and shifts; of no condition where the chain is not modulated."""
        if self.modulation is not None:
            return self.modulation
        nothing = np.zeros((0, 0, 0), np.float32)
        return nothing, nothing

    @cached_property
    def _inner(self) -> Floats:
        """Weights of all layers but the first (n - 1, 64, channels, channels)."""
        width = self.weights[0].shape[2]
        found = np.zeros((len(self.weights) - 1, 64, width, width), np.float32)
        for layer, weights in enumerate(self.weights[1:]):
            found[layer, :, : weights.shape[1]] = weights
        return found


def transformed(weight: NDArray[np.float64]) -> Floats:
    """Weights (out, in, 3, 3, 3) at the 64 places of a block: float32 (64, in, out), padded."""
    places = np.einsum("ap,bq,cr,oipqr->abcio", _WEIGHTS, _WEIGHTS, _WEIGHTS, weight)
    numbers = places.reshape(64, *places.shape[3:]).astype(np.float32)
    return _padded(_padded(numbers, COLUMNS, 2), UNROLLED, 1)


def _padded(array: Floats, multiple: int, axis: int) -> Floats:
    """Zeros behind, up to a multiple along an axis."""
    width = [(0, 0)] * array.ndim
    width[axis] = (0, -array.shape[axis] % multiple)
    return np.ascontiguousarray(np.pad(array, width))


def _scratch(before: int, behind: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Arrays of a layer's steps. They belong to one call, so that threads may call."""
    return (
        np.empty((16, 2 * GROUP + 2, before), np.float32),
        np.zeros((4, GROUP, before), np.float32),
        np.empty((4, GROUP, behind), np.float32),
        np.empty((16, 2 * GROUP, behind), np.float32),
    )


def chain_bytes(
    depth: int, width: int, channels: int, shape: Shape, *, modulated: bool = False
) -> int:
    """Bytes that a chain of `depth` layers takes for a result of `shape`, the field included."""
    z, y, x = (n + 2 * depth + 1 for n in shape)
    width, lanes = width + -width % COLUMNS, channels + -channels % LANES
    read = 2 * channels * min(READ, z)
    values = width * (2 * (PIECE_Z + depth - 1) + 2 * (depth - 1))
    places = 2 * min(READ, z) + depth - 1 + 2 * PIECE_Z if modulated else 0
    return 4 * (y * x * (read + lanes * (2 * PIECE_Z + 2) + values + places) + prod(shape))


class _Stream:
    """Planes of noise in order, read `READ` at a time."""

    def __init__(self, read: Callable[[int, int], Floats], planes: int) -> None:
        self._read, self._planes = read, planes
        self._chunk, self._begun, self._next = read(0, min(READ, planes)), 0, 0

    def take(self, target: Floats) -> None:
        """Write the next planes into (planes, y, x, lanes); zeros where there are no more."""
        done = 0
        while done < len(target):
            if self._next >= self._planes:
                target[done:] = 0
                return
            if self._next >= self._begun + self._chunk.shape[1]:
                self._begun = self._next
                self._chunk = self._read(self._begun, min(READ, self._planes - self._begun))
            first = self._next - self._begun
            count = min(len(target) - done, self._chunk.shape[1] - first)
            for channel, values in enumerate(self._chunk):
                target[done : done + count, :, :, channel] = values[first : first + count]
            done += count
            self._next += count


@njit(nogil=True, cache=True)
def _pass(source, values, begin, counts, numbers, tables, scratches):  # type: ignore[no-untyped-def]
    """All layers on the pairs of planes from `begin` on, each one pair before the layer before.

    `source` begins at pair `begin`, `values` as many pairs before it as there are inner layers.
    """
    nz, ny, nx = counts
    first, inner, biases, slope = numbers
    inners = len(inner)
    for piece in range(0, ny, PIECE_Y):
        for layer in range(inners + 1):
            z = max(0, begin - layer), min(nz - layer, begin - layer + PIECE_Z)
            z = z[0] - begin + inners, z[1] - begin + inners
            y = max(0, piece - layer), min(ny - layer, piece - layer + PIECE_Y)
            bias = biases[layer]
            if layer == 0:
                own, place = (first, bias, slope), (-inners, 0)
                _piece(source, values, place, z, y, nx, own, tables, scratches[0])
            else:
                own, place = (inner[layer - 1], bias, slope), (0, layer)
                _piece(values, values, place, z, y, nx - layer, own, tables, scratches[1])


@njit(nogil=True, cache=True)
def _piece(source, target, place, pairs_z, pairs_y, nx, numbers, tables, scratch):  # type: ignore[no-untyped-def]
    """One layer on a range of pairs of planes and of rows; `target` may be `source`.

    `place` has the shift of `source` along z, and the number of the layer.
    """
    rows, seen, products, given = scratch
    weights, bias, slope = numbers
    shift, layer = place
    modulated = layer > 0 and tables[1].shape[0] > 0
    straight = np.float32(1) if modulated else slope
    group = seen.shape[1]
    for z in range(pairs_z[0], pairs_z[1]):
        for y in range(pairs_y[0], pairs_y[1]):
            for first in range(0, nx, group):
                count = min(group, nx - first)
                _see(source, (2 * (z + shift), 2 * y, 2 * first), count, rows)
                for pair in range(16):
                    _see_along_x(rows, pair, count, seen)
                    _multiply(seen, weights, pair, count, products)
                    _give_along_x(products, pair, count, given)
                _give(given, bias, straight, target, (2 * z, 2 * y, 2 * first), count)
                if modulated:
                    modulate(target, (2 * z, 2 * y, 2 * first), count, layer, tables, slope)


@njit(nogil=True, cache=True)
def _see(source, place, count, rows):  # type: ignore[no-untyped-def]
    """Step 1 along y and z, for the columns of `count` blocks of a row."""
    plane, row, column = source.strides[0], source.strides[1], source.strides[2]
    start = source.ctypes.data + place[0] * plane + place[1] * row + place[2] * column
    target, step = rows.ctypes.data, rows.strides[0]
    for i in range((2 * count + 2) * source.shape[3] // LANES):
        see_rows(start + 32 * i, plane, row, target + 32 * i, step)


@njit(nogil=True, cache=True)
def _see_along_x(rows, pair, count, seen):  # type: ignore[no-untyped-def]
    """Step 1 along x, for one of 16 places along z and y."""
    source, column = rows.ctypes.data + pair * rows.strides[0], rows.strides[1]
    target, step = seen.ctypes.data, seen.strides[0]
    for block in range(count):
        for vector in range(rows.shape[2] // LANES):
            there = source + 2 * block * column + 32 * vector
            see_columns(there, column, target + block * column + 32 * vector, step)


@njit(nogil=True, cache=True)
def _multiply(seen, weights, pair, count, products):  # type: ignore[no-untyped-def]
    """Step 2, for the four places along x of one of 16 along z and y."""
    channels, behind = weights.shape[1], weights.shape[2]
    for place in range(4):
        values = seen.ctypes.data + place * seen.strides[0]
        numbers = weights.ctypes.data + (4 * pair + place) * weights.strides[0]
        found = products.ctypes.data + place * products.strides[0]
        for block in range(0, count, ROWS):
            for column in range(0, behind, COLUMNS):
                multiply(
                    values + block * seen.strides[1],
                    seen.strides[1],
                    numbers + 4 * column,
                    weights.strides[1],
                    found + block * products.strides[1] + 4 * column,
                    products.strides[1],
                    channels,
                )


@njit(nogil=True, cache=True)
def _give_along_x(products, pair, count, given):  # type: ignore[no-untyped-def]
    """Step 3 along x."""
    source, step = products.ctypes.data, products.strides[0]
    target, column = given.ctypes.data + pair * given.strides[0], given.strides[1]
    for block in range(count):
        for vector in range(products.shape[2] // LANES):
            there = source + block * column + 32 * vector
            give_columns(there, step, target + 2 * block * column + 32 * vector, column)


@njit(nogil=True, cache=True)
def _give(given, bias, slope, target, place, count):  # type: ignore[no-untyped-def]
    """Step 3 along y and z."""
    plane, row, column = target.strides[0], target.strides[1], target.strides[2]
    start = target.ctypes.data + place[0] * plane + place[1] * row + place[2] * column
    source, step, vectors = given.ctypes.data, given.strides[0], given.shape[2] // LANES
    for x in range(2 * count):
        for vector in range(vectors):
            i = 32 * (x * vectors + vector)
            shift = bias.ctypes.data + 32 * vector
            give_rows(source + i, step, shift, start + i, plane, row, slope)


@njit(nogil=True, cache=True)
def _dot(values, found, row, constant):  # type: ignore[no-untyped-def]
    """The last convolution: the channels of each voxel times `row`, in their order."""
    for z in range(found.shape[0]):
        for y in range(found.shape[1]):
            for x in range(found.shape[2]):
                total = constant
                for channel in range(len(row)):
                    total += values[z, y, x, channel] * row[channel]
                found[z, y, x] = total
