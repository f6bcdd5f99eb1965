"""From two sets of phases to a page: measure every part, compare, write."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poroscale.compare import (
    Ablation,
    CompareConfig,
    Comparison,
    Sample,
    ablate_bins,
    compare_samples,
)
from poroscale.compare.voxels import SLAB_BYTES
from poroscale.engine import BlockGrid, JobPlan, Run, connect
from poroscale.engine.job_plan import driver_plan, planned
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.workers.progress import progress
from poroscale.kernels.phases.joined_chords import WindowCounter
from poroscale.parts.fit import rebinned
from poroscale.parts.model import ROUGHNESS, PartModel
from poroscale.parts.placing.candidates import CandidateSampler
from poroscale.parts.placing.placement import Planner, place_pores
from poroscale.pipelines.measured import SURFACE, plan_part
from poroscale.pipelines.part_geometry import rough_part
from poroscale.pore_analysis import PoresConfig
from poroscale.pore_analysis.measure import measure_into
from poroscale.report import write_comparison
from poroscale.surfaces import measure_surface
from poroscale.surfaces.no_surface import NoSurfaceError
from poroscale.surfaces.roughness import Roughness
from poroscale.verb import Section, verb
from poroscale.volume import Volume

COMPARING = 500 << 20
"""Bytes of the driving process while distances are resampled and pictures are drawn."""
SLAB_COPIES = 12.0
"""Bytes per voxel of a slab of layers while it is projected."""


@verb(
    "compare_volumes",
    Section.of("compare", CompareConfig),
    volumes=("reference", "generated"),
    plan="plan_compare_volumes",
)
def compare_parts(
    reference: Sequence[Volume],
    generated: Sequence[Volume],
    out_dir: str | Path,
    *,
    model: str | Path | None = None,
    config: CompareConfig | None = None,
    run: Run | None = None,
) -> Comparison:
    """Compare original parts with generated ones.

    Parameters
    ----------
    reference, generated
        Phases of the parts of either set.
    out_dir
        Folder for `compare.html`, `compare.json`, and in `measured/` the pore table and the surface
        of every part; what is measured already is left alone.
    model
        Part model with which the number of bins of the published maps is varied (Appendix B).
    config
        Settings of the comparison.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If voxel sizes differ, a part stands on both sides, or a side has no pores.
    MemoryError
        If the budget cannot hold one of the stages of a part; nothing has been done then.
    """
    out_dir, run = Path(out_dir), run or Run()
    with held_folder(out_dir), connect(run, job="compare") as connected:
        shared = planned(connected, partial(plan_compare_volumes, reference, generated))
        original, made = (
            [
                _measured(each, out_dir / "measured" / f"{name}_{i}", shared)
                for i, each in enumerate(side)
            ]
            for name, side in (("original", reference), ("generated", generated))
        )
        ablation = None if model is None else ablation_of(Path(model), out_dir)
        with progress("comparison", total=1, done=0, show=shared.progress) as advance:
            found = compare_samples(original, made, config=config)
            write_comparison(found, out_dir, ablation=ablation)
            advance()
    return found


def plan_compare_volumes(
    reference: Sequence[Volume],
    generated: Sequence[Volume],
    *,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `compare_parts`, part by part: pores and surface of each are measured.

    Raises
    ------
    MemoryError
        If the budget cannot hold one of the stages of a part.
    """
    run = run or Run()
    parts = [*reference, *generated]
    jobs = {str(part.path): plan_part(part, run) for part in parts}
    largest = max((part.shape for part in parts), key=prod)
    layers = max(1, SLAB_BYTES // prod(largest[1:]))
    slabs = BlockGrid(largest, (min(largest[0], layers), *largest[1:]))
    task = COMPARING + int(SLAB_COPIES * prod(slabs.block))
    task += WindowCounter.BYTES * prod(largest[1:])
    return JobPlan({"comparison": driver_plan(slabs, task, run)}, jobs=jobs)


def _measured(phases: Volume, folder: Path, run: Run) -> Sample:
    with held_folder(folder):
        table = measure_into(folder, phases, config=PoresConfig(), run=run)
    return Sample(phases, table, surface_of(phases, folder / SURFACE, run))


def surface_of(phases: Volume, folder: Path, run: Run) -> Path | None:
    """The folder of the unrolled surface; None for a volume without one, as a piece of rock."""
    try:
        return measure_surface(phases, folder, run=run).folder
    except NoSurfaceError:
        return None


def ablation_of(folder: Path, out_dir: Path) -> Ablation:
    """Pores drawn by the published maps with several numbers of bins (Appendix B, Fig. B.11)."""
    model, roughness = PartModel.open(folder), Roughness.load(folder / ROUGHNESS)
    settings = model.settings
    layers = round(sum(source["length_um"] for source in settings["sources"]) / model.voxel_um)
    shape = (max(layers, 64), settings["volume_width"], settings["volume_width"])
    geometry = rough_part(
        settings["part"],
        shape,
        model.voxel_um,
        half_um=(settings["half_um"][0], settings["half_um"][1]),
        roughness=roughness,
        seed=0,
    )

    def generate(bins: int) -> dict[str, NDArray[np.float64]]:
        sampler = CandidateSampler(rebinned(model, bins), geometry, 0)
        placed = place_pores(Planner(sampler, model.bank.shapes), shape[0])
        middle = placed.corner + 0.5 * model.bank.shapes.extents[placed.shape]
        across = (middle[:, 1:] - np.array(shape[1:]) / 2) * model.voxel_um
        return {"centroid_y_um": across[:, 0], "centroid_x_um": across[:, 1]}

    original = {f"centroid_{axis}_um": model.pores[f"{axis}_um"].to_numpy() for axis in "yx"}
    return ablate_bins(original, generate)
