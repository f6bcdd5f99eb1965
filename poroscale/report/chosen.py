"""Numbers that are asked for: pores above a size, and the part without its skin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat

from poroscale.config import Config
from poroscale.identity import kernel

if TYPE_CHECKING:
    from poroscale.engine import Run
    from poroscale.pore_analysis.phases import Chosen
    from poroscale.report.sections.extent import PartExtent
    from poroscale.report.table import PoreTable
    from poroscale.volume import Volume, VoxelSize

MM3 = 1e9  # um3 in a mm3
CORE_BYTES = 12.0
"""Temporary bytes per voxel: distances in float32, and masks."""


class ReportConfig(Config):
    """Settings for the additional numbers of a report.

    Attributes
    ----------
    min_um
        Equivalent diameter [um] from which pores are also counted separately, with their porosity.
    skin_um
        Thickness of the part's outermost layer [um] without which the porosity is given, too.
    """

    min_um: PositiveFloat | None = None
    skin_um: PositiveFloat | None = None


def above_size(table: PoreTable, min_um: float, part_um3: float | None) -> dict[str, Any]:
    """Number, volume and porosity of the pores of at least an equivalent diameter.

    Parameters
    ----------
    table
        The pores.
    min_um
        The diameter [um].
    part_um3
        Volume of solid and pores; None where it is not known.
    """
    volume = table.column("volume_um3")
    large = table.column("equivalent_diameter_um") >= min_um
    total, found = float(volume.sum()), float(volume[large].sum())
    return {
        "min_um": min_um,
        "pore_count": int(large.sum()),
        "pore_volume_um3": found,
        "share_of_pore_volume": found / total if total else None,
        "porosity": found / part_um3 if part_um3 else None,
        "number_density_per_mm3": int(large.sum()) / part_um3 * MM3 if part_um3 else None,
    }


def without_skin(
    table: PoreTable,
    phases: Volume,
    *,
    values: Chosen,
    skin_um: float,
    extent: PartExtent,
    run: Run | None = None,
) -> dict[str, Any]:
    """Porosity of what lies deeper than a skin below the free surface, by counting voxels.

    A voxel lies deeper if its centre is farther than `skin_um` from the nearest face of a voxel
    outside, to half a voxel. Ends of the volume that cut the part are no surface.

    Raises
    ------
    ValueError
        If nothing of the volume is outside, so that there is no surface.
    MemoryError
        If the budget cannot hold a block with a halo of the skin.
    """
    if values.outside is None:
        raise ValueError(
            "`skin_um` must come with a volume that has an outside, got one in which all is part"
        )
    part, pore = _core_voxels(phases, values, skin_um, run)
    deep = table.column("surface_distance_um") > skin_um
    return {
        "skin_um": skin_um,
        "part_volume_um3": part * float(np.prod(phases.voxel_size)),
        "share_of_part": part / max(1, int(extent.part.sum())),
        "porosity": pore / part if part else None,
        "porosity_counted_whole": extent.porosity,
        "pore_count": int(deep.sum()),
    }


def _core_voxels(
    phases: Volume, values: Chosen, skin_um: float, run: Run | None
) -> tuple[int, int]:
    """Voxels of the part, and of pores, that lie deeper than the skin."""
    from poroscale.engine import Halo, Reduction, reduce_blocks

    size = phases.voxel_size
    z, y, x = (int(np.ceil((skin_um + 0.5 * min(size)) / edge)) + 1 for edge in size)
    counts: Mapping[str, NDArray[np.int64]] = reduce_blocks(
        Reduction(_count_core, _added, lambda total: total),
        phases,
        halo=Halo((z, y, x), "edge"),
        parameters={
            "halo": [z, y, x],
            "size": list(size),
            "skin": skin_um,
            "pore": values.pore,
            "outside": values.outside,
        },
        bytes_per_voxel=CORE_BYTES,
        run=run,
    )
    part, pore = (int(count) for count in counts["core"])
    return part, pore


@kernel("report.count_core")
def _count_core(
    block: NDArray[Any],
    *,
    halo: list[int],
    size: VoxelSize,
    skin: float,
    pore: int,
    outside: int,
) -> dict[str, NDArray[np.int64]]:
    """Voxels of part and of pore that lie deeper than the skin."""
    import edt

    inside = block != outside
    inner = tuple(slice(h, n - h) for h, n in zip(halo, block.shape, strict=True))
    if inside.all():
        deep = np.ones(block[inner].shape, bool)
    elif not inside[inner].any():
        return {"core": np.zeros(2, np.int64)}
    else:
        distance = edt.edt(np.ascontiguousarray(inside), anisotropy=tuple(size), parallel=1)
        deep = distance[inner] > skin + 0.5 * min(size)
    return {"core": np.array([deep.sum(), (deep & (block[inner] == pore)).sum()], np.int64)}


def _added(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    return {"core": a["core"] + b["core"]}


def section_rows(extent: PartExtent, table: PoreTable, most: int = 60) -> list[dict[str, Any]]:
    """Porosity and number of pores of at most `most` sections along z, from the bottom up."""
    edges, porosity = extent.section_porosity(most)
    counts = np.histogram(table.column("centroid_z_um"), edges)[0]
    return [
        {
            "from_um": float(low),
            "to_um": float(high),
            "porosity": float(share) if np.isfinite(share) else None,
            "pore_count": int(count),
        }
        for low, high, share, count in zip(edges[:-1], edges[1:], porosity, counts, strict=True)
    ]
