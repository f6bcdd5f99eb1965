"""Scans to phases by a trained network (Iuso et al. 2024, sections 3.2 to 3.4).

`steps.py` has the steps:

1. The scan's grey range is found. Its contrast, blur, voxels and pores are compared with those of
   the training scans (`shift.py`).
2. The outside is flooded, as before Otsu's inner threshold; windows wholly outside are skipped.
3. Every window is inferred once; overlapping ones are averaged.
4. Of an unsupervised network this is its reconstruction: the scores are |scan - reconstruction|
   inside the part, without what the surface adds to them (`postprocess.py`).
5. Scores become phases (`scores.py`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from poroscale.engine import JobPlan, Lattice, Pass, Run, connect, plan_job
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.engine.passes import named
from poroscale.engine.plan import IMAGES, TABLES
from poroscale.segmentation.network.config import ByNetworkConfig
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.segmentation.network.scan_traits import passes as traits_passes
from poroscale.segmentation.network.steps import (
    PART,
    NetworkJob,
    anomalies_pass,
    windows_pass,
    write_network_phases,
)
from poroscale.segmentation.network.trial import Trial
from poroscale.segmentation.network.windows import cut_windows
from poroscale.segmentation.scores.postprocess import passes as postprocess_passes
from poroscale.segmentation.scores.scores import passes as scores_passes
from poroscale.segmentation.thresholds.otsu import outside_passes
from poroscale.volume import Volume, VolumeSpec

__all__ = ["ByNetworkConfig", "passes", "plan_segment_by_network", "segment_by_network"]


def segment_by_network(
    scan: Volume,
    out: str | Path,
    *,
    model: SegmentationModel,
    scores: str | Path | None = None,
    config: ByNetworkConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Outside, solid and pore phases of a scan by a trained network.

    Parameters
    ----------
    scan
        Grey values.
    out
        Folder of the phases: uint8, 0 outside, 1 solid, 2 pore.
    model
        The network.
    scores
        Folder in which the scores in [0, 1] are kept: uint8 of supervised networks, float16 of
        unsupervised ones, post-processed.
    config, run
        Settings of the stages, and how to run.

    Returns
    -------
    Volume
        The phases; `attributes["segmentation"]` records model, windows, threshold, porosity, what
        the scan is like, and what a reader should be warned of.

    Raises
    ------
    ValueError
        If tiles are asked of a network that is not purely convolutional, the scan has no range of
        grey values, or `out` holds something else.
    MemoryError
        If the budget cannot hold one block and the model.
    """
    config, run, out = config or ByNetworkConfig(), run or Run(), Path(out)
    made_by = _made_by(scan, model, config)
    _refuse_place(scores, scan, out)
    with connect(run, job="segment") as run:
        done = finished_before(out, made_by, run, [scan])
        if done is not None and (scores is None or _are_of(scores, done)):
            return done
        with work_folder(out, made_by, run) as work:
            job = NetworkJob(scan, model, config, work, run)
            kept = work / "scores.zarr" if scores is None else Path(scores)
            return write_network_phases(job, kept, out, made_by)


def _refuse_place(scores: str | Path | None, scan: Volume, out: Path) -> None:
    if scores is not None and Path(scores).resolve() in (out.resolve(), scan.path.resolve()):
        raise ValueError(f"`scores` must have a folder of their own, got {scores}")


def _made_by(scan: Volume, model: SegmentationModel, config: ByNetworkConfig) -> dict[str, Any]:
    """Parameters from which the phases follow; the place of the model is left out."""
    return {
        "verb": "segment",
        "method": model.card.model,
        "weights": model.card.sha256,
        "compared_with": model.card.compared,
        "windows": config.windows.model_dump(mode="json"),
        "postprocess": config.postprocess.model_dump(mode="json"),
        "scores": config.scores.model_dump(mode="json"),
        "scan": input_identity(scan),
    }


def passes(
    spec: VolumeSpec, *, model: SegmentationModel, config: ByNetworkConfig, run: Run
) -> tuple[dict[str, Pass], Trial]:
    """Passes over a scan of `spec`, and what a trial pass of the network told.

    Raises
    ------
    ValueError
        If the model cannot infer such windows, or not on such a device.
    MemoryError
        If network and one patch exceed the memory.
    """
    card, chosen = model.card, config.windows
    infer, windows = cut_windows(model, card.grey_range, config=chosen, run=run)
    inferred = windows_pass(infer, windows, spec, supervised=card.supervised)
    found = traits_passes(spec) | outside_passes(spec, config.scores.outside)
    found |= named(PART, inferred)
    scores = inferred.written
    if not card.supervised:
        anomalies = anomalies_pass(spec.dtype)
        scores = anomalies.written
        found |= named(anomalies)
        if chosen.postprocess:
            found |= postprocess_passes(scores, inferred.written, config.postprocess)
    found |= scores_passes(spec.but(dtype=scores, pyramid=None), config.scores)
    trial = Trial(len(Lattice(windows, spec.shape)), windows.edges[0], infer.seconds)
    return found, trial


def plan_segment_by_network(
    scan: Volume,
    *,
    model: SegmentationModel,
    config: ByNetworkConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `segment_by_network`; its note `time` tells how long the windows take.

    Raises
    ------
    ValueError
        If the model cannot infer such windows.
    MemoryError
        If the budget cannot hold a pass.
    """
    config, run = config or ByNetworkConfig(), run or Run()
    found, trial = passes(scan.spec, model=model, config=config, run=run)
    plan = plan_job(scan.spec, found, run, libraries=(*IMAGES, *TABLES))
    return replace(plan, notes={"time": trial.in_words(plan.stages["windows"].workers)})


def _are_of(scores: str | Path, phases: Volume) -> bool:
    """True if the scores stand there that the phases were made of."""
    try:
        return Volume.open(scores).digest == phases.attributes["segmentation"]["scores_digest"]
    except (OSError, ValueError):
        return False
