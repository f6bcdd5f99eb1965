"""The machinery of the benchmark: contenders, figures, tables. Speed is not asserted."""

from pathlib import Path

import numpy as np
import pytest

from poroscale.benchmarks import bench
from poroscale.benchmarks.analysing import analysing_rows, exponent
from poroscale.benchmarks.complexity import (
    Counted,
    complexity_part,
    cost_row,
    count_row,
    windows_of_scan,
)
from poroscale.benchmarks.copying import COPY, MAP, NPY, THRESHOLD, TIFF, copying_rows
from poroscale.benchmarks.label import label_rows
from poroscale.benchmarks.measure import Contender, Measured, Once, compare
from poroscale.benchmarks.surfaces import surfaces_part
from poroscale.benchmarks.table import at_most, markdown_table, times_faster

HERE = "tests.benchmark_tables.test_bench"
MIB = 1 << 20


def of(*walls: float, peak: int = 0, result: object = None) -> Measured:
    return Measured([Once(wall, wall, peak, result) for wall in walls])


def hungry(_scratch: Path, *, mib: int):
    def timed() -> int:
        return int(np.ones(mib << 20, np.uint8)[::4096].sum())

    return timed


def littering(scratch: Path):
    assert not list(scratch.iterdir())
    (scratch / "left").write_text("behind")
    return lambda: str(scratch)


def failing(_scratch: Path):
    raise SystemExit(3)


def test_contenders_take_turns_in_processes_of_their_own(tmp_path: Path) -> None:
    small = Contender("small", f"{HERE}:hungry", {"mib": 1})
    large = Contender("large", f"{HERE}:hungry", {"mib": 160}, runs=1)
    said: list[str] = []
    measured = compare([large, small], repeats=2, scratch=tmp_path, report=said.append)
    assert [line.split(":")[0].strip() for line in said] == ["large", "small", "small"]
    assert [len(measured[name].runs) for name in ("large", "small")] == [1, 2]
    assert measured["large"].peak - measured["small"].peak > 140 * MIB
    assert measured["large"].result == 160 * 256


def test_every_run_gets_an_empty_folder_that_is_removed(tmp_path: Path) -> None:
    contender = Contender("littering", f"{HERE}:littering")
    measured = compare([contender], repeats=2, scratch=tmp_path, report=lambda _: None)
    folders = [run.result for run in measured["littering"].runs]
    assert len(set(folders)) == 2
    assert not list(tmp_path.iterdir())


def test_a_contender_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broken failed with exit code 3"):
        compare(
            [Contender("broken", f"{HERE}:failing")],
            repeats=1,
            scratch=tmp_path,
            report=lambda _: None,
        )


def test_figures_are_medians_and_peaks_maxima() -> None:
    runs = Measured([Once(3.0, 6.0, 10, "a"), Once(1.0, 2.0, 30, "b"), Once(2.0, 5.0, 20, "c")])
    assert (runs.wall, runs.cpu, runs.peak, runs.spread) == (2.0, 5.0, 30, (1.0, 3.0))
    assert runs.result == "c"


def test_a_target_is_met_at_its_limit_and_not_beyond() -> None:
    assert at_most("x", 2.0, limit=2.0, unit="s").met
    assert not at_most("x", 2.01, limit=2.0, unit="s").met
    peer = ("peer", of(2.0))
    assert times_faster("x", of(1.0), peer, at_least=2.0).met
    assert not times_faster("x", of(1.01), peer, at_least=2.0).met
    assert times_faster("x", of(1.0), peer, at_least=None).met is None


def test_speed_is_a_share_of_that_of_zarr() -> None:
    measured = {name: of(1.0, result=7) for name in (COPY, TIFF, NPY, THRESHOLD, MAP)}
    measured[TIFF] = of(1.5, result=7)
    rows = {row.what: row for row in reversed(copying_rows(100, measured))}
    assert (rows[TIFF].ratio, rows[TIFF].met) == ("67 %", False)
    assert (rows[NPY].value, rows[NPY].ratio, rows[NPY].met) == ("2 MB/s", "100 %", True)


