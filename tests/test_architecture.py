"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "poroscale"
FILES = sorted(PACKAGE.rglob("*.py"))
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "lib", "base", "misc"}
DASK = {"dask", "distributed", "dask_cuda"}
HEAVY = (
    "dask distributed edt h5py kymatio matplotlib numba numpy pandas pyarrow pydantic scipy skimage"
    " tifffile torch xarray zarr"
)
FILE_LINES, FUNCTION_LINES, FOLDER_FILES = 400, 50, 16


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_packages(tree: ast.AST) -> Iterator[str]:
    """Top-level packages that a file imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@dataclass(frozen=True)
class Source:
    """What the rules ask of a file: reading it into a tree takes longest."""

    imported: frozenset[str]
    functions: tuple[tuple[str, int], ...]
    public: tuple[str, ...]


@cache
def source_of(path: Path) -> Source:
    tree = ast.parse(path.read_text())
    lines = [(n.name, body_lines(n)) for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    things = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    public = tuple(n.name for n in things if not n.name.startswith("_"))
    return Source(frozenset(imported_packages(tree)), tuple(lines), public)


def test_imports_run_one_way_only() -> None:
    """In a process of its own: the linter switches off the loggers of this one."""
    code = "import sys; from importlinter import cli; sys.exit(cli.lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_only_the_engine_and_lazy_arrays_import_dask() -> None:
    importers = {name_of(path) for path in FILES if DASK & source_of(path).imported}
    # The benchmark calls the tools that poroscale is compared with, of which some are dask's.
    allowed = ("poroscale/engine/", "poroscale/benchmarks/")
    outside = {path for path in importers if not path.startswith(allowed)}
    assert outside == {
        "poroscale/io/read/arrays.py",
        "poroscale/lazy_array.py",
        "poroscale/micrographs/chips.py",
        "poroscale/pore_analysis/table.py",
        "poroscale/volume.py",
    }


@pytest.mark.parametrize("banned", ["dask", "distributed", "zarr", "xarray"])
def test_kernels_know_arrays_alone(banned: str) -> None:
    for path in sorted((PACKAGE / "kernels").rglob("*.py")):
        assert banned not in source_of(path).imported, name_of(path)


def test_no_drawer_for_odds_and_ends() -> None:
    places = [*FILES, *(path for path in PACKAGE.rglob("*") if path.is_dir())]
    assert not {name_of(path) for path in places if path.stem.strip("_").lower() in BANNED_NAMES}


def test_functions_are_short() -> None:
    long = {
        f"{name_of(path)}:{name}"
        for path in FILES
        for name, lines in source_of(path).functions
        if lines > FUNCTION_LINES
    }
    assert not long


def body_lines(node: ast.FunctionDef) -> int:
    """Lines of a function after its signature and docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return 1 + node.end_lineno - body[0].lineno if body and node.end_lineno else 0


def test_files_are_short() -> None:
    long = {name_of(path) for path in FILES if len(path.read_text().splitlines()) > FILE_LINES}
    assert not long


def test_folders_are_small() -> None:
    sizes = Counter(name_of(path.parent) for path in FILES)
    assert not {folder: size for folder, size in sizes.items() if size > FOLDER_FILES}


ONE_MEANING = {
    *("main", "passes", "tell", "need", "fit", "sampler", "plan", "transport_along", "about"),
}
"""Names that mean the same everywhere: the start of a program, the passes that a family declares,
how a command prints, the three parts of a method for microstructures, and the three of a property
of transport."""


def test_no_two_things_have_one_name() -> None:
    places = Counter(name for path in FILES for name in source_of(path).public)
    twice = {name for name, count in places.items() if count > 1}
    assert not twice - ONE_MEANING


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import runpy, sys\n"
        "sys.argv = ['poroscale', '--help']\n"
        "try:\n"
        "    runpy.run_module('poroscale', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert end.code in (0, None), end.code\n"
        "print('HEAVY', *sorted({name.partition('.')[0] for name in sys.modules}"
        f" & {{*'{HEAVY}'.split()}}))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "analyse" in done.stdout
    assert done.stdout.splitlines()[-1] == "HEAVY"


def test_the_speller_passes_over_what_a_demo_leaves(tmp_path: Path) -> None:
    wrong = "te" + "h pores"
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for folder in ("demo", "out", "docs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "page.txt").write_text(wrong)
    words = [sys.executable, "-m", "codespell_lib"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert found == ["./docs/page.txt"]


@pytest.mark.parametrize("folder", ["pipelines", "examples"])
def test_no_script_hides_a_module_of_the_standard_library(folder: str) -> None:
    """Python looks for modules in the folder of the script first: `statistics.py` breaks all."""
    names = {path.stem for path in (ROOT / folder).glob("*.py")}
    assert names
    assert not names & sys.stdlib_module_names
