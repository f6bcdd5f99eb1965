"""A scan where thresholds fail: by Otsu's, by the network that comes along, and as it is.

The scan's own grey values, plain and smoothed, are scores beside the network's: they take no
training.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from poroscale.engine import Run, connect
from poroscale.phantom import PhantomConfig, phantom
from poroscale.pipelines.evaluate import Beside, evaluate
from poroscale.segment import Evaluation, segment_otsu
from poroscale.segment.evaluation.grey_scores import beaten_by_grey
from poroscale.segment.network.by_network import segment_by_network
from poroscale.segment.network.model import DEFAULT, SegmentationModel

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


def poor_scan(
    out: str | Path, *, config: PhantomConfig = POOR, run: Run | None = None
) -> Iterator[str]:
    """Make a scan of low exposure, segment it twice, and compare both with the truth.

    Parameters
    ----------
    out
        Folder of the scan, the phases and the page of the comparison.
    config
        Of the scan.
    run
        How to run.

    Yields
    ------
    str
        What happened, line by line.
    """
    out = Path(out)
    with connect(run or Run()) as shared:
        made = phantom(out / "poor.zarr", config=config, run=shared)
        yield (
            f"poor scan  {made.scan.path}: {config.projections} projections, "
            f"{100 * config.exposure:g} % of the photons of a good scan"
        )
        otsu = segment_otsu(made.scan, out / "otsu.zarr", run=shared)
        scores = out / "network.zarr"
        model = SegmentationModel.open(DEFAULT)
        segment_by_network(made.scan, out / "phases.zarr", model=model, scores=scores, run=shared)
        beside = Beside(scan=made.scan)
        found = evaluate([otsu, scores], made.truth, out / "poor", beside=beside, run=shared)
        yield from map(_described, found)
        yield from (f"warning    {sentence}" for sentence in beaten_by_grey(found))
        yield f"comparison {out / 'poor' / 'evaluation.html'}"


def _described(found: Evaluation) -> str:
    dice = found.ranking.at(found.ranking.best_threshold)["dice"]
    return (
        f"           {found.name:14} average precision {found.ranking.average_precision:.3f}, "
        f"Dice {dice:.3f}"
    )
