"""From two sets of phases to a page: measure every part, compare, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poroscale.compare import Ablation, CompareConfig, Comparison, Sample, ablate_bins
from poroscale.engine import Run, connect
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.plan import IMAGES, TABLES
from poroscale.engine.stage import planned_run
from poroscale.engine.workers.progress import progress
from poroscale.parts.fit import rebinned
from poroscale.parts.model import ROUGHNESS, PartModel
from poroscale.parts.placing.candidates import CandidateSampler
from poroscale.parts.placing.placement import Planner, plan_pores
from poroscale.pipelines.measured import SURFACE
from poroscale.pipelines.part_geometry import rough_part
from poroscale.pores import PoresConfig
from poroscale.pores.measure import measure_into
from poroscale.pores.measure import needs as pores_needs
from poroscale.report import compare_volumes
from poroscale.surface import measure_surface
from poroscale.surface.roughness import Roughness
from poroscale.surface.unroll import need as surface_need
from poroscale.volume import Volume


def compare_parts(
    reference: Sequence[Volume | str | Path],
    generated: Sequence[Volume | str | Path],
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
        How to compare.
    run
        How to run.

    Raises
    ------
    ValueError
        If voxel sizes differ, a part stands on both sides, or a side has no pores.
    MemoryError
        If the budget cannot hold one of the stages of a part; nothing has been done then.
    """
    out_dir, run = Path(out_dir), run or Run()
    reference, generated = ([_opened(each) for each in side] for side in (reference, generated))
    with held_folder(out_dir), connect(run) as connected:
        shared = _planned([*reference, *generated], connected)
        original, made = (
            [
                _measured(each, out_dir / "measured" / f"{name}_{i}", shared)
                for i, each in enumerate(side)
            ]
            for name, side in (("original", reference), ("generated", generated))
        )
        ablation = None if model is None else ablation_of(Path(model), out_dir)
        with progress("comparison", total=1, done=0, show=shared.progress) as advance:
            found = compare_volumes(original, made, out_dir, config=config, ablation=ablation)
            advance()
    return found


def _opened(volume: Volume | str | Path) -> Volume:
    return volume if isinstance(volume, Volume) else Volume.open(volume)


def _planned(parts: Sequence[Volume], run: Run) -> Run:
    """`run`, if every stage of every part fits its budget."""
    for part in parts:
        stages = pores_needs(part.spec) | {"surface": surface_need(part.spec)}
        planned_run(part.spec, stages, run, libraries=(*IMAGES, *TABLES))
    return run.but(planned=True)


def _measured(phases: Volume, folder: Path, run: Run) -> Sample:
    with held_folder(folder):
        table = measure_into(folder, phases, config=PoresConfig(), run=run)
    return Sample(phases, table, _surface(phases, folder / SURFACE, run))


def _surface(phases: Volume, folder: Path, run: Run) -> Path | None:
    """The folder of the unrolled surface; None for a volume without one, as a piece of rock."""
    try:
        return measure_surface(phases, folder, run=run).folder
    except ValueError as error:
        if "surface" not in str(error):
            raise
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
        placed = plan_pores(Planner(sampler, model.bank.shapes), shape[0])
        middle = placed.corner + 0.5 * model.bank.shapes.extents[placed.shape]
        across = (middle[:, 1:] - np.array(shape[1:]) / 2) * model.voxel_um
        return {"centroid_y_um": across[:, 0], "centroid_x_um": across[:, 1]}

    original = {f"centroid_{axis}_um": model.pores[f"{axis}_um"].to_numpy() for axis in "yx"}
    return ablate_bins(original, generate)
