"""A scan where thresholds fail: by Otsu's, by the network that comes along, and as it is.

The scan's own grey values, plain and smoothed, are scores beside the network's: they take no
training.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from poroscale.engine import Run, connect
from poroscale.phantoms import PhantomConfig, phantom
from poroscale.pipelines.evaluate import evaluate
from poroscale.segmentation import Evaluation, segment_otsu
from poroscale.segmentation.evaluation.grey_scores import beaten_by_grey
from poroscale.segmentation.network.by_network import segment_by_network
from poroscale.segmentation.network.model import DEFAULT, SegmentationModel
from poroscale.verb import verb
from poroscale.volume import Volume

log = logging.getLogger("poroscale.demo")

POOR = PhantomConfig(
    shape=(128, 160, 160),
    voxel_size=10.0,
    porosity=0.01,
    pore_diameter=40.0,
    projections=120,
    exposure=0.1,
    seed=31,
)
"""Not one of the phantoms that the model was trained on."""


@dataclass(frozen=True)
class PoorScanResult:
    """A scan of low exposure, and how well its pores were found.

    Attributes
    ----------
    scan, truth
        The generated scan, and its phases: 0 outside, 1 solid, 2 pore.
    otsu, phases
        Phases by Otsu's thresholds, and by the network.
    scores
        Scores of the network.
    evaluations
        Of Otsu's phases, the network's scores, and the grey values, plain and smoothed.
    warnings
        A sentence for each score that is no better than the grey values.
    page
        HTML page of the comparison.
    """

    scan: Volume
    truth: Volume
    otsu: Volume
    phases: Volume
    scores: Volume
    evaluations: tuple[Evaluation, ...]
    warnings: tuple[str, ...]
    page: Path


@verb("poor_scan")
def poor_scan(
    out: str | Path, *, config: PhantomConfig = POOR, run: Run | None = None
) -> PoorScanResult:
    """Make a scan of low exposure, segment it twice, and compare both with the truth.

    Parameters
    ----------
    out
        Folder of the scan, the phases and the page of the comparison.
    config
        Of the scan.
    run
        Memory, workers and cluster.

    Returns
    -------
    PoorScanResult
        All that was made, and how well the pores were found.
    """
    out = Path(out)
    with connect(run or Run(), job="poor scan") as shared:
        made = phantom(out / "poor.zarr", config=config, run=shared)
        log.info(
            "poor scan  %s: %s projections, %g %% of the photons of a good scan",
            *(made.scan.path, config.projections, 100 * config.exposure),
        )
        otsu = segment_otsu(made.scan, out / "otsu.zarr", run=shared)
        scores = out / "network.zarr"
        model = SegmentationModel.open(DEFAULT)
        phases = segment_by_network(
            made.scan, out / "phases.zarr", model=model, scores=scores, run=shared
        )
        opened = Volume.open(scores)
        found = evaluate([otsu, opened], made.truth, out / "poor", scan=made.scan, run=shared)
    warnings, page = beaten_by_grey(found), out / "poor" / "evaluation.html"
    _tell(found, warnings, page)
    return PoorScanResult(
        made.scan, made.truth, otsu, phases, opened, tuple(found), tuple(warnings), page
    )


def _tell(found: list[Evaluation], warnings: list[str], page: Path) -> None:
    for each in found:
        dice = each.ranking.at(each.ranking.best_threshold)["dice"]
        log.info(
            "           %-14s average precision %.3f, Dice %.3f",
            *(each.name, each.ranking.average_precision, dice),
        )
    for sentence in warnings:
        log.warning("%s", sentence)
    log.info("comparison %s", page)
