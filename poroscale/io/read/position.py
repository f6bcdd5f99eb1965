"""From where a file says its first voxel lies to the absolute index that a volume keeps.

ITK, NRRD and NIfTI state the centre of the first voxel. A volume without a crop has its first
centre at half a voxel if this program wrote it, and at zero if most others did; so k and k + 1/2
voxels both are index k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from poroscale.volume import Index, VoxelSize

_WHOLE = 1e-3  # of a voxel: what decimal fractions in a header can be off
_FARTHEST = 1 << 40


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


def _nearest(place: float) -> int:
    return math.floor(place) if _is_whole(place - 0.5) else round(place)


def _is_whole(place: float) -> bool:
    return abs(place - round(place)) < _WHOLE
