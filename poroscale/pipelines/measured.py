"""What is measured of one part: its pores and its surface, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poroscale.engine import Run
from poroscale.engine.jobs.work import held_folder
from poroscale.pores import PoresConfig
from poroscale.pores.measure import LABELS, measure_into
from poroscale.surface import SurfaceConfig, SurfaceMap, measure_surface
from poroscale.volume import Volume

SURFACE = "surface"


@dataclass(frozen=True)
class MeasuredPart:
    """One part and what was measured of it.

    Attributes
    ----------
    phases
        0 outside, 1 solid, 2 pore.
    labels, table
        Its pores: the label volume and the pore table.
    surface
        Its unrolled surface.
    """

    phases: Volume
    labels: Volume
    table: Path
    surface: SurfaceMap


def measure_part(
    phases: Volume, folder: Path, *, surface: SurfaceConfig | None = None, run: Run
) -> MeasuredPart:
    """Measure pores and surface of a part; what is finished is left alone.

    Parameters
    ----------
    phases
        0 outside, 1 solid, 2 pore.
    folder
        Gets `labels.zarr`, `pores.parquet` and the folder `surface`.
    surface
        How the surface is unrolled.
    run
        How to run.
    """
    with held_folder(folder):
        table = measure_into(folder, phases, config=PoresConfig(), run=run)
    labels = Volume.open(folder / LABELS)
    found = measure_surface(phases, folder / SURFACE, config=surface, run=run)
    return MeasuredPart(phases, labels, table, found)
