"""Time and memory of `analyse` from 256³ voxels on: time grows with the voxels, memory does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from poroscale.benchmarks.data import VOXEL_UM, coupon
from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import MIB, Part, Row, at_most

HERE = "poroscale.benchmarks.analysing"
Timed = Callable[[], Any]
PEAK_MIB = 2048
EXPONENT = 1.05
STAGES = {
    "ingest": "scan.zarr/.poroscale/manifest.json",
    "segment": "phases.zarr/.poroscale/manifest.json",
    "pores": "pores.parquet",
    "report": "report.html",
}
NOTE = (
    "`analyse` runs all its stages on a 16-bit scan of a generated coupon, from OME-Zarr, "
    "with 2 GiB allowed."
)


def analysing_part(edges: Sequence[int], *, repeats: int, data: Path, report: Report) -> Part:
    """The part of the benchmark, for all sizes."""
    contenders = [
        Contender(f"{edge}³", f"{HERE}:analyse_scan", {"scan": str(coupon(data, edge))})
        for edge in sorted(edges)
    ]
    measured = compare(contenders, repeats=repeats, scratch=data, report=report)
    rows = analysing_rows(sorted(edges), measured)
    return Part("Analyse", rows, list(measured.items()), NOTE)


def analysing_rows(edges: Sequence[int], measured: dict[str, Measured]) -> list[Row]:
    """Peak of each size, its stages, and the exponent over all sizes."""
    rows = []
    for name, runs in measured.items():
        peak = runs.peak / MIB
        rows.append(at_most(f"peak memory, {name}", peak, limit=PEAK_MIB, unit="MiB", shown=".0f"))
        stages = ", ".join(f"{stage} {took:.1f} s" for stage, took in runs.result["stages"].items())
        rows.append(Row(f"stages, {name}", stages, f"{runs.result['pores']:,} pores"))
    return rows + (_growth(edges, list(measured.values())) if len(edges) > 1 else [])


def _growth(edges: Sequence[int], measured: Sequence[Measured]) -> list[Row]:
    """The report takes as long for any scan; time without it shows what grows."""
    whole = [runs.wall for runs in measured]
    growing = [
        median(run.wall - run.result["stages"]["report"] for run in runs.runs) for runs in measured
    ]
    what = "time ~ voxels to the power of"
    return [
        at_most(what, exponent(edges, whole), limit=EXPONENT, unit=""),
        at_most(f"{what}, report not counted", exponent(edges, growing), limit=EXPONENT, unit=""),
    ]


def exponent(edges: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of log time over log voxels, by least squares."""
    voxels = 3 * np.log(np.asarray(edges, float))
    return float(np.polyfit(voxels, np.log(seconds), 1)[0])


def analyse_scan(scratch: Path, *, scan: str) -> Timed:
    """The pipeline `analyse`, as the command runs it."""
    import pyarrow.parquet as pq

    from poroscale.phantoms import PhantomConfig, phantom
    from poroscale.pipelines.analyse import analyse

    tiny = PhantomConfig(shape=(48, 48, 48), voxel_size=VOXEL_UM, seed=1)
    analyse([phantom(scratch / "tiny.zarr", config=tiny).scan.path], scratch / "warm-up")
    out = scratch / "results"

    def timed() -> dict[str, Any]:
        out.mkdir()
        begun = out.stat().st_mtime
        result = analyse([scan], out)[0]
        ends = [(out / file).stat().st_mtime for file in STAGES.values()]
        took = np.diff([begun, *ends]).tolist()
        stages = dict(zip(STAGES, took, strict=True))
        return {"stages": stages, "pores": pq.read_metadata(result.table).num_rows}

    return timed
