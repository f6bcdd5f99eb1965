"""Shapes of the dark phase of a coarse scan: beyond the hull, within reach of a ball, of even bore.

All lengths in coarse voxels. Masks are bool (nz, ny, nx). The frame (the border of the array)
counts as neither solid nor air: distances run past it as if its last layers went on for ever,
which for a voxel within it is the same as if nothing were there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.distance import distance_to

Mask = NDArray[np.bool_]

FREE = 0.01
"""Share of a face up to which material leaves it to the air."""


def label_faces(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Components that are connected by faces: labels from 1 on, and voxels of each label.

    Entry 0 of the counts is what `mask` leaves out.
    """
    from scipy.ndimage import label

    labels, number = label(mask)
    return labels, np.bincount(labels.ravel(), minlength=number + 1)


def without_small_parts(mask: Mask, *, share: float) -> tuple[Mask, NDArray[np.int64]]:
    """Components of at least `share` of the largest one, and their voxels in falling order."""
    labels, counts = label_faces(mask)
    if len(counts) < 2:
        return mask, np.zeros(0, np.int64)
    kept = counts >= share * counts[1:].max()
    kept[0] = False
    return kept[labels], np.sort(counts[kept])[::-1]


def grow_from(seeds: Mask, mask: Mask) -> Mask:
    """The components of `mask` that hold a seed."""
    labels, counts = label_faces(mask)
    held = np.zeros(len(counts), bool)
    held[np.unique(labels[seeds & mask])] = True
    held[0] = False
    return held[labels]


def ball_reach(barrier: Mask, seeds: Mask, *, radius: float) -> Mask:
    """Region covered by a ball of `radius` that rolls from the seeds and never touches the barrier.

    The ball also rolls past those faces of the frame that are free. One wider than 12 voxels
    rolls over cells of 2³ voxels, and may stop two voxels short of the barrier.
    """
    if radius > 12:
        return _reach_of_large_ball(barrier, seeds, radius)
    edges = np.array(free_sides(barrier)) * (int(np.ceil(radius)) + 1)
    depth = distance_to(np.pad(barrier, edges, mode="edge"))
    centres = grow_from(np.pad(seeds, edges, mode="edge"), depth > radius)
    reached = distance_to(centres) <= radius
    spans = zip(edges, barrier.shape, strict=True)
    return np.asarray(reached[tuple(slice(low, low + n) for (low, _), n in spans)])


def _reach_of_large_ball(barrier: Mask, seeds: Mask, radius: float) -> Mask:
    even = np.ix_(*(np.minimum(np.arange(n + n % 2), n - 1) for n in barrier.shape))
    cells = _half(barrier[even], 1), _half(seeds[even], 8)
    reach = ball_reach(*cells, radius=radius / 2)
    for axis, n in enumerate(barrier.shape):
        reach = np.repeat(reach, 2, axis=axis).take(np.arange(n), axis=axis)
    return reach


def free_sides(barrier: Mask, *, layers: int = 1) -> list[list[bool]]:
    """Per axis, whether the first and the last `layers` hold next to nothing."""
    shares = [barrier.mean(axis=tuple(a for a in range(3) if a != axis)) for axis in range(3)]
    ends = [(each[:layers].max(), each[-layers:].max()) for each in shares]
    return [[bool(share < FREE) for share in pair] for pair in ends]


def _half(mask: Mask, least: int) -> Mask:
    """Groups of 2³ voxels of which at least so many are True."""
    z, y, x = (n // 2 for n in mask.shape)
    return mask.reshape(z, 2, y, 2, x, 2).sum(axis=(1, 3, 5)) >= least


def hull_of(mask: Mask, *, slack: float = 0.5) -> Mask:
    """Convex hull of the voxels of `mask`, filled, `slack` voxels wider on all sides.

    Where the voxels lie in one plane or line, their bounding box takes the hull's place.
    """
    from scipy.spatial import ConvexHull, QhullError

    ends = _ends_of_rows(mask)
    try:
        equations = ConvexHull(ends).equations if len(ends) > 3 else None
    except QhullError:
        equations = None
    if equations is None:
        return _bounding_box(mask)
    reach = slack * np.abs(equations[:, :3]).sum(axis=1)
    equations = np.unique(np.round(equations - np.c_[np.zeros((len(reach), 3)), reach], 6), axis=0)
    return _inside_planes(equations, mask.shape)


def _ends_of_rows(mask: Mask) -> NDArray[np.float64]:
    """(n, 3) first and last voxel of every row along x: the hull has no other corners."""
    z, y = np.nonzero(mask.any(axis=2))
    rows = mask[z, y]
    first, last = rows.argmax(axis=1), mask.shape[2] - 1 - rows[:, ::-1].argmax(axis=1)
    return np.concatenate([np.c_[z, y, first], np.c_[z, y, last]]).astype(np.float64)


def _bounding_box(mask: Mask) -> Mask:
    out = np.zeros_like(mask)
    if mask.any():
        out[np.ix_(*(_span(mask, axis) for axis in range(3)))] = True
    return out


def _span(mask: Mask, axis: int) -> NDArray[np.int64]:
    held = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
    return np.arange(held[0], held[-1] + 1)


def _inside_planes(equations: NDArray[np.float64], shape: tuple[int, ...]) -> Mask:
    """Voxels on the inner side of all planes: each row along x is one span."""
    z, y = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    low, high = np.zeros(shape[:2]), np.full(shape[:2], shape[2] - 1.0)
    for az, ay, ax, b in equations:
        rest = -(az * z + ay * y + b)
        if abs(ax) < 1e-5:
            high[rest < -1e-6] = -1.0
        elif ax > 0:
            np.minimum(high, rest / ax, out=high)
        else:
            np.maximum(low, rest / ax, out=low)
    x = np.arange(shape[2])
    return (x >= low[..., None] - 1e-6) & (x <= high[..., None] + 1e-6)


def constant_surroundings(relative: NDArray[np.float32]) -> Mask:
    """Mask of all beyond the inscribed circle of square slices, if that is one single value.

    A value near the solid's 1 is solid: a square sample of constant grey has no such circle.
    """
    out = np.zeros(relative.shape, bool)
    edge = relative.shape[1]
    if edge != relative.shape[2] or edge < 8:
        return out
    middle = (np.arange(edge) + 0.5 - edge / 2) ** 2
    radius = np.sqrt(middle[:, None] + middle[None])
    values = relative[:, radius > edge / 2 + 1.5]
    if not values.size:
        return out
    value = float(values.flat[0])
    if np.abs(values - value).max() > 1e-5 or abs(value - 1) < 0.25:
        return out
    out[:, radius > edge / 2] = True
    return out


def inner_seeds(mask: Mask, *, margin: float) -> Mask:
    """Voxels more than `margin` deep in `mask`; of a thinner component the deepest ones."""
    from scipy.ndimage import maximum

    depth = distance_to(~mask)
    labels, counts = label_faces(mask)
    deepest = np.zeros(len(counts), np.float32)
    deepest[1:] = maximum(depth, labels, np.arange(1, len(counts)))
    return mask & (depth > np.minimum(margin, 0.99 * deepest)[labels])


def faces_met(mask: Mask) -> int:
    """Number of faces of the frame that hold a voxel of `mask`."""
    return sum(bool(mask.take(end, axis=axis).any()) for axis in range(3) for end in (0, -1))
