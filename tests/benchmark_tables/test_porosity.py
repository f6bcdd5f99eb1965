"""Scores of segmentations against known scans: the arithmetic of the table, and one small run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from poroscale.benchmarks.porosity import METHODS, Found, PorosityCases, porosity_part
from poroscale.benchmarks.porosity.scores import (
    HEADS,
    Score,
    kinds_table,
    overall_table,
    pore_errors,
    row,
    score,
)
from poroscale.engine import volume_from_array
from poroscale.phantoms.known import MODELLED, TOMOGRAPHIC, KnownScan, known_scan
from poroscale.volume import Volume

NONE = np.zeros((0, 4))


def of(porosity: float | None, **named: object) -> Score:
    values = {"case": "a", "kind": "box", "method": "m", "truth": 0.01, "part": 0.0}
    return Score(**(values | {"porosity": porosity} | named))


def cells(*scores: Score) -> dict[str, str]:
    return dict(zip(HEADS, row(scores), strict=True))


def test_a_row_counts_scans_by_their_error() -> None:
    found = cells(
        of(0.0101, warnings=["careful"]),
        of(0.0093),
        of(0.012, warnings=["careful"]),
        of(0.021, warnings=["careful"]),
        of(0.004),
    )
    assert found["scans"] == "5"
    assert found["median error"] == "20.0 %"
    assert (found["within 2 %"], found["within 10 %"]) == ("20 %", "40 %")
    assert found["beyond x 2, of them warned"] == "2, 1"
    assert found["fair, of them warned"] == "2, 1"


def test_a_refusal_is_wrong_and_warned() -> None:
    refused = of(None, part=None, warnings=["no part"])
    found = cells(refused, of(0.01))
    assert found["beyond x 2, of them warned"] == "1, 1"
    assert found["within 2 %"] == "50 %"
    assert found["part volume"] == "+0.0 (0.0) %"
    assert cells(refused)["median error"] == "refused"


def test_an_interval_holds_the_truth_or_does_not() -> None:
    found = cells(of(0.01, low=0.009, high=0.011), of(0.02, low=0.018, high=0.022), of(0.01))
    assert found["interval holds, half width"] == "50 %, 10.0 %"
    assert cells(of(0.01))["interval holds, half width"] == ""


def test_volumes_have_a_median_with_and_without_its_sign() -> None:
    one = of(0.01, part=-0.02, pores={"> 6": (3, [-0.1, 0.3]), "3-6": (0, [])})
    two = of(0.01, part=0.01, pores={"> 6": (2, [-0.2]), "3-6": (4, [0.5])})
    found = cells(one, two, of(0.01, part=0.04))
    assert found["part volume"] == "+1.0 (2.0) %"
    assert (found["volume of pores > 6"], found["found > 6"]) == ("-5.0 (20.0) %", "58 %")
    assert (found["volume of pores 3-6"], found["found 3-6"]) == ("+50.0 (50.0) %", "25 %")


def test_pores_are_matched_by_their_places() -> None:
    def volume(diameter: float) -> float:
        return np.pi * diameter**3 / 6

    truth = np.array([[volume(8), 20, 20, 20], [volume(5), 40, 40, 40], [volume(2), 5, 5, 5]])
    measured = np.array(
        [[0.9 * volume(8), 22, 20, 20], [1.0, 40, 40, 43], [volume(2), 5, 5, 5], [9, 60, 60, 60]]
    )
    classes = pore_errors(truth, measured)
    assert classes["> 6"] == (1, [pytest.approx(-0.1)])
    assert classes["3-6"] == (1, [])
    assert pore_errors(truth, NONE) == {"> 6": (1, []), "3-6": (1, [])}
    assert pore_errors(NONE, measured) == {"> 6": (0, []), "3-6": (0, [])}


def test_a_score_compares_volumes_of_part_and_pores() -> None:
    scan = KnownScan("box", 3, np.zeros((4, 4, 4)), 50.0, 5.0, np.array([[113.0, 5, 5, 5]]))
    found = Found(0.12, 55.0, np.array([[226.0, 5, 5, 5]]), low=0.1, high=0.13, warnings=("w",))
    made = score(scan, found, case="box-3", method="m", seconds=1.0)
    assert made.error == pytest.approx(0.2)
    assert made.part == pytest.approx(0.1)
    assert made.pores["3-6"] == (1, [pytest.approx(1.0)])
    assert made.holds
    assert json.loads(json.dumps(made.__dict__))["warnings"] == ["w"]


def test_tables_have_a_row_for_each_group_and_no_empty_column() -> None:
    scores = [of(0.01, method=m, kind=k) for k in ("box", "tube", "box") for m in ("a", "b")]
    lines = [line.split("|")[1:3] for line in kinds_table(scores).splitlines()[2:]]
    rows = [(kind.strip(), method.strip()) for kind, method in lines]
    assert rows == [("box", "a"), ("box", "b"), ("tube", "a"), ("tube", "b")]
    table = overall_table(scores)
    assert len(table.splitlines()) == 4
    assert "interval" not in table
    assert "part volume" in table


def test_cases_take_the_kinds_in_turn() -> None:
    cases = PorosityCases.of(seeds="4:9", kinds="box,tube")
    assert [case.name for case in cases] == ["box-4", "tube-5", "box-6", "tube-7", "box-8"]
    assert cases.options() == "--seeds 4:9 --kinds box,tube"
    assert PorosityCases.of(kinds="all", methods="otsu").kinds == (*MODELLED, *TOMOGRAPHIC)
    assert list(PorosityCases.of(seeds="5").seeds) == [5]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"seeds": "a:b"}, "seeds must be FIRST:STOP, got 'a:b'"),
        ({"seeds": "3:3"}, "seeds must be one at least, got none"),
        ({"kinds": "box,bottle"}, "kinds must be of cylinder, .*, got 'bottle'"),
        ({"methods": "magic"}, "methods must be of auto, .*, got 'magic'"),
    ],
)
def test_unknown_cases_are_refused(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        PorosityCases.of(**options)


def test_a_folder_without_its_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no truth\.json"):
        PorosityCases.of(scans=tmp_path)


def folder_of(tmp_path: Path) -> Path:
    folder, scan = tmp_path / "scans", known_scan(1, kind="box", shape=(40, 44, 44))
    folder.mkdir()
    np.save(folder / "one.npy", scan.grey)
    truth = {"one": {"porosity": scan.porosity, "part_voxels": scan.part_volume}}
    (folder / "truth.json").write_text(json.dumps(truth))
    return folder


def test_a_run_is_taken_up_where_it_was(tmp_path: Path) -> None:
    calls: list[str] = []

    def honest(scan: Volume, out: Path) -> Found:
        assert not list(out.iterdir())
        calls.append(scan.path.name)
        return Found(0.01, 1.0, NONE, low=0.0, high=1.0)

    def refusing(scan: Volume, _out: Path) -> Found:
        raise ValueError("no")

    cases, said = PorosityCases.of(scans=folder_of(tmp_path)), []
    methods = {"honest": honest, "refusing": refusing}
    parts = [
        porosity_part(cases, data=tmp_path, report=said.append, methods=methods) for _ in range(2)
    ]
    assert calls == ["scan.zarr"]
    assert parts[0].tables[0] == parts[1].tables[0]
    assert "refused" in said[1]
    assert "(warned)" in said[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["porosity.jsonl", "scans"]
    (tmp_path / "porosity.jsonl").write_text('{"code": "other"')
    porosity_part(cases, data=tmp_path, report=said.append, methods=methods)
    assert len(calls) == 2


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_the_pores_of_an_easy_scan(name: str, tmp_path: Path) -> None:
    z, y, x = (axis + 0.5 for axis in np.ogrid[:48, :48, :48])
    part = np.hypot(y - 24, x - 24) < 20 + 0 * z
    pores = [(16.0, 24.0, 20.0, 5.0), (34.0, 22.0, 30.0, 4.0)]
    hole = np.zeros(part.shape, bool)
    for pz, py, px, radius in pores:
        hole |= (z - pz) ** 2 + (y - py) ** 2 + (x - px) ** 2 < radius**2
    noise = np.random.default_rng(0).normal(0, 600, part.shape)
    grey = (9000 + 29000 * (part & ~hole) + noise).astype(np.uint16)
    scan = volume_from_array(grey, tmp_path / "scan.zarr")
    out = tmp_path / "out"
    out.mkdir()
    found = METHODS[name](scan, out)
    assert found.part_volume == part.sum()
    assert found.porosity == pytest.approx(hole.sum() / part.sum(), rel=0.01)
    np.testing.assert_allclose(
        found.pores[np.argsort(found.pores[:, 1]), 1:], np.array(pores)[:, :3], atol=0.05
    )
