"""What the documents tell people to run, run: examples, pipelines and configs, on small scans."""

from __future__ import annotations

import csv
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml

import poroscale as ps
from poroscale.config import load_sections
from poroscale.pipelines.settings import load_job
from tests.cli.conftest import poroscale

__all__ = ["poroscale"]

ROOT = Path(__file__).parents[1]
EDGE = 48
QUICK = {"quickstart"}
"""The other examples take processes, or several scans: with those that take minutes."""
EXAMPLES = [
    pytest.param(path, id=path.stem, marks=() if path.stem in QUICK else pytest.mark.slow)
    for path in sorted((ROOT / "examples").glob("*.py"))
]


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of a Python script, whose warnings are errors."""
    # scripts that start worker processes import the package from the tree that is tested
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, command)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small coupon from configs/phantom.yaml."""
    file, out = ROOT / "configs" / "phantom.yaml", tmp_path_factory.mktemp("scan") / "coupon.zarr"
    return ps.phantom(out, config=file, shape=(EDGE, EDGE, EDGE), porosity=0.02).scan.path


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    assert len(example.read_text().splitlines()) <= 40
    assert run(example, tmp_path / "out", str(EDGE), cwd=tmp_path).strip()


def test_config_is_the_default_analysis_of_the_demo() -> None:
    job = load_job(ROOT / "configs" / "analyse.yaml")
    assert job.sources == ("demo/coupon.zarr",)
    assert job.config.segment.close_um == 30.0
    assert job.run.memory_bytes == 2 << 30


def test_a_table_of_phases_has_a_line_for_each(tmp_path: Path, capsys) -> None:
    array = np.random.default_rng(0).integers(0, 3, (1, 24, 24)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "slice.tif", array)
    main = runpy.run_path(str(ROOT / "pipelines" / "phase_table.py"))["main"]
    main(tmp_path / "out", [tmp_path / "slice.tif"])
    lines = (tmp_path / "out" / "statistics.md").read_text().splitlines()
    assert [line.split("|")[1:3] for line in lines[2:]] == [
        [" slice  ", f" {phase}     "] for phase in range(3)
    ]
    assert capsys.readouterr().out.splitlines() == lines
    assert (tmp_path / "out" / "slice" / "statistics.html").exists()


