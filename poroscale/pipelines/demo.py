"""All of it on a generated scan with known pores: analyse, fit, generate, compare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from poroscale.engine import Run, connect
from poroscale.io.ingest import IngestConfig
from poroscale.phantom import PhantomConfig, phantom, score_pores
from poroscale.pipelines.analyse import AnalyseConfig, analyse
from poroscale.pores import PoresConfig
from poroscale.segment import LocalConfig
from poroscale.segment.thresholds.fields import ReconstructionCircle
from poroscale.segment.thresholds.histogram import grey_histogram
from poroscale.volume import PHASES, Volume

DEMO = PhantomConfig(shape=(192, 256, 256), voxel_size=5.0, porosity=0.008, seed=1)
LONGER = 2
"""How many times as long as the scan the generated part is."""
CLOSE_UM = 30.0


def demo(out: str | Path, *, run: Run | None = None) -> Iterator[str]:
    """Make a scan, analyse it, compare with the truth, and make a new part like it.

    Parameters
    ----------
    out
        Folder of the scan and of the results.
    run
        How to run.

    Yields
    ------
    str
        What happened, line by line.
    """
    out = Path(out)
    with connect(run or Run()) as shared:
        made = phantom(out / "coupon.zarr", config=DEMO, run=shared)
        yield f"scan       {made.scan.path}"
        config = AnalyseConfig(
            ingest=IngestConfig(),
            segment=LocalConfig(close_um=CLOSE_UM),
            pores=PoresConfig(classes=True),
        )
        result = analyse([made.scan.path], out / "results", config=config, run=shared)[0]
        record = result.phases.attributes["segmentation"]
        low, high = (100 * record[f"porosity_{end}"] for end in ("low", "high"))
        yield (
            f"porosity   {100 * record['porosity']:.3f} % in {record['pore_count']} pores "
            f"(90 % interval {low:.3f} to {high:.3f} %)"
        )
        labels = Volume.open(out / "results" / "labels.zarr")
        truth, measured = pd.read_parquet(made.table), pd.read_parquet(result.table)
        score = score_pores(truth, measured, truth_volume=made.truth, labels=labels)
        yield from agreement(score, truth_porosity(made.truth, shared))
        yield f"table      {result.table}"
        yield f"report     {result.report}"
        yield from renewed(result.phases, out, shared)


def renewed(phases: Volume, out: Path, run: Run) -> Iterator[str]:
    """Fit a model to the analysed part, generate one twice as long, compare the two."""
    from poroscale.pipelines.compare import compare_parts
    from poroscale.pipelines.fit import fit_part
    from poroscale.pipelines.generate import GenerateConfig, generate_parts

    z, y, x = phases.shape
    yield from fit_part([phases], out / "model", run=run).describe()
    config = GenerateConfig(shape=(LONGER * z, y, x), seed=1)
    (made,) = generate_parts(out / "model", out / "generated.zarr", config=config, run=run)
    yield from made.describe()
    found = compare_parts([phases], [made.phases], out / "comparison", model=out / "model", run=run)
    yield from found.describe()
    yield f"comparison {out / 'comparison' / 'compare.html'}"


def truth_porosity(truth: Volume, run: Run) -> float:
    """Pore voxels over part voxels of a volume of phases."""
    everywhere = ReconstructionCircle(truth.shape, whole=True)
    counts = grey_histogram(truth, everywhere, run=run).inside
    return float(counts[PHASES["pore"]] / max(1, counts[1:].sum()))


def agreement(score: dict[str, Any], porosity: float) -> Iterator[str]:
    """Measured pores against the truth, in words."""
    yield f"truth      porosity {100 * porosity:.3f} %"
    yield (
        f"           recall {score['recall']:.3f}, precision {score['precision']:.3f} "
        f"for pores above {score['smallest_diameter_voxels']:g} voxels of equivalent diameter"
    )
    yield (
        f"           volume error {100 * score['volume_error_median']:+.1f} % (median), "
        f"centroid error {score['centroid_error_um_median']:.2f} um (median)"
    )
