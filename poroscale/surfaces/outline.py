"""The form of a part and its exact axis, from the outline that few rays give.

1. The median outline over the layers fills a share of the smallest rectangle around it, turned as
   it may be: the whole of it for a box, π/4 for a circle.
2. The first harmonic of a cylinder's radius, or the planes of a box's faces, correct the axis. What
   lies off the fit (notches, open pores, missing ends) is left out of it, and the fit repeated.
3. If the axis has moved, the rays start again from the new one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run
from poroscale.surfaces.config import SurfaceConfig
from poroscale.surfaces.frame import Frame
from poroscale.surfaces.layers import FEW
from poroscale.surfaces.no_surface import NoSurfaceError
from poroscale.surfaces.unroll import surface_along
from poroscale.volume import Volume

Floats = NDArray[np.float64]
FULL = 0.89
"""A cross-section that fills more of its bounding rectangle is a box."""
CORE = 0.8
"""Share of a face, about its middle, that its plane is fitted to."""
ROUNDS, SETTLED = 5, 0.3
"""Fits at most, and the way of the axis [voxel] below which no other is needed."""
SIGNS = ((1, -1), (1, 1), (-1, 1), (-1, -1))
"""Of the faces +x, +y, -x, -y: outward, and how a turn of the box tilts them along."""


@dataclass(frozen=True)
class _Points:
    """Points of the surface: way along the axis, and y and x across it [voxel]; each (n,)."""

    z: Floats
    y: Floats
    x: Floats


def fit_frame(phases: Volume, frame: Frame, config: SurfaceConfig, *, run: Run) -> Frame:
    """The frame of a part, its form included.

    Parameters
    ----------
    phases
        Phases of a part.
    frame
        A cylinder around the part, roughly.
    config
        Form of the part, if that is known.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If too little of a surface is found to fit anything to.
    """
    reach = math.hypot(*phases.shape[1:])
    for _ in range(ROUNDS):
        rays = frame.outline_rays(reach)
        radius, _ = surface_along(phases, rays, run=run)
        if np.isfinite(radius).sum() < 0.1 * radius.size:
            raise NoSurfaceError(
                f"{phases.path} has no surface that could be unrolled around one axis"
            )
        before, points = frame, _points(frame, radius.astype(np.float64))
        share, turn = _form(radius.astype(np.float64), frame.turn)
        box = share > FULL if config.part == "auto" else config.part == "box"
        frame = _fit_box(before, points, turn) if box else _fit_cylinder(before, points)
        if _moved(before, frame) < SETTLED:
            break
    return frame


def _points(frame: Frame, radius: Floats) -> _Points:
    step = max(1, frame.rows // len(radius))
    theta = 2 * math.pi * (np.arange(radius.shape[1]) + 0.5) / radius.shape[1]
    z = np.broadcast_to((np.arange(len(radius))[:, None] + 0.5) * step, radius.shape)
    seen = np.isfinite(radius)
    return _Points(z[seen], (radius * np.sin(theta))[seen], (radius * np.cos(theta))[seen])


def _form(radius: Floats, turned: float) -> tuple[float, float]:
    """Share of the smallest rectangle that the outline fills, and the rectangle's turn."""
    columns = np.isfinite(radius).sum(axis=0) > 0
    theta = 2 * math.pi * (np.arange(radius.shape[1])[columns] + 0.5) / radius.shape[1]
    ring = np.nanmedian(radius[:, columns], axis=0)
    y, x = ring * np.sin(theta), ring * np.cos(theta)
    area = 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
    turns = np.radians(np.arange(-45, 45, 0.5))
    along = np.cos(turns)[:, None] * x + np.sin(turns)[:, None] * y
    across = np.cos(turns)[:, None] * y - np.sin(turns)[:, None] * x
    boxes = np.ptp(along, axis=1) * np.ptp(across, axis=1)
    best = int(boxes.argmin())
    return area / max(float(boxes[best]), 1e-9), turned + float(turns[best])


