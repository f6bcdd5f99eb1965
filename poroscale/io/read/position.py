"""Absolute index of the first voxel of a volume, from the position that a file states.

ITK, NRRD and NIfTI state the centre of the first voxel. A volume without a crop has its first
centre at half a voxel if this program wrote it, and at zero if most others did; so k and k + 1/2
voxels both are index k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from poroscale.io.read.source import Source
from poroscale.io.read.wrappers import AtCorner
from poroscale.volume import Index, VoxelSize

_WHOLE = 1e-3  # of a voxel: what decimal fractions in a header can be off
_FARTHEST = 1 << 40
FARTHEST_STATED = 2**31
"""Voxels from the origin, beyond which a position is taken for an error."""


def index_at(centre_um: Sequence[float], size: VoxelSize) -> tuple[Index, tuple[str, ...]]:
    """Index (z, y, x) of the first voxel, and a note where it is not quite there.

    Parameters
    ----------
    centre_um
        Centre of the first voxel along z, y, x in um.
    size
        Edges of a voxel along z, y, x in um.
    """
    places = [centre / edge for centre, edge in zip(centre_um, size, strict=True)]
    if not all(math.isfinite(place) and abs(place) < _FARTHEST for place in places):
        return (0, 0, 0), ("its position is no number of voxels and was left out",)
    z, y, x = (_nearest(place) for place in places)
    exact = all(_is_whole(place) or _is_whole(place - 0.5) for place in places)
    if exact:
        return (z, y, x), ()
    said = ", ".join(f"{centre:.6g}" for centre in centre_um)
    return (z, y, x), (f"its position ({said}) um (z, y, x) was rounded to whole voxels",)


def placed(source: Source, position_um: Sequence[float] | None) -> Source:
    """`source` at the position (z, y, x) that its file states [um], in whole voxels of its own.

    It stays as it is where there is no position, or no voxel size. A file states either the corner
    or the centre of its first voxel, and which one it means is rarely told: k and k + 1/2 voxels
    both are index k. Other places are rounded.

    Raises
    ------
    ValueError
        If the position is not finite or farther than 2^31 voxels.
    """
    if position_um is None or source.voxel_size is None or not any(position_um):
        return source
    z, y, x = (float(value) for value in position_um)
    voxels = [p / edge for p, edge in zip((z, y, x), source.voxel_size, strict=True)]
    if not all(math.isfinite(v) and abs(v) < FARTHEST_STATED for v in voxels):
        raise ValueError(
            f"{source.name}: the position of the first voxel must be finite and within 2^31 "
            f"voxels, got {[z, y, x]} um"
        )
    first, _ = index_at((z, y, x), source.voxel_size)
    return AtCorner.of(source, first, position_um=(z, y, x))


def _nearest(place: float) -> int:
    return math.floor(place) if _is_whole(place - 0.5) else round(place)


def _is_whole(place: float) -> bool:
    return abs(place - round(place)) < _WHOLE
