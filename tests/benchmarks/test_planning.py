"""Planning stops at the first block, having looked at none of the others."""

from pathlib import Path

from poroscale.benchmarks.planning import plan_blocks


def test_plan_of_many_blocks(benchmark, tmp_path: Path) -> None:
    timed = plan_blocks(tmp_path, blocks=[20, 10, 5])
    result = benchmark.pedantic(timed, rounds=1)
    assert result["seconds"] > 0
    assert result["bytes"] > 0
    assert not list((tmp_path / "out.zarr").rglob("c/*"))
