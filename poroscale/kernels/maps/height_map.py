"""Height maps of rough surfaces: smooth random fields on lattices, and grains that stick on.

The map is unrolled: rows along z, columns once around the part, periodic. A field is a quadratic
B-spline of random nodes (nine look-ups a value, continuous slope). All lengths in voxels.
"""

from __future__ import annotations

import math

from numba import njit

NODE_STD = 0.55
"""Standard deviation of a two-dimensional quadratic B-spline of unit-variance nodes."""


@njit(nogil=True, cache=True)
def add_field(out, first, step, nodes, pitch, amplitude):  # type: ignore[no-untyped-def]
    """Add a random field to a map.

    Parameters
    ----------
    out : ndarray of float64, shape (rows, columns)
        Row i is at z = `first` + i * `step`; column j at the fraction j / columns of the way round.
    nodes : ndarray of float64, shape (n, m)
        Node k of a column at z = (k - 1) * `pitch`; held beyond the ends. Periodic along m.
    amplitude : ndarray of float64, the map's shape
        Factor of the field.
    """
    rows, columns = nodes.shape
    for i in range(out.shape[0]):
        v = (first + i * step) / pitch + 1.0
        row = math.floor(v + 0.5)
        wv = _weights(v - row)
        for j in range(out.shape[1]):
            u = j * columns / out.shape[1]
            column = math.floor(u + 0.5)
            wu = _weights(u - column)
            total = 0.0
            for a in range(3):
                k = min(max(row + a - 1, 0), rows - 1)
                for b in range(3):
                    total += wv[a] * wu[b] * nodes[k, (column + b - 1) % columns]
            out[i, j] += amplitude[i, j] * total


@njit(nogil=True, cache=True)
def _weights(f):  # type: ignore[no-untyped-def]
    return (0.5 * (0.5 - f) ** 2, 0.75 - f * f, 0.5 * (0.5 + f) ** 2)


@njit(nogil=True, cache=True)
def add_grains(out, first, step, perimeter, grains):  # type: ignore[no-untyped-def]
    """Raise a map by half spheres.

    Parameters
    ----------
    out, first, step
        As for `add_field`.
    perimeter : float
        Length of a row.
    grains : ndarray of float64, shape (n, 4)
        z, position along the row, radius and sink of each: its top is radius - sink high.
    """
    pitch = perimeter / out.shape[1]
    for k in range(len(grains)):
        z, along, radius, sink = grains[k]
        i0 = max(math.ceil((z - radius - first) / step), 0)
        i1 = min(math.floor((z + radius - first) / step) + 1, out.shape[0])
        j0 = math.ceil((along - radius) / pitch)
        j1 = math.floor((along + radius) / pitch) + 1
        for i in range(i0, i1):
            for j in range(j0, j1):
                left = radius**2 - (first + i * step - z) ** 2 - (j * pitch - along) ** 2
                if left > sink * sink:
                    out[i, j % out.shape[1]] += math.sqrt(left) - sink


@njit(nogil=True, cache=True)
def map_value(heights, first, step, s, z):  # type: ignore[no-untyped-def]
    """Bilinear value of a map at the fraction s of the way round (0 <= s < 1) and at z."""
    rows, columns = heights.shape
    v = min(max((z - first) / step, 0.0), rows - 1.000001)
    u = s * columns
    i, j = int(v), int(u)
    fv, fu = v - i, u - j
    j0, j1 = j % columns, (j + 1) % columns
    low = heights[i, j0] * (1.0 - fu) + heights[i, j1] * fu
    high = heights[i + 1, j0] * (1.0 - fu) + heights[i + 1, j1] * fu
    return low * (1.0 - fv) + high * fv
