"""All of it on a generated scan with known pores: analyse, fit, generate, compare."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from poroscale.compare import Comparison
from poroscale.engine import JobPlan, Run, connect, plan_job
from poroscale.events import Described
from poroscale.io.ingest_config import IngestConfig
from poroscale.parts.generate import GeneratedPart
from poroscale.parts.model import PartModel
from poroscale.phantoms import PhantomConfig, phantom, score_pores
from poroscale.phantoms.scan import passes as phantom_passes
from poroscale.pipelines.analyse import AnalyseConfig, Analysis, analyse
from poroscale.pipelines.measured import passes as part_passes
from poroscale.pore_analysis import PoresConfig
from poroscale.segmentation import LocalConfig
from poroscale.segmentation.by_method import passes as segment_passes
from poroscale.segmentation.thresholds.fields import Everywhere
from poroscale.segmentation.thresholds.histogram import grey_histogram
from poroscale.verb import verb
from poroscale.volume import PHASES, Volume

log = logging.getLogger("poroscale.demo")

DEMO = PhantomConfig(shape=(192, 256, 256), voxel_size=5.0, porosity=0.008, seed=1)
LONGER = 2
"""Length of the generated part over that of the scan."""
CLOSE_UM = 30.0


@dataclass(frozen=True)
class Agreement(Described):
    """Measured pores against the known ones.

    Attributes
    ----------
    porosity
        Of the truth, pore voxels over part voxels.
    score
        "recall", "precision", "smallest_diameter_voxels", "volume_error_median",
        "centroid_error_um_median"; see `poroscale.phantoms.score_pores`.
    """

    porosity: float
    score: Mapping[str, Any]

    def describe(self) -> Iterator[str]:
        """The agreement in words."""
        score = self.score
        yield f"truth      porosity {100 * self.porosity:.3f} %"
        yield (
            f"           recall {score['recall']:.3f}, precision {score['precision']:.3f} "
            f"for pores above {score['smallest_diameter_voxels']:g} voxels of equivalent diameter"
        )
        yield (
            f"           volume error {100 * score['volume_error_median']:+.1f} % (median), "
            f"centroid error {score['centroid_error_um_median']:.2f} um (median)"
        )


@dataclass(frozen=True)
class DemoResult:
    """Results of the demo.

    Attributes
    ----------
    scan, truth
        The generated scan, and its phases: 0 outside, 1 solid, 2 pore.
    analysis
        Results of `analyse` for the scan.
    agreement
        Of the pores that were found with the truth.
    model
        The part model that was fitted to the phases.
    part
        The part that was generated from the model.
    comparison
        Of the generated part with the scanned one.
    page
        HTML page of the comparison.
    """

    scan: Volume
    truth: Volume
    analysis: Analysis
    agreement: Agreement
    model: PartModel
    part: GeneratedPart
    comparison: Comparison
    page: Path


@verb("demo", plan="plan_demo")
def demo(out: str | Path = "demo", *, run: Run | None = None) -> DemoResult:
    """Make a scan, analyse it, compare it with the truth, and make a new part like it.

    Parameters
    ----------
    out
        Folder of the scan and of the results.
    run
        Memory, workers and cluster.

    Returns
    -------
    DemoResult
        All that was made and found.
    """
    out = Path(out)
    with connect(run or Run(), job="demo") as shared:
        made = phantom(out / "coupon.zarr", config=DEMO, run=shared)
        log.info("scan       %s", made.scan.path)
        result = _analysed(made.scan, out / "results", shared)
        labels = Volume.open(out / "results" / "labels.zarr")
        truth, measured = pd.read_parquet(made.table), pd.read_parquet(result.table)
        score = score_pores(truth, measured, truth_volume=made.truth, labels=labels)
        agreement = Agreement(truth_porosity(made.truth, shared), score)
        log.info("%s", agreement)
        log.info("table      %s", result.table)
        log.info("report     %s", result.report)
        model, part, comparison = _renewed(result.phases, out, shared)
    page = out / "comparison" / "compare.html"
    log.info("comparison %s", page)
    return DemoResult(made.scan, made.truth, result, agreement, model, part, comparison, page)


def plan_demo(*, run: Run | None = None) -> JobPlan:
    """The plan of `demo`, of what passes over its scan and its phases.

    Raises
    ------
    MemoryError
        If the budget cannot hold a stage.
    """
    spec, made = phantom_passes(DEMO)
    phases = spec.but(dtype=np.dtype(np.uint8), attributes={"kind": "phases"})
    segmented = segment_passes(spec, LocalConfig(close_um=CLOSE_UM)).passes
    return plan_job(spec, {**made, **segmented, **part_passes(phases)}, run or Run())


def _analysed(scan: Volume, folder: Path, run: Run) -> Analysis:
    config = AnalyseConfig(
        ingest=IngestConfig(),
        segment=LocalConfig(close_um=CLOSE_UM),
        pores=PoresConfig(classes=True),
    )
    result = analyse([scan.path], folder, config=config, run=run)[0]
    record = result.phases.attributes["segmentation"]
    porosity, low, high = (100 * record[f"porosity{end}"] for end in ("", "_low", "_high"))
    log.info(
        "porosity   %.3f %% in %d pores (90 %% interval %.3f to %.3f %%)",
        *(porosity, record["pore_count"], low, high),
    )
    return result


def _renewed(phases: Volume, out: Path, run: Run) -> tuple[PartModel, GeneratedPart, Comparison]:
    """Fit a model to the analysed part, generate one twice as long, compare the two."""
    from poroscale.pipelines.compare import compare_parts
    from poroscale.pipelines.fit import fit_part
    from poroscale.pipelines.generate import GenerateConfig, generate_part

    z, y, x = phases.shape
    model = fit_part([phases], out / "model", run=run)
    log.info("%s", model)
    config = GenerateConfig(shape=(LONGER * z, y, x), seed=1)
    (made,) = generate_part(out / "model", out / "generated.zarr", config=config, run=run)
    found = compare_parts([phases], [made.phases], out / "comparison", model=out / "model", run=run)
    log.info("%s", found)
    return model, made, found


def truth_porosity(truth: Volume, run: Run) -> float:
    """Pore voxels over part voxels of a volume of phases."""
    everywhere = Everywhere(truth.shape)
    counts = grey_histogram(truth, everywhere, run=run).inside
    return float(counts[PHASES["pore"]] / max(1, counts[1:].sum()))
