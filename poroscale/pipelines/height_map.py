"""From the height map of a profilometer to its roughness."""

from __future__ import annotations

from pathlib import Path

from poroscale.engine import JobPlan, Run
from poroscale.io.height_map import read_height_map
from poroscale.surfaces import MeasuredHeights, SurfaceConfig, measure_heights
from poroscale.surfaces.height_map import plan_heights
from poroscale.verb import Section, verb


@verb("height_map", Section.of("surface", SurfaceConfig), plan="plan_height_map")
def measure_height_map(
    path: str | Path,
    out_dir: str | Path,
    *,
    config: SurfaceConfig | None = None,
    run: Run | None = None,
) -> MeasuredHeights:
    """Measure the roughness of a profilometer's height map (ISO 25178-2).

    Parameters
    ----------
    path
        A file of Wyko or Bruker (`.opd`) or Alicona (`.al3d`).
    out_dir
        Folder for `heights.zarr`, `flags.zarr` and `roughness.json`.
    config
        The filters `short_wave_um` and `long_wave_um`; the other settings are of parts.
    run
        Memory, workers and cluster.

    Returns
    -------
    MeasuredHeights
        The levelled heights and their parameters.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no height map, or fewer than sixteen heights were measured.
    """
    found = read_height_map(path)
    return measure_heights(found.heights, found.pitch, out_dir, config=config, run=run)


def plan_height_map(path: str | Path, *, run: Run | None = None) -> JobPlan:
    """The plan of `measure_height_map`, with the same arguments."""
    return plan_heights(read_height_map(path).heights, run=run)
