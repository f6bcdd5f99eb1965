"""The largest inscribed ball at each voxel of a block, from the centres of balls.

Balls are painted from the largest to the smallest on bits, one for each voxel that is still bare.
Rows of a ball are compared with what is bare in the words of 64 voxels, and most planes of most
balls find nothing left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.phases.inscribed_balls import BEYOND, WITHIN, Codes
from poroscale.kernels.phases.squared_distance import Metric, squared_distances

Index = tuple[int, int, int]
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Painted:
    """Voxels of a block by the largest ball that holds them.

    Attributes
    ----------
    squared
        int64 (n,) squared radii, from the largest to the smallest; a radius may occur twice.
    voxels
        int64 (n,) voxels of the phase whose largest ball has that radius.
    largest
        int32 (nz, ny, nx) squared radius at each voxel of the block, 0 beyond the phase; None
        where it was not asked for.
    """

    squared: Int64
    voxels: Int64
    largest: NDArray[np.int32] | None


def paint_balls(
    codes: Codes,
    halo: Index,
    metric: Metric,
    *,
    image: bool = False,
) -> Painted:
    """The largest ball at each voxel of a block.

    Parameters
    ----------
    codes
        `ball_centres` of the block and of its halo.
    halo
        Voxels of the halo along z, y, x: the reach of the largest ball, or more.
    metric
        The metric of the codes.
    image
        Whether `largest` is made.
    """
    core = tuple(slice(h, n - h) for h, n in zip(halo, codes.shape, strict=True))
    inner = codes[core]
    bare, image_of = _bits(inner), np.zeros(inner.shape if image else (1, 0, 0), np.int32)
    found = [(metric.limit, _paint_largest(codes, core, metric, bare, image_of))]
    keys, centres, order = _balls(codes, halo, metric)
    shape, weights = np.array(inner.shape, np.int64), np.array(metric.weights, np.int64)
    squared, voxels = _paint(keys, centres, order, weights, shape, bare, image_of)
    least = min(metric.weights)
    found.append((least, _take_rest(bare, image_of, least)))
    every = np.concatenate([[found[0][0]], squared, [found[1][0]]]).astype(np.int64)
    counts = np.concatenate([[found[0][1]], voxels, [found[1][1]]]).astype(np.int64)
    return Painted(every[counts > 0], counts[counts > 0], image_of if image else None)


def _bits(inner: Codes) -> NDArray[np.uint64]:
    """A bit for each voxel of the phase: uint64 (nz, words, ny), 64 voxels along x to a word."""
    nz, ny, nx = inner.shape
    packed = np.zeros((nz, ny, 8 * -(-nx // 64)), np.uint8)
    packed[:, :, : -(-nx // 8)] = np.packbits(inner != BEYOND, axis=2, bitorder="little")
    return np.ascontiguousarray(packed.view("<u8").transpose(0, 2, 1))


def _paint_largest(
    codes: Codes,
    core: tuple[slice, ...],
    metric: Metric,
    bare: NDArray[np.uint64],
    image: NDArray[np.int32],
) -> int:
    """Take what the balls of the largest radius hold: all voxels that near to a centre."""
    centres = codes == metric.limit + 1
    if not centres.any():
        return 0
    near = squared_distances(centres, metric)[core] < metric.limit
    taken = _bits(near.astype(np.uint16)) & bare
    bare &= ~taken
    if image.size:
        image[near & (codes[core] != BEYOND)] = metric.limit
    return int(np.bitwise_count(taken).sum())


def _balls(codes: Codes, halo: Index, metric: Metric) -> tuple[Codes, NDArray[np.int32], Int64]:
    """Squared radii and centres, in the frame of the block, and the order from large to small.

    Balls of the largest radius are left out.
    """
    weights, pad = np.array(metric.weights, np.int64), np.array(halo, np.int64)
    none = np.empty(0, codes.dtype), np.empty((0, 3), np.int32)
    count = _reaching(codes, pad, weights, metric.limit, *none)
    keys, centres = np.empty(count, codes.dtype), np.empty((count, 3), np.int32)
    _reaching(codes, pad, weights, metric.limit, keys, centres)
    return keys, centres, np.argsort(keys.max(initial=0) - keys, kind="stable")


@njit(nogil=True, cache=True)
def _reaching(codes, halo, weights, limit, keys, centres):  # type: ignore[no-untyped-def]
    """How many balls reach the block; their squared radii and centres where there is room."""
    nz, ny, nx = codes.shape
    bz, by, bx = nz - 2 * halo[0], ny - 2 * halo[1], nx - 2 * halo[2]
    count = 0
    for z in range(nz):
        away = max(np.int64(0), halo[0] - z, z - halo[0] - bz + 1)
        far_z = weights[0] * away * away
        for y in range(ny):
            away = max(np.int64(0), halo[1] - y, y - halo[1] - by + 1)
            far_y = far_z + weights[1] * away * away
            for x in range(nx):
                code = np.int64(codes[z, y, x])
                if code <= WITHIN or code > limit:
                    continue
                away = max(np.int64(0), halo[2] - x, x - halo[2] - bx + 1)
                if far_y + weights[2] * away * away >= code - 1:
                    continue
                if count < len(keys):
                    keys[count] = code - 1
                    centres[count, 0], centres[count, 1] = z - halo[0], y - halo[1]
                    centres[count, 2] = x - halo[2]
                count += 1
    return count


@njit(nogil=True, cache=True)
def _paint(keys, centres, order, weights, shape, bare, image):  # type: ignore[no-untyped-def]
    """Paint balls in their order; those of one radius share its outline.

    The squared radii that occur, and the voxels that the balls of each have taken.
    """
    squared, voxels = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    outline, widths = _outline(np.int64(1), weights)
    kinds = 0
    for ball in order:
        if kinds == 0 or squared[kinds - 1] != keys[ball]:
            squared[kinds], voxels[kinds] = keys[ball], 0
            outline, widths = _outline(squared[kinds], weights)
            kinds += 1
        voxels[kinds - 1] += _paint_ball(
            centres[ball], outline, widths, shape, bare, image, squared[kinds - 1]
        )
    return squared[:kinds].copy(), voxels[:kinds].copy()


@njit(nogil=True, cache=True)
def _paint_ball(centre, outline, widths, shape, bare, image, value):  # type: ignore[no-untyped-def]
    """Take the bare voxels of a ball; how many they were."""
    cz, cy, cx = np.int64(centre[0]), np.int64(centre[1]), np.int64(centre[2])
    reach, side = len(widths) - 1, outline.shape[2] // 2
    middle = 32 * outline.shape[1] - cx
    first, last = max(np.int64(0), cy - side), min(shape[1] - 1, cy + side)
    row = first - cy + side
    taken = 0
    for z in range(max(np.int64(0), cz - reach), min(shape[0] - 1, cz + reach) + 1):
        away = abs(z - cz)
        low, high = max(np.int64(0), cx - widths[away]), min(shape[2] - 1, cx + widths[away])
        for word in range(low >> 6, (high >> 6) + 1):
            place = (word << 6) + middle
            ball = outline[away, place >> 6 : (place >> 6) + 2]
            shift = np.uint64(place & 63)
            column = bare[z, word, first : last + 1]
            if _any(column, ball, row, shift):
                picture = image[z, first : last + 1] if image.size else image[0]
                taken += _take(column, ball, row, shift, picture, word << 6, value)
    return taken


@njit(nogil=True, cache=True)
def _outline(squared, weights):  # type: ignore[no-untyped-def]
    """A ball as bits, and the half width along x of each of its planes, by |dz|.

    uint64 (planes, words, rows): the words lie as the words of `bare` do, the centre is the first
    bit of the second half of them. Outermost words are empty, so that any shift finds its two.
    """
    rest = squared - 1
    reach, side = _root(rest // weights[0]), _root(rest // weights[1])
    wide = _root(rest // weights[2])
    words = 2 * ((wide >> 6) + 2)
    out = np.zeros((reach + 1, words, 2 * side + 1), np.uint64)
    widths = np.zeros(reach + 1, np.int64)
    for z in range(reach + 1):
        left = rest - weights[0] * z * z
        widths[z] = _root(left // weights[2])
        for y in range(-_root(left // weights[1]), _root(left // weights[1]) + 1):
            half = _root((left - weights[1] * y * y) // weights[2])
            low, high = 32 * words - half, 32 * words + half
            for word in range(low >> 6, (high >> 6) + 1):
                out[z, word, y + side] = _span(low - (word << 6), high - (word << 6))
    return out, widths


@njit(nogil=True, cache=True, inline="always")
def _span(low, high):  # type: ignore[no-untyped-def]
    """The bits of a word from `low` to `high`, which may lie beyond it."""
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    return (full << np.uint64(max(low, 0))) & (full >> np.uint64(63 - min(high, 63)))


@njit(nogil=True, cache=True, inline="always")
def _root(n):  # type: ignore[no-untyped-def]
    """Whole part of the root of a whole number below 2^52."""
    return np.int64(np.sqrt(n))


@njit(nogil=True, cache=True, inline="always")
def _any(column, ball, first, shift):  # type: ignore[no-untyped-def]
    """True if the ball holds a bare voxel of a column of words; all rows at once."""
    back, one = np.uint64(63) - shift, np.uint64(1)
    near, far = ball[0, first : first + len(column)], ball[1, first : first + len(column)]
    found = np.uint64(0)
    for k in range(len(column)):
        found |= column[k] & ((near[k] >> shift) | (far[k] << back << one))
    return found != 0


@njit(nogil=True, cache=True)
def _take(column, ball, first, shift, image, place, value):  # type: ignore[no-untyped-def]
    """Take the bare voxels that the ball holds; how many they were."""
    back, one = np.uint64(63) - shift, np.uint64(1)
    taken = 0
    for k in range(len(column)):
        bits = column[k] & ((ball[0, first + k] >> shift) | (ball[1, first + k] << back << one))
        if bits != 0:
            column[k] ^= bits
            taken += _ones(bits)
            if image.size:
                _write(bits, image[k], place, value)
    return taken


@njit(nogil=True, cache=True)
def _take_rest(bare, image, value):  # type: ignore[no-untyped-def]
    """Voxels that are still bare: no ball but their own holds them."""
    taken = 0
    for z in range(bare.shape[0]):
        for y in range(bare.shape[2]):
            for word in range(bare.shape[1]):
                taken += _ones(bare[z, word, y])
                if image.size:
                    _write(bare[z, word, y], image[z, y], word << 6, value)
    return taken


@njit(nogil=True, cache=True)
def _write(bits, row, first, value):  # type: ignore[no-untyped-def]
    """Write `value` at the places of the bits that are set."""
    one = np.uint64(1)
    while bits != 0:
        row[first + _ones((bits & (~bits + one)) - one)] = value
        bits &= bits - one


@njit(nogil=True, cache=True, inline="always")
def _ones(bits):  # type: ignore[no-untyped-def]
    """How many bits of a word are set."""
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    bits = (bits & pairs) + ((bits >> np.uint64(2)) & pairs)
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))
