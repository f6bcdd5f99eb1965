"""Factors and shifts of channels that follow a condition at each voxel."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def modulate(target, place, count, layer, tables, slope):  # type: ignore[no-untyped-def]
    """Multiply and shift the channels of `count` blocks of a row, and take the leaky ReLU.

    Conditions begin as many planes before those of `target` as there are inner layers, halved; a
    voxel behind the layer lies `layer + 1` voxels further on in the noise.
    """
    conditions, factors, shifts = tables
    inners, last = factors.shape[0] - 1, factors.shape[1] - 2
    ahead = layer + 1
    for z in range(place[0], place[0] + 2):
        for y in range(place[1], place[1] + 2):
            for x in range(place[2], place[2] + 2 * count):
                at = conditions[z + ahead - inners, y + ahead, x + ahead]
                k = min(max(int(at), 0), last)
                share = at - np.float32(k)
                for channel in range(target.shape[3]):
                    factor, shift = factors[layer, k, channel], shifts[layer, k, channel]
                    factor += share * (factors[layer, k + 1, channel] - factor)
                    shift += share * (shifts[layer, k + 1, channel] - shift)
                    value = target[z, y, x, channel] * factor + shift
                    target[z, y, x, channel] = max(value, value * slope)
