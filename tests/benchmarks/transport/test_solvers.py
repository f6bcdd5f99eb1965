"""Solvers of the benchmark agree on what they find, whatever the time."""

import pytest

from poroscale.benchmarks import bench
from poroscale.benchmarks.measure import Measured, Once
from poroscale.benchmarks.transport import part
from poroscale.benchmarks.transport.media import MEDIA, medium_file
from poroscale.benchmarks.transport.other_codes import by_pyamg, by_taufactor
from poroscale.benchmarks.transport.ours import by_aggregates, by_slabs, by_transforms
from poroscale.benchmarks.transport.part import _promises
from poroscale.benchmarks.transport.peers import WantedSolvers


@pytest.mark.parametrize("medium", MEDIA, ids=lambda each: each.name)
def test_fast_transforms_find_the_same_in_more_iterations(tmp_path, medium):
    given = {"array": str(medium_file(tmp_path, 48, medium)), "low": medium.low}
    ours = by_aggregates(tmp_path, **given, tolerance=1e-4)()
    theirs = by_transforms(tmp_path, **given, tolerance=1e-4)()
    assert theirs["effective"] == pytest.approx(ours["effective"], rel=2e-4)
    assert theirs["iterations"] > 1.5 * ours["iterations"]


@pytest.mark.parametrize(("module", "work"), [("pyamg", by_pyamg), ("taufactor", by_taufactor)])
def test_other_codes_go_on_until_they_are_near_what_we_find(tmp_path, module, work):
    pytest.importorskip(module)
    medium = MEDIA[0]
    given = {"array": str(medium_file(tmp_path, 32, medium)), "low": medium.low}
    ours = by_aggregates(tmp_path, **given, tolerance=1e-6)()
    wanted = {"exact": ours["effective"], "seconds": 60.0}
    theirs = work(tmp_path, **given, **wanted, within=2e-4)()
    assert theirs["effective"] == pytest.approx(ours["effective"], rel=2e-4)
    short = work(tmp_path, **given, exact=ours["effective"], within=0.0, seconds=0.0)()
    assert short["iterations"] <= theirs["iterations"]


def test_a_promise_is_kept_or_not():
    def took(cpu, effective):
        return Measured([Once(cpu, cpu, 0, {"effective": effective, "iterations": 3})])

    found = {"poroscale": took(1.0, 0.25002), "taufactor": took(12.0, 0.25)}
    rows = list(_promises(MEDIA[0], found, 0.25))
    assert [row.met for row in rows] == [True, True]
    rows = list(_promises(MEDIA[1], found | {"poroscale": took(1.0, 0.251)}, 0.25))
    assert [row.met for row in rows] == [False, False]


def test_an_interpreter_without_peers_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="must be a Python interpreter, got"):
        WantedSolvers.of(tmp_path / "python")
    assert WantedSolvers.of(None).found == []


def test_a_matrix_too_large_for_the_machine_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(WantedSolvers, "found", ["taufactor", "pyamg"])
    solvers = WantedSolvers(tmp_path)
    array = tmp_path / "medium.npy"
    names = [[each.name for each in solvers.others(m, 256, array, exact=1.0)] for m in MEDIA]
    assert names == [["taufactor", "pyamg"]] * 2 + [["taufactor"]] * 2
    assert not list(solvers.others(MEDIA[0], 512, array, exact=1.0))


def test_each_size_has_a_table_and_growth_a_row_for_each_medium(tmp_path, monkeypatch):
    """In this process: starting one for each run takes most of the time."""

    def once(contender, scratch):
        work = {
            "by_aggregates": by_aggregates,
            "by_slabs": by_slabs,
            "by_transforms": by_transforms,
        }
        timed = work[contender.work.rpartition(":")[2]](scratch, **contender.parameters)
        return Once(1.0, 1.0, 0, timed())

    def compare(contenders, *, scratch, **_given):
        return {each.name: Measured([once(each, scratch)]) for each in contenders}

    monkeypatch.setattr(part, "run_once", once)
    monkeypatch.setattr(part, "compare", compare)
    monkeypatch.setattr(part, "MEDIA", MEDIA[1:3])
    text = bench([48, 56], repeats=1, only="transport", data=tmp_path, report=lambda _line: None)
    assert "## Transport, 48³" in text
    assert "**no**" not in text
    assert text.count("| fast transforms ") == 2 * 2
    assert text.count("| poroscale, streamed ") == 2 * 2
    assert text.count("voxels to the power of") == 2
