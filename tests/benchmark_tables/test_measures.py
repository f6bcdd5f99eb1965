"""The benchmark `statistics`: which measures and peers run, and what their rows say."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from poroscale.benchmarks import bench
from poroscale.benchmarks.describing import WantedMeasures, describing_parts
from poroscale.benchmarks.describing.entries import C2, CLUSTERS, THICKNESS
from poroscale.benchmarks.describing.part import describing_rows, growth_rows
from poroscale.benchmarks.measure import Contender, Measured, Once, run_once

MIB = 1 << 20


def of(wall: float, *, peak: int = 0, cpu: float | None = None, **result: object) -> Measured:
    return Measured([Once(wall, wall if cpu is None else cpu, peak, result)])


def test_a_measure_stands_beside_each_of_its_peers() -> None:
    measured = {
        "thickness": of(2.0, peak=3000 * MIB, fraction=0.25, says="mean 5 um"),
        "edt alone": of(1.0, fraction=0.25),
        "porespy": of(4.0, fraction=0.25, says="mean 4 um"),
    }
    rows = {(row.what, row.peer): row for row in describing_rows([THICKNESS], measured)}
    floor, peer = rows["thickness", "edt alone 1.00 s (CPU 1.00)"], rows["found by porespy", ""]
    assert (floor.ratio, floor.met) == ("2.00 times (CPU 2.00)", None)
    assert rows["thickness", "porespy 4.00 s (CPU 4.00)"].met
    assert peer.value == "mean 4 um"
    assert rows["peak memory of thickness", ""].met is False


def test_a_measure_without_a_peer_shows_its_time() -> None:
    row = describing_rows([C2], {"C2": of(2.0, c2_z=[1.0])})[0]
    assert (row.what, row.value, row.met) == ("C2", "2.00 s (CPU 2.00)", None)


def test_a_measure_that_differs_from_its_peer_is_refused() -> None:
    measured = {"clusters": of(1.0, clusters=5), "cc3d": of(1.0, clusters=6)}
    with pytest.raises(RuntimeError, match="clusters must be the same for clusters and cc3d"):
        describing_rows([CLUSTERS], measured)


def test_growth_is_that_of_cpu_time() -> None:
    found = {100: {"C2": of(1.0)}, 200: {"C2": of(5.0, cpu=10.0)}}
    row = growth_rows([C2], found)[0]
    assert (row.value, row.peer, row.met) == ("1.11", "wall time 0.77", False)


@pytest.mark.skipif(find_spec("cc3d") is None, reason="cc3d is not installed")
def test_parts_of_the_measures_that_are_wanted(tmp_path: Path) -> None:
    said: list[str] = []
    wanted = WantedMeasures.of(measures="clusters")
    parts = list(
        describing_parts([48], repeats=1, data=tmp_path, report=said.append, wanted=wanted)
    )
    assert [part.title for part in parts] == ["Statistics, 48³"]
    assert [name for name, _ in parts[0].runs] == ["cc3d", "clusters"]
    assert said[0] == "statistics 48³"


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"measures": "speed"}, ValueError, "measures must be of counts, s2, .* got 'speed'"),
        ({"porespy": "/no/python"}, FileNotFoundError, "porespy must be a Python interpreter"),
        ({"porespy": __file__}, FileNotFoundError, "porespy must be a Python interpreter"),
    ],
)
def test_bad_measures_are_refused(asked: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bench([64], only="statistics", **asked)


@pytest.mark.skipif(find_spec("porespy") is not None, reason="porespy is installed")
def test_an_interpreter_without_porespy_is_refused() -> None:
    with pytest.raises(ValueError, match="interpreter that has porespy"):
        WantedMeasures.of(porespy=sys.executable)


def test_the_options_name_no_path() -> None:
    assert WantedMeasures().options() == ""
    assert WantedMeasures(("c2", "thickness")).options() == " --measures c2,thickness"


def test_a_peer_of_another_interpreter_needs_no_poroscale(tmp_path: Path) -> None:
    script = tmp_path / "peer.py"
    script.write_text(
        "import sys\n"
        "def work(scratch, *, number):\n"
        "    return lambda: [number, str(scratch), sorted(n for n in sys.modules if 'poro' in n)]\n"
    )
    peer = Contender("peer", f"{script}:work", {"number": 7}, python=Path(sys.executable))
    number, scratch, modules = run_once(peer, tmp_path).result
    assert (number, modules) == (7, [])
    assert Path(scratch).parent == tmp_path
