"""Scattering of pictures of the parts: three projections of the pores, and the surface.

With one scan, expectations run over windows along z (eqs. 8 to 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.surfaces import Surface
from poroscale.compare.voxels import Streamed
from poroscale.kernels.maps.scattering import Coefficients, scattering_coefficients
from poroscale.kernels.maps.scattering_distance import precision, separation
from poroscale.statistics.samples.distances import halves

SMALLEST = 16
"""Rows and columns that a transform of four octaves needs."""
VIEWS = {"z": "Pores along z", "y": "Pores along y", "x": "Pores along x", "surface": "Surface"}

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Scattered:
    """Scattering of one view of both sides, one entry per picture."""

    reference: list[Coefficients]
    generated: list[Coefficients]


def scatter_views(
    sides: tuple[Sequence[Streamed], Sequence[Streamed]],
    surfaces: tuple[Sequence[Surface | None], Sequence[Surface | None]],
    *,
    longest: int,
) -> dict[str, Scattered]:
    """Coefficients of every view that has at least four pictures on each side.

    Pictures of a view are brought to one size: projections with nothing around them, surfaces cut
    to the shorter circumference. Windows without a pore are left out.
    """
    found = {}
    for view in VIEWS:
        if view == "surface":
            both = [
                _surface_windows(maps, side) for maps, side in zip(surfaces, sides, strict=True)
            ]
            both = _cut_alike(both)
        else:
            both = [_projections(side, view) for side in sides]
            both = _frame_alike(both)
        if min(map(len, both)) < 4 or min(both[0][0].shape) < SMALLEST:
            continue
        taken = [[_shrunk(picture, longest) for picture in side] for side in both]
        first, second = ([scattering_coefficients(p) for p in side] for side in taken)
        found[view] = Scattered(first, second)
    return found


def scattering_row(view: str, scattered: Scattered, *, splits: int, seed: int) -> dict[str, Any]:
    """P, P̂ and S of one view, and P, P̂ and S of two halves of the original.

    The paper asks for nothing; here S <= 2 (P + P̂) passes. For equal laws S = P + P̂.
    """
    first, second = (
        np.stack([c.log_vector() for c in side])
        for side in (scattered.reference, scattered.generated)
    )
    within = [
        (precision(first[a]), precision(first[b]), separation(first[a], first[b]))
        for a, b in halves(len(first), splits=splits, seed=seed)
    ]
    apart = separation(first, second)
    target = 2 * (precision(first) + precision(second))
    half = np.mean(within, axis=0)
    return {
        "view": view,
        "pictures": [len(first), len(second)],
        "P": precision(first),
        "P_hat": precision(second),
        "S": apart,
        "target": target,
        "halves": {"P": float(half[0]), "P_hat": float(half[1]), "S": float(half[2])},
        "passes": bool(apart <= target),
    }


def _projections(side: Sequence[Streamed], view: str) -> list[Picture]:
    pictures: list[Picture] = []
    for streamed in side:
        for k in range(streamed.windows):
            rows = slice(k * streamed.layers, (k + 1) * streamed.layers)
            along = {"y": streamed.along_y, "x": streamed.along_x}
            taken = streamed.along_z[k] if view == "z" else along[view][rows]
            pictures.append(taken.astype(np.float32))
    return [picture for picture in pictures if picture.any()]


def _surface_windows(maps: Sequence[Surface | None], side: Sequence[Streamed]) -> list[Picture]:
    pictures: list[Picture] = []
    for surface, streamed in zip(maps, side, strict=True):
        if surface is None:
            continue
        for face in surface.heights:
            for first in range(0, len(face) - streamed.layers + 1, streamed.layers):
                window = face[first : first + streamed.layers]
                pictures.append(window - window.mean())
    return pictures


def _frame_alike(both: list[list[Picture]]) -> list[list[Picture]]:
    """All pictures with zeros around them, as large as the largest."""
    shapes = [picture.shape for side in both for picture in side]
    if not shapes:
        return both
    rows, columns = (max(sizes) for sizes in zip(*shapes, strict=True))

    def framed(picture: Picture) -> Picture:
        top, left = (rows - picture.shape[0]) // 2, (columns - picture.shape[1]) // 2
        bottom, right = rows - picture.shape[0] - top, columns - picture.shape[1] - left
        return np.pad(picture, ((top, bottom), (left, right)))

    return [[framed(picture) for picture in side] for side in both]


def _cut_alike(both: list[list[Picture]]) -> list[list[Picture]]:
    """All pictures cut to the size that each of them has."""
    shapes = [picture.shape for side in both for picture in side]
    if not shapes:
        return both
    rows, columns = (min(sizes) for sizes in zip(*shapes, strict=True))
    return [[picture[:rows, :columns] for picture in side] for side in both]


def _shrunk(picture: Picture, longest: int) -> Picture:
    """Means over square cells, so that the longer side is not above `longest` if that leaves
    the shorter one large enough to be transformed.
    """
    step = min(-(-max(picture.shape) // longest), min(picture.shape) // SMALLEST)
    return cell_means(picture, step)


def cell_means(picture: NDArray[Any], step: int) -> Picture:
    """Means over square cells of `step` pixels; what is left over at the edges does not count."""
    rows, columns = (n - n % step for n in picture.shape)
    cells = picture[:rows, :columns].reshape(rows // step, step, columns // step, step)
    return np.asarray(cells.mean(axis=(1, 3)), np.float32)
