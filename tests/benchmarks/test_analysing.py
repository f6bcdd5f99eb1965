"""The main job, timed by its stages: they are all there, and they add up."""

from pathlib import Path

import pandas as pd
import pytest

from poroscale.benchmarks.analysing import STAGES, analyse_scan


@pytest.mark.slow
def test_analyse(benchmark, scan: Path, tmp_path: Path) -> None:
    timed = analyse_scan(tmp_path, scan=str(scan))
    result = benchmark.pedantic(timed, rounds=1)
    assert list(result["stages"]) == list(STAGES)
    assert min(result["stages"].values()) >= 0
    assert result["pores"] == len(pd.read_parquet(tmp_path / "results" / "pores.parquet"))
