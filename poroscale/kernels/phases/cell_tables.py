"""Parts of a 2 x 2 x 2 cell, and what each of its 256 patterns adds to a measure.

Corner k of a cell lies at (z, y, x) = (k >> 2 & 1, k >> 1 & 1, k & 1), and bit k of a pattern says
that it belongs to the phase. A cell owns the parts of the lattice that begin at its first corner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.bodies.surface_area import EARLIER

AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
"""Steps along z, y, x."""


def _corner(place: Sequence[int]) -> int:
    z, y, x = place
    return 4 * z + 2 * y + x


def _pair(step: Sequence[int]) -> tuple[int, int]:
    """The later and the earlier corner of the pair that a cell owns along a direction."""
    later = tuple(int(d < 0) for d in step)
    return _corner(later), _corner([a + d for a, d in zip(later, step, strict=True)])


def _square(axis: int, at: int) -> tuple[int, ...]:
    """Four corners in the plane `at` (0 or 1) across an axis."""
    return tuple(k for k in range(8) if (k >> (2 - axis) & 1) == at)


PAIRS = np.array([_pair(step) for step in EARLIER], np.int64)
"""(13, 2) corners of the owned pairs, in the order of `EARLIER`."""
SQUARES = np.array([_square(axis, at) for axis in range(3) for at in (0, 1)], np.int64)
"""(6, 4) corners of the squares across z, y, x: of each two the first is owned by the cell."""
ALONG = tuple(EARLIER.index((-z, -y, -x)) for z, y, x in AXES)
"""Places of the directions z, y, x in `EARLIER`."""

_SET = (np.arange(256)[:, None] >> np.arange(8)) & 1 == 1
"""(256, 8): whether the pattern holds the corner."""


def differing() -> NDArray[np.int64]:
    """(13, 256): 1 where exactly one voxel of the owned pair belongs to the pattern."""
    return (_SET[:, PAIRS[:, 0]] ^ _SET[:, PAIRS[:, 1]]).T.astype(np.int64)


def both() -> NDArray[np.int64]:
    """(13, 256): 1 where both voxels of the owned pair belong to the pattern."""
    return (_SET[:, PAIRS[:, 0]] & _SET[:, PAIRS[:, 1]]).T.astype(np.int64)


def first() -> NDArray[np.int64]:
    """(256,): 1 where the first corner belongs to the pattern."""
    return _SET[:, 0].astype(np.int64)


def euler(*, closed: bool) -> NDArray[np.int64]:
    """(256,) share of the Euler number of a phase.

    With `closed`, voxels are closed cubes, which join at corners (26 neighbours): vertices less
    edges plus faces less cubes. Otherwise voxels are points that join along the axes (6): points
    less edges plus squares less cubes.
    """
    owned = SQUARES[::2]
    pairs = PAIRS[list(ALONG)]
    if closed:
        return (
            _SET.any(axis=1).astype(np.int64)
            - _SET[:, owned].any(axis=2).sum(axis=1)
            + _SET[:, pairs].any(axis=2).sum(axis=1)
            - _SET[:, 0]
        )
    return (
        _SET[:, 0].astype(np.int64)
        - _SET[:, pairs].all(axis=2).sum(axis=1)
        + _SET[:, owned].all(axis=2).sum(axis=1)
        - _SET.all(axis=1)
    )


def planar_euler(axis: int, *, closed: bool) -> NDArray[np.int64]:
    """(256,) share of the Euler number of the plane section across an axis, as `euler`."""
    square = SQUARES[2 * axis]
    pairs = PAIRS[[ALONG[other] for other in range(3) if other != axis]]
    corner = _SET[:, 0].astype(np.int64)
    if closed:
        return _SET[:, square].any(axis=1) - _SET[:, pairs].any(axis=2).sum(axis=1) + corner
    return corner - _SET[:, pairs].all(axis=2).sum(axis=1) + _SET[:, square].all(axis=1)
