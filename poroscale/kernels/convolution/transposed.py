"""A chain of transposed convolutions (kernel 4³, stride 2, padding 2) as products of few matrices.

Along an axis, results 2j and 2j + 1 of such a layer are sums over the inputs j and j + 1 alone:

    y[2j] = w2 x[j] + w0 x[j + 1],   y[2j + 1] = w3 x[j] + w1 x[j + 1]

So a layer is a plain convolution of 2³ taps with eight times the channels, one set for each parity
of the place (z, y, x): n inputs along an axis give 2n - 2 results, none of which sees an edge. Two
neighbours j and j + 1 take three products along an axis instead of four (Winograd, `pair_steps`),
eight neighbours 27 instead of 64.

1. Transform 3³ inputs of each of a group of blocks, a vector of channels at a time.
2. For each of 27 places, multiply the channels of all blocks with 24 columns of that place's
   weights; a column is one channel of one parity.
3. Transform 27 products to 2³ results, add the bias, cut at zero, write each by its parity.

Steps 2 and 3 are done for 24 columns at a time, whose weights and products stay in the caches.
Where an extent is odd, the block at its end leaves out a third of its products.

The blocks of an axis that is paired begin at even places. The bits of a result do not depend on the
extent, nor on the place if the first input has an even one; on axes that are not paired, never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.convolution.pair_steps import PLACES, give_block, see_block
from poroscale.kernels.convolution.vector_steps import COLUMNS, LANES, ROWS, multiply

Floats = NDArray[np.float32]
Shape = tuple[int, int, int]
Paired = tuple[bool, bool, bool]
KERNEL, STRIDE, PADDING = 4, 2, 2
PARITIES = 8
_TAPS = ((2, 0), (3, 1))
"""Of each parity along an axis, the taps of the kernel on the inputs j and j + 1."""
_PAIRED = np.array([[1, 0], [1, 1], [0, 1]])
"""Places of a pair from its taps; the first two of a single."""
SEEN_BYTES = 3 << 18
"""Transformed inputs of a group of blocks, in bytes about."""
MOST_BYTES = 52 << 20
"""Of the weights of a layer: sharing products along an axis makes them half as many again."""
WIDE = 384
"""Channels before a layer above which its weights are so many that few blocks are one group."""
FEW = 216
"""Blocks of a layer below which those at the ends are computed whole: weights are read once."""


@dataclass(frozen=True)
class PairedLayer:
    """One transposed convolution with bias.

    Attributes
    ----------
    weights
        float32 (panels, places, channels before, 24).
    bias
        float32 (panels · 24,).
    paired
        Of each axis whether neighbours share products.
    channels
        Channels behind, as they are stored: whole vectors but in a last layer.
    """

    weights: Floats
    bias: Floats
    paired: Paired
    channels: int

    @classmethod
    def of(
        cls,
        weight: NDArray[np.floating[Any]],
        bias: NDArray[np.floating[Any]],
        *,
        paired: Paired = (True, True, True),
        last: bool = False,
    ) -> PairedLayer:
        """The layer of weights (before, behind, 4, 4, 4) and biases (behind,)."""
        before, behind = weight.shape[:2]
        stored = behind if last else behind + -behind % LANES
        places = [PLACES if each else PLACES - 1 for each in paired]
        z, y, x = (_PAIRED[:n] for n in places)
        panels = -(-PARITIES * stored // COLUMNS)
        # Column by column, so that a layer of many channels is never held twice.
        weights = np.zeros((panels, prod(places), before + -before % LANES, COLUMNS), np.float32)
        biases = np.zeros(panels * COLUMNS, np.float32)
        for parity, chosen in enumerate(product(_TAPS, repeat=3)):
            taps = weight[np.ix_(range(before), range(behind), *chosen)].astype(np.float64)
            columns = np.einsum("ip,jq,kr,nopqr->oijkn", z, y, x, taps, optimize=True)
            for channel in range(behind):
                panel, lane = divmod(parity * stored + channel, COLUMNS)
                weights[panel, :, :before, lane] = columns[channel].reshape(-1, before)
                biases[panel * COLUMNS + lane] = bias[channel]
        return cls(weights, biases, paired, stored)

    def __call__(self, values: Floats, counts: Shape) -> Floats:
        """float32 (z, y, x, channels) of twice `counts` places, with the padding of `padded`.

        Parameters
        ----------
        values
            float32 (z, y, x, channels before), at least two places longer than `counts`.
        counts
            Inputs along each axis less one.
        """
        target = padded((2 * counts[0], 2 * counts[1], 2 * counts[2]), self.channels)
        scratch = self._scratch()
        for starts, kinds in self.classes(counts):
            _inner(values, target, self.weights, self.bias, self._places, starts, kinds, *scratch)
        return target

    def last(self, values: Floats, counts: Shape) -> Floats:
        """float32 (z, y, x, channels) results without their outermost layer."""
        z, y, x = (2 * n - 2 for n in counts)
        found, scratch = np.empty((z, y, x, self.channels), np.float32), self._scratch()
        for starts, kinds in self.classes(counts):
            _last(values, found, self.weights, self.bias, self._places, starts, kinds, *scratch)
        return found

    def classes(self, counts: Shape) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Blocks of one kind each: (first, step, number) along each axis, and results along it."""
        few = prod(-(-n // 2) for n in counts) < FEW
        axes = []
        for n, paired in zip(counts, self.paired, strict=True):
            if not paired:
                axes.append([((0, 1, n), 1)])
            elif few:
                axes.append([((0, 2, -(-n // 2)), 2)])
            else:
                axes.append([((0, 2, n // 2), 2), ((n - 1, 2, n % 2), 1)])
        return [
            (np.array([each[0] for each in found]), np.array([each[1] for each in found]))
            for found in product(*axes)
        ]

    @property
    def _places(self) -> NDArray[np.int64]:
        return np.array([PLACES if each else PLACES - 1 for each in self.paired])

    def _scratch(self) -> tuple[Floats, Floats]:
        """Arrays of the steps. They belong to one call, so that threads may call."""
        seen, products = scratch_of(self.weights.shape[2])
        return np.zeros(seen, np.float32), np.zeros(products, np.float32)


def scratch_of(before: int) -> tuple[Shape, Shape]:
    """Shapes of transformed inputs, and of products, of a group of blocks."""
    group = max(ROWS, SEEN_BYTES // (4 * PLACES**3 * before) // ROWS * ROWS)
    if before > WIDE:
        group = FEW + -FEW % ROWS
    return (PLACES**3, group, before), (PLACES**3, group, COLUMNS)


def scratch_bytes(widths: Sequence[int]) -> int:
    """Bytes of the arrays that the steps of a chain take, one layer at a time."""
    rounded = [width + -width % LANES for width in widths[:-1]]
    last = scratch_of(rounded[-1])[0][1] * PARITIES * (widths[-1] * PARITIES + COLUMNS)
    return 4 * (max(sum(map(prod, scratch_of(width))) for width in rounded) + last)


def padded(shape: Shape, channels: int) -> Floats:
    """Places for `shape` and two more along each axis, which blocks at the ends may touch."""
    z, y, x = shape
    return np.empty((z + 2, y + 2, x + 2, channels), np.float32)


@dataclass(frozen=True)
class TransposedChain:
    """Layers in a row, ReLU between them; the last one loses its outermost layer of results.

    Attributes
    ----------
    layers
        The layers.
    channels
        Of the inputs.
    """

    layers: tuple[PairedLayer, ...]
    channels: int

    @classmethod
    def of(
        cls,
        layers: Iterable[tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]],
        widths: Sequence[int],
        *,
        most: int = MOST_BYTES,
    ) -> TransposedChain:
        """The chain of layers.

        Parameters
        ----------
        layers
            Weights (before, behind, 4, 4, 4) and biases.
        widths
            Channels of the inputs, and those behind each layer.
        most
            Bytes that the weights of a layer may take; it shares products along fewer axes, else.
        """
        pairs = paired_of(widths, most)
        found = [
            PairedLayer.of(weight, bias, paired=paired, last=number == len(pairs) - 1)
            for number, ((weight, bias), paired) in enumerate(zip(layers, pairs, strict=True))
        ]
        return cls(tuple(found), widths[0])

    def __call__(self, latents: Floats) -> Floats:
        """float32 (z, y, x, channels) from latents (channels, z, y, x)."""
        counts = tuple(n - 1 for n in latents.shape[1:])
        z, y, x = counts
        first = self.layers[0].weights.shape[2]
        values = padded((z, y, x), first)
        values[...] = 0
        values[: z + 1, : y + 1, : x + 1, : self.channels] = np.moveaxis(latents, 0, -1)
        for layer in self.layers[:-1]:
            values = layer(values, (z, y, x))
            z, y, x = 2 * z - 1, 2 * y - 1, 2 * x - 1
        return self.layers[-1].last(values, (z, y, x))

    @property
    def bytes(self) -> int:
        """Bytes of the weights."""
        return sum(each.weights.nbytes for each in self.layers)


def paired_of(widths: Sequence[int], most: int = MOST_BYTES) -> list[Paired]:
    """Axes of each layer whose pairs share products: as many as leave its weights small enough.

    The first layer has none: its first input may lie at an odd place.
    """
    found: list[Paired] = [(False, False, False)]
    for before, behind in pairwise(widths[1:]):
        options = ((True, True, True), (False, True, True), (False, False, True))
        small = (each for each in options if weight_bytes(before, behind, each) <= most)
        found.append(next(small, (False, False, False)))
    return found


def weight_bytes(before: int, behind: int, paired: Paired) -> int:
    """Bytes of the weights of a layer."""
    columns = PARITIES * (behind + -behind % LANES)
    places = prod(PLACES if each else PLACES - 1 for each in paired)
    return 4 * places * (before + -before % LANES) * (columns + -columns % COLUMNS)


@njit(nogil=True, cache=True)
def _see_group(source, starts, first, count, seen):  # type: ignore[no-untyped-def]
    """Step 1 for `count` blocks of a class, from the block `first` on."""
    plane, row, column = source.strides[0], source.strides[1], source.strides[2]
    place, block = seen.strides[0], seen.strides[1]
    ny, nx = starts[1, 2], starts[2, 2]
    for i in range(count):
        z, y, x = _block_at(starts, first + i, ny, nx)
        start = source.ctypes.data + z * plane + y * row + x * column
        target = seen.ctypes.data + i * block
        for vector in range(seen.shape[2] // LANES):
            there = 32 * vector
            see_block(start + there, plane, row, column, target + there, place)


@njit(nogil=True, cache=True, inline="always")
def _block_at(starts, number, ny, nx):  # type: ignore[no-untyped-def]
    """First input of a block of a class."""
    z, rest = number // (ny * nx), number % (ny * nx)
    y, x = rest // nx, rest % nx
    return (
        starts[0, 0] + starts[0, 1] * z,
        starts[1, 0] + starts[1, 1] * y,
        starts[2, 0] + starts[2, 1] * x,
    )


@njit(nogil=True, cache=True)
def _multiply_panel(seen, weights, panel, places, kinds, count, products):  # type: ignore[no-untyped-def]
    """Step 2 for 24 columns; a block with one result along an axis needs two places there."""
    for a in range(kinds[0] + 1):
        for b in range(kinds[1] + 1):
            for c in range(kinds[2] + 1):
                place = (PLACES * a + b) * PLACES + c
                stored = (places[1] * a + b) * places[2] + c
                numbers = (
                    weights.ctypes.data + panel * weights.strides[0] + stored * weights.strides[1]
                )
                values = seen.ctypes.data + place * seen.strides[0]
                found = products.ctypes.data + place * products.strides[0]
                for block in range(0, count, ROWS):
                    multiply(
                        values + block * seen.strides[1],
                        seen.strides[1],
                        numbers,
                        weights.strides[2],
                        found + block * products.strides[1],
                        products.strides[1],
                        seen.shape[2],
                    )


@njit(nogil=True, cache=True)
def _inner(source, target, weights, biases, places, starts, kinds, seen, products):  # type: ignore[no-untyped-def]
    """A layer between others, on one class of blocks."""
    ny, nx = starts[1, 2], starts[2, 2]
    total, channels = starts[0, 2] * ny * nx, target.shape[3]
    plane, row, column = target.strides[0], target.strides[1], target.strides[2]
    place, block = products.strides[0], products.strides[1]
    for first in range(0, total, seen.shape[1]):
        count = min(seen.shape[1], total - first)
        _see_group(source, starts, first, count, seen)
        for panel in range(weights.shape[0]):
            _multiply_panel(seen, weights, panel, places, kinds, count, products)
            for vector in range(COLUMNS // LANES):
                begun = panel * COLUMNS + vector * LANES
                parity, channel = begun // channels, begun % channels
                if parity >= PARITIES:
                    break
                shift = (parity // 4) * plane + (parity // 2 % 2) * row + (parity % 2) * column
                shift += target.ctypes.data + 4 * channel
                bias = biases.ctypes.data + 4 * begun
                for i in range(count):
                    z, y, x = _block_at(starts, first + i, ny, nx)
                    give_block(
                        products.ctypes.data + i * block + 32 * vector,
                        place,
                        bias,
                        shift + 2 * (z * plane + y * row + x * column),
                        2 * plane,
                        2 * row,
                        2 * column,
                        np.float32(0.0),
                    )


@njit(nogil=True, cache=True)
def _last(source, found, weights, biases, places, starts, kinds, seen, products):  # type: ignore[no-untyped-def]
    """The last layer, on one class of blocks: without ReLU, and without the outermost results."""
    ny, nx = starts[1, 2], starts[2, 2]
    total, channels = starts[0, 2] * ny * nx, found.shape[3]
    block, columns = products.strides[1], weights.shape[0] * COLUMNS
    given = np.empty((seen.shape[1], 2, 2, 2, columns), np.float32)
    one, two, three = given.strides[1], given.strides[2], given.strides[3]
    for first in range(0, total, seen.shape[1]):
        count = min(seen.shape[1], total - first)
        _see_group(source, starts, first, count, seen)
        for panel in range(weights.shape[0]):
            _multiply_panel(seen, weights, panel, places, kinds, count, products)
            for i in range(count):
                for vector in range(COLUMNS // LANES):
                    there = 4 * (panel * COLUMNS + vector * LANES)
                    give_block(
                        products.ctypes.data + i * block + 32 * vector,
                        products.strides[0],
                        biases.ctypes.data + there,
                        given.ctypes.data + i * given.strides[0] + there,
                        one,
                        two,
                        three,
                        np.float32(-np.inf),
                    )
        for i in range(count):
            z, y, x = _block_at(starts, first + i, ny, nx)
            _scatter(given[i], found, (2 * z - 1, 2 * y - 1, 2 * x - 1), kinds, channels)


@njit(nogil=True, cache=True)
def _scatter(given, found, place, kinds, channels):  # type: ignore[no-untyped-def]
    """Write the results of a block where they lie, as far as that is inside."""
    for a in range(2 * kinds[0]):
        z = place[0] + a
        if not 0 <= z < found.shape[0]:
            continue
        for b in range(2 * kinds[1]):
            y = place[1] + b
            if not 0 <= y < found.shape[1]:
                continue
            for c in range(2 * kinds[2]):
                x = place[2] + c
                if not 0 <= x < found.shape[2]:
                    continue
                parity = (a % 2) * 4 + (b % 2) * 2 + c % 2
                for channel in range(channels):
                    value = given[a // 2, b // 2, c // 2, parity * channels + channel]
                    found[z, y, x, channel] = value