def test_pipeline_script_and_command_run_the_same_job(
    scan: Path, tmp_path: Path, poroscale: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = load_sections(ROOT / "configs" / "analyse.yaml")
    texts = []
    for name in ("script", "command"):
        sections["analyse"] = {"sources": [str(scan)], "out": name}
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(sections))
    run(ROOT / "pipelines" / "analyse.py", "script.yaml", cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert poroscale("analyse", "--config", "command.yaml")[0] == 0
    for name in ("script", "command"):
        texts.append((tmp_path / name / "pores.parquet").read_bytes())
        assert (tmp_path / name / "report.html").is_file()
    assert texts[0] == texts[1]


def test_python_of_the_readme_runs(scan: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(code.splitlines()) <= 12
    (tmp_path / "scan.zarr").symlink_to(scan)
    (tmp_path / "readme.py").write_text(code)
    run("readme.py", cwd=tmp_path)
    assert len(pd.read_parquet(tmp_path / "results" / "pores.parquet")) > 0


@pytest.mark.slow
def test_python_of_getting_started_runs(scan: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "getting-started.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "SLICES_DIR").symlink_to(scan)
    (tmp_path / "page.py").write_text(code)
    assert "equivalent_diameter_um" in run("page.py", cwd=tmp_path)


def test_links_of_the_documents_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("poroscale/**/*.md")]
    assert len(pages) > 10
    broken = []
    for page in pages:
        links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text())
        for file, _, heading in (link.partition("#") for link in links):
            target = page.parent / file if file else page
            if not target.exists() or (heading and heading not in headings(target)):
                broken.append(f"{page.name}: {file}#{heading}")
    assert not broken


def test_paths_that_documents_name_exist() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = r"`((?:poroscale|tests|configs|docs|examples|pipelines)/[\w./-]+)`"
    paths = {path for page in pages for path in re.findall(named, page.read_text())}
    assert len(paths) > 20
    made_up = {path for path in paths if re.search("[A-Z]{4}", path)}  # NAME stands for any name
    assert not {path for path in paths - made_up if not (ROOT / path).exists()}


def headings(page: Path) -> set[str]:
    """The anchors of a page, as they are made from its headings."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.strip().lower()).replace(" ", "-") for line in found}


def test_a_table_of_microstructures_has_a_line_for_each_measure(tmp_path: Path, capsys) -> None:
    array = (np.random.default_rng(0).random((40, 40)) < 0.4).astype(np.uint8) * 255
    tifffile.imwrite(tmp_path / "grains.tif", array)
    main = runpy.run_path(str(ROOT / "pipelines" / "microstructure_table.py"))["main"]
    words = [str(tmp_path / "out"), str(tmp_path / "grains.tif")]
    words += ["--edge", "20", "--count", "2", "--sections", "1", "--fractions", "0.2"]
    main([*words, "--pore", "1"])
    text = (tmp_path / "out" / "fidelity.md").read_text()
    assert text.strip() in capsys.readouterr().out
    lines = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert {"Fraction", "S2, all directions", "C2, in one cluster"} < set(lines)
    assert {"Percolating fraction in 3D", "Relative diffusivity in 3D"} < set(lines)
    assert "Permeability (µm²) in 3D" in lines
    (met,) = [line for line in text.splitlines() if "0.2 " in line and line.startswith("| field")]
    assert float(met.split("|")[3].split("±")[0]) == pytest.approx(0.2, abs=0.05)


def test_a_table_of_transport_has_a_line_for_each_axis(tmp_path: Path, capsys) -> None:
    array = np.ones((6, 24, 24), np.uint8)
    array[:, 8:16, 8:16] = 0  # a duct along z
    tifffile.imwrite(tmp_path / "duct.tif", array)
    main = runpy.run_path(str(ROOT / "pipelines" / "transport_table.py"))["main"]
    main([str(tmp_path / "out"), str(tmp_path / "duct.tif")])
    text = (tmp_path / "out" / "transport.md").read_text()
    assert text.strip() in capsys.readouterr().out
    along, *across = [line.split("|")[2:-1] for line in text.splitlines() if "| duct" in line]
    assert [cell.strip() for cell in along[:4]][::3] == ["z", "1.0000"]
    assert float(along[2].split("(")[0]) == pytest.approx(1 / 9, rel=1e-3)
    duct = 0.0351442537 * 8**2 / 9  # no-slip flow in a square duct, resolved by eight voxels
    assert float(along[4].split("(")[0]) == pytest.approx(duct, rel=0.1)
    assert all([line[2].strip(), line[3].strip()] == ["0", "no path"] for line in across)


def test_a_study_of_transport_follows_the_wanted_fraction(tmp_path: Path, capsys) -> None:
    array = (np.random.default_rng(0).random((40, 40)) < 0.4).astype(np.uint8) * 255
    tifffile.imwrite(tmp_path / "grains.tif", array)
    tifffile.imwrite(tmp_path / "original.tif", np.broadcast_to(array[:16], (16, 16, 40)))
    sections = {
        "study": {"methods": {"field": {}}, "phase": 1, "fractions": [0.3, 0.6], "count": 2}
        | {"edge": 16, "periodic": True},
        "transport": {"property": "conductivity", "axis": "z", "sides": "periodic"}
        | {"phases": {0: 1.4, 1: 0.026}},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(sections))
    main = runpy.run_path(str(ROOT / "pipelines" / "transport_study.py"))["main"]
    words = [tmp_path / "study.yaml", tmp_path / "grains.tif", tmp_path / "out"]
    main([str(word) for word in [*words, "--original", tmp_path / "original.tif"]])
    with (tmp_path / "out" / "study.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["made by"] for row in rows] == ["original"] * 2 + ["field"] * 4
    of_field = [float(row["effective"]) for row in rows[2:]]
    assert 1.4 > min(of_field[:2]) > max(of_field[2:]) > 0.026  # the more pores, the less
    assert (tmp_path / "out" / "study.png").stat().st_size > 5000
    assert "| field" in capsys.readouterr().out


@pytest.mark.slow
def test_a_layer_of_the_larger_rock_holds_the_smaller_one(tmp_path: Path, capsys) -> None:
    ps.fit_microstructure([ROOT / "examples" / "spheres.png"], tmp_path / "model", reach=16)
    made = ps.generate_microstructure(
        tmp_path / "model", tmp_path / "original.zarr", shape=(128, 128, 128)
    )
    tifffile.imwrite(tmp_path / "original.tif", made.read())
    main = runpy.run_path(str(ROOT / "pipelines" / "large_rock.py"))["main"]
    words = [tmp_path / "out", tmp_path / "original.tif", "--edge", 256, "--sample", 64]
    main([str(word) for word in [*words, "--samples", 2]])
    told = capsys.readouterr().out
    assert "the layer holds the voxels of the smaller cube" in told
    assert "256 layers of 512²" in told
