"""Measurements of one part: its pores and its surface, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poroscale.engine import JobPlan, Pass, Run, plan_job
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.plan import IMAGES, TABLES
from poroscale.pore_analysis import PoresConfig
from poroscale.pore_analysis.measure import LABELS, measure_into
from poroscale.pore_analysis.measure import passes as pores_passes
from poroscale.surfaces import SurfaceConfig, SurfaceMap, measure_surface
from poroscale.surfaces.measure import passes as surface_passes
from poroscale.volume import Volume, VolumeSpec

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


def passes(phases: VolumeSpec) -> dict[str, Pass]:
    """Passes over the phases of a part."""
    return pores_passes(phases) | surface_passes(phases)


def plan_part(phases: Volume, run: Run) -> JobPlan:
    """The plan of measuring a part; MemoryError if the budget cannot hold a pass."""
    return plan_job(phases.spec, passes(phases.spec), run, libraries=(*IMAGES, *TABLES))


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
        Settings for unrolling the surface.
    run
        Memory, workers and cluster.
    """
    with held_folder(folder):
        table = measure_into(folder, phases, config=PoresConfig(), run=run)
    labels = Volume.open(folder / LABELS)
    found = measure_surface(phases, folder / SURFACE, config=surface, run=run)
    return MeasuredPart(phases, labels, table, found)
