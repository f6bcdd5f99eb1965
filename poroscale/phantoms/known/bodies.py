"""Bodies as functions of the point: how deep a point lies below the surface.

A depth is positive inside, negative outside, and changes by at most one voxel per voxel. A voxel
whose centre lies deeper than half its diagonal is therefore wholly inside, and only the voxels near
the surface are divided to find how much of each is filled. Lengths in voxels; the centre of voxel
(i, j, k) lies at (i, j, k) + 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Body = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
"""(z, y, x) of points, arrays that broadcast -> depths."""
Point = tuple[float, float, float]
Shape = tuple[int, int, int]

SPLIT = 4
"""Sub-voxels along each edge of a voxel near the surface."""
NEAR = 0.87
"""Half the diagonal of a voxel."""
TOGETHER = 20_000
"""Voxels divided at a time, so that their sub-voxels take little memory."""
STEEPEST = 1.75
"""A little more than the largest gradient of the gyroid's function of unit wave number."""


def grid(shape: Shape, split: int = 1) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Open arrays z, y, x of the centres of all voxels, or of all sub-voxels."""
    z, y, x = (((np.arange(n * split) + 0.5) / split).astype(np.float32) for n in shape)
    return z[:, None, None], y[None, :, None], x[None, None, :]


def depths(body: Body, shape: Shape, split: int = 1) -> FloatArray:
    """Depths at the centres of all voxels, or of all sub-voxels."""
    z, y, x = grid(shape, split)
    fine = tuple(n * split for n in shape)
    return np.ascontiguousarray(np.broadcast_to(body(z, y, x), fine), np.float32)


def filled(body: Body, shape: Shape) -> FloatArray:
    """Share of each voxel that lies in the body, in steps of 1/64."""
    at = depths(body, shape)
    out = (at > 0).astype(np.float32)
    near = np.argwhere(np.abs(at) < NEAR)
    offsets = (np.arange(SPLIT, dtype=np.float32) + 0.5) / SPLIT
    steps = np.stack(np.meshgrid(offsets, offsets, offsets, indexing="ij")).reshape(3, 1, -1)
    for first in range(0, len(near), TOGETHER):
        some = near[first : first + TOGETHER]
        z, y, x = some.T[:, :, None].astype(np.float32) + steps
        out[tuple(some.T)] = (body(z, y, x) > 0).mean(axis=1, dtype=np.float32)
    return out


def everywhere() -> Body:
    """All of space."""
    return lambda z, y, x: np.full(np.broadcast_shapes(z.shape, y.shape, x.shape), 1e6, np.float32)


def ball(centre: Point, radius: float) -> Body:
    """A ball."""

    def depth(z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
        away = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
        return np.float32(radius) - np.sqrt(away)

    return depth


def cylinder(centre: Point, radius: float, axis: Point = (1.0, 0.0, 0.0)) -> Body:
    """An endless cylinder about a line through `centre` along `axis`."""
    w = _unit(axis)

    def depth(z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
        dz, dy, dx = z - centre[0], y - centre[1], x - centre[2]
        along = w[0] * dz + w[1] * dy + w[2] * dx
        across = dz**2 + dy**2 + dx**2 - along**2
        return np.float32(radius) - np.sqrt(np.maximum(across, 0))

    return depth


def layer(centre: Point, half: float, axis: Point = (1.0, 0.0, 0.0)) -> Body:
    """Body within `half` of a plane through `centre`, whose normal is `axis`."""
    w = _unit(axis)

    def depth(z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
        along = w[0] * (z - centre[0]) + w[1] * (y - centre[1]) + w[2] * (x - centre[2])
        return np.float32(half) - np.abs(along)

    return depth


def box(centre: Point, halves: Point, turn: NDArray[np.float64] | None = None) -> Body:
    """A box of half edges along the rows of `turn`, a rotation; along z, y, x without one."""
    rows = np.eye(3) if turn is None else turn
    return common(*(layer(centre, h, _point(w)) for h, w in zip(halves, rows, strict=True)))


def struts(centre: Point, cell: float, radius: float) -> Body:
    """Bars along z, y and x, `cell` apart."""

    def folded(a: FloatArray, middle: float) -> FloatArray:
        return np.abs((a - np.float32(middle)) % np.float32(cell) - np.float32(cell / 2))

    def depth(z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
        a, b, c = (folded(v, m) ** 2 for v, m in zip((z, y, x), centre, strict=True))
        return np.float32(radius) - np.sqrt(np.minimum(np.minimum(a + b, b + c), a + c))

    return depth


def gyroid(centre: Point, cell: float, half: float) -> Body:
    """A wall along the gyroid, everywhere at least `half` to both sides of it."""
    k = np.float32(2 * math.pi / cell)

    def depth(z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
        a, b, c = k * (z - centre[0]), k * (y - centre[1]), k * (x - centre[2])
        wave = np.sin(a) * np.cos(b) + np.sin(b) * np.cos(c) + np.sin(c) * np.cos(a)
        return np.float32(half) - np.abs(wave) / (np.float32(STEEPEST) * k)

    return depth


def common(*bodies: Body) -> Body:
    """Intersection of bodies."""

    def depth(z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
        found = bodies[0](z, y, x)
        for body in bodies[1:]:
            found = np.minimum(found, body(z, y, x))
        return found

    return depth


def outside_of(body: Body) -> Body:
    """Complement of a body."""
    return lambda z, y, x: -body(z, y, x)


def joined(*bodies: Body) -> Body:
    """Union of bodies."""
    return outside_of(common(*(outside_of(body) for body in bodies)))


def rotation(rng: np.random.Generator, degrees: tuple[float, float]) -> NDArray[np.float64]:
    """A turn by an angle between two limits about an axis in any direction; rows are the axes."""
    x, y, z = _unit(_point(rng.standard_normal(3)))
    angle = math.radians(rng.uniform(*degrees))
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return np.asarray(turn)


def _unit(axis: Point) -> Point:
    length = math.sqrt(sum(v * v for v in axis))
    return axis[0] / length, axis[1] / length, axis[2] / length


def _point(values: NDArray[np.float64]) -> Point:
    return float(values[0]), float(values[1]), float(values[2])
