"""What the documents tell people to run, run: examples, pipelines and configs, on small scans."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from poroscale.config import load_sections
from poroscale.pipelines.settings import load_job
from poroscale.verbs import phantom, phantom_config

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
    section = load_sections(ROOT / "configs" / "phantom.yaml")["phantom"]
    config = phantom_config({**section, "shape": [EDGE] * 3, "porosity": 0.02})
    return phantom(tmp_path_factory.mktemp("scan") / "coupon.zarr", config=config).scan.path


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    assert len(example.read_text().splitlines()) <= 40
    assert run(example, tmp_path / "out", str(EDGE), cwd=tmp_path).strip()


def test_config_is_the_default_analysis_of_the_demo() -> None:
    job = load_job(ROOT / "configs" / "analyse.yaml")
    assert job.sources == ("demo/coupon.zarr",)
    assert job.config.segment.close_um == 30.0
    assert job.run.memory_bytes == 2 << 30


def test_pipeline_script_and_command_run_the_same_job(scan: Path, tmp_path: Path) -> None:
    sections = load_sections(ROOT / "configs" / "analyse.yaml")
    texts = []
    for name in ("script", "command"):
        sections["analyse"] = {"sources": [str(scan)], "out": name}
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(sections))
    run(ROOT / "pipelines" / "analyse.py", "script.yaml", cwd=tmp_path)
    run("-m", "poroscale", "analyse", "--config", "command.yaml", cwd=tmp_path)
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