def test_a_time_for_a_wrong_result_is_refused() -> None:
    ours, peer = (of(1.0, result={"components": n}) for n in (5, 6))
    with pytest.raises(RuntimeError, match="components must be as many for all"):
        label_rows(64, {"poroscale": ours, "cc3d": peer})
    copies = {name: of(1.0, result=7) for name in (COPY, TIFF, NPY, THRESHOLD, MAP)}
    with pytest.raises(RuntimeError, match="voxels must be the same"):
        copying_rows(64, copies | {NPY: of(1.0, result=8)})


@pytest.mark.parametrize("power", [0.9, 1.0, 1.3])
def test_exponent_of_a_power_law(power: float) -> None:
    edges = [256, 512, 1024]
    assert exponent(edges, [1e-7 * edge ** (3 * power) for edge in edges]) == pytest.approx(power)


def test_the_report_hides_no_growth() -> None:
    stages = {"ingest": 0.0, "segment": 0.0, "pores": 0.0, "report": 10.0}
    result = {"stages": stages, "pores": 1}
    measured = {"100³": of(11.0, result=result), "200³": of(26.0, result=result)}
    rows = analysing_rows([100, 200], measured)
    whole, growing = rows[-2:]
    assert whole.met
    assert not growing.met
    assert growing.value == "1.33"


def test_markdown_table_has_equal_lines() -> None:
    lines = markdown_table(("a", "b"), [("1", "22"), ("333", "")]).splitlines()
    assert lines[0] == "| a   | b  |"
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"edges": []}, "edges must be"),
        ({"edges": [8]}, "edges must be"),
        ({"edges": [64], "repeats": 0}, "repeats must be"),
        ({"edges": [64], "only": "speed"}, "only must be one of"),
    ],
)
def test_bad_orders_are_refused(asked: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bench(asked.pop("edges"), **asked)


def test_a_table_of_one_part(tmp_path: Path) -> None:
    text = bench([64], repeats=1, only="plan", data=tmp_path, report=lambda _: None)
    assert "## Planning" in text
    assert "--only plan" in text


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_table(tmp_path: Path) -> None:
    said: list[str] = []
    text = bench([64], repeats=1, only="label,ingest,plan", data=tmp_path, report=said.append)
    for title in ("## Labels, 64³", "## Ingest and threshold, 64³", "## Planning"):
        assert title in text
    assert "| components" in text
    assert "--only label,ingest,plan" in text
    assert said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "coupon-64.npys",
        "coupon-64.tiffs",
        "coupon-64.truth.parquet",
        "coupon-64.truth.zarr",
        "coupon-64.zarr",
        "sparse-64.zarr",
    ]


@pytest.mark.slow
def test_surfaces_are_compared_with_the_law_itself() -> None:
    said: list[str] = []
    part = surfaces_part(report=said.append, shape=(96, 192), steps=2)
    names = [row.what for row in part.rows]
    assert names == [
        "the map itself",
        "fresh draws of the law",
        "descent",
        "windows of the map",
        "network over keyed noise",
    ]
    assert part.rows[0].value.startswith("loss 0 ")


def test_what_is_counted_stands_beside_the_published() -> None:
    row = count_row("unet", Counted(1_325_000, 14_000_000_000, 14_124_000_000), 100)
    assert row == ("unet", "1.325", "1.325", "14.000", "14.124", "14.124", "1", "69")
    assert windows_of_scan(64) == 24 * 24 * 62


def test_memory_is_what_a_pass_takes_beside_the_network() -> None:
    before = {"before": 100 * MIB, "weights": 5 * MIB}
    runs = [Once(9.0, 2.0, 150 * MIB, before), Once(9.0, 4.0, 160 * MIB, before)]
    row = cost_row("vae", Measured(runs), None)
    assert row[:4] == ("vae", "5", "3.00", "60")
    assert row[4:] == ("not measured", "the process ended", "45 / 190")


@pytest.mark.slow
def test_a_step_takes_more_than_an_inference(tmp_path: Path) -> None:
    """A step keeps the outputs of all layers for its gradients."""
    part = complexity_part(
        repeats=1, data=tmp_path, report=lambda _: None, names=["unet"], width=0.25, edge=64
    )
    cells = [cell.strip() for cell in part.tables[1].splitlines()[-1].split("|")[1:-1]]
    inferred, stepped = float(cells[3]), float(cells[5])
    layer = 4 * 4 * 64**3 / MIB
    assert inferred > 2 * layer
    assert stepped > 1.2 * inferred
    assert part.markdown().endswith(part.tables[1])