def _fit_cylinder(frame: Frame, points: _Points) -> Frame:
    """The axis about which the radius has no first harmonic; the radius at half height."""
    theta, radius = np.arctan2(points.y, points.x), np.hypot(points.y, points.x)
    middle = float(points.z.mean())
    found = _robust([np.ones_like(radius), np.sin(theta), np.cos(theta)], points.z - middle, radius)
    half = float(found[0])
    y, x = ((float(found[k]), float(found[3 + k])) for k in (1, 2))
    frame = replace(frame, part="cylinder", half=(half, half), turn=0.0)
    return frame.moved((y[0] - y[1] * middle, y[1]), (x[0] - x[1] * middle, x[1]))


def _fit_box(frame: Frame, points: _Points, turn: float) -> Frame:
    """The axis midway between opposite faces, and how the box is turned about it."""
    by = turn - frame.turn
    x = math.cos(by) * points.x + math.sin(by) * points.y
    y = math.cos(by) * points.y - math.sin(by) * points.x
    middle = float(points.z.mean())
    centre = (0.5 * float(y.max() + y.min()), 0.5 * float(x.max() + x.min()))
    planes = _planes(_Points(points.z - middle, y - centre[0], x - centre[1]))
    plus_x, plus_y, minus_x, minus_y = planes
    shift_x, shift_y = 0.5 * (plus_x - minus_x), 0.5 * (plus_y - minus_y)
    tilt = sum(sign * plane[1] for (_, sign), plane in zip(SIGNS, planes, strict=True)) / 4
    sizes = (0.5 * float(plus_y[0] + minus_y[0]), 0.5 * float(plus_x[0] + minus_x[0]))
    frame = replace(frame, part="box", half=sizes, turn=turn)
    shift_y[0], shift_x[0] = shift_y[0] + centre[0], shift_x[0] + centre[1]
    frame = frame.moved(
        (float(shift_y[0] - shift_y[2] * middle), float(shift_y[2])),
        (float(shift_x[0] - shift_x[2] * middle), float(shift_x[2])),
    )
    return _upright(replace(frame, turn=frame.turn + math.atan(float(tilt))))


def _planes(points: _Points) -> list[Floats]:
    """Offset, slope along the face, and both per way along the axis, of the four faces."""
    half_y, half_x = 0.5 * float(np.ptp(points.y)), 0.5 * float(np.ptp(points.x))
    planes = []
    for face, (sign, _) in enumerate(SIGNS):
        if face % 2 == 0:
            out, along, depth, width = sign * points.x, points.y, half_x, half_y
        else:
            out, along, depth, width = sign * points.y, points.x, half_y, half_x
        own = (out > 0.6 * depth) & (np.abs(along) < CORE * width)
        if own.sum() < FEW:
            raise NoSurfaceError(
                f"a box must have four faces, got {own.sum()} points of its surface on one of them"
            )
        planes.append(_robust([np.ones(int(own.sum())), along[own]], points.z[own], out[own]))
    return planes


def _upright(frame: Frame) -> Frame:
    """The same box with a turn of 45° at most: the face that is nearest to +x is +x."""
    quarters = round(frame.turn / (math.pi / 2))
    half = frame.half if quarters % 2 == 0 else frame.half[::-1]
    return replace(frame, turn=frame.turn - quarters * math.pi / 2, half=half)


def _robust(basis: list[Floats], z: Floats, values: Floats) -> Floats:
    """Least squares in the basis, and in the basis times z, without what lies far off.

    The factors of z are zero for so few layers that they would mean nothing.
    """
    terms = basis + [z * term for term in basis[:3]]
    count = len(basis) if np.ptp(z) < FEW - 1 else len(terms)
    design = np.stack(terms[:count], axis=1)
    keep = np.ones(len(values), bool)
    fit = np.zeros(len(terms))
    for _ in range(8):
        fit[:count], *_ = np.linalg.lstsq(design[keep], values[keep], rcond=None)
        rest = np.abs(values - design @ fit[:count])
        now = rest <= max(0.75, 3 * 1.4826 * float(np.median(rest)))
        if np.array_equal(now, keep):
            break
        keep = now
    return fit


def _moved(a: Frame, b: Frame) -> float:
    """Movement of the axis at either end, and of the form with it [voxel]."""
    if a.part != b.part:
        return math.inf
    ends = np.array([[0.0], [1.0]]) * a.rows
    way = (a.point + ends * a.axis) - (b.point + ends * b.axis)
    turned = abs(a.turn - b.turn) * max(b.half)
    return max(float(np.abs(way).max()), turned)
