"""A read-only installation without a home still runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import poroscale
from poroscale import compiled_code

ROOT = Path(poroscale.__file__).parent


@pytest.fixture
def read_only(tmp_path):
    """A copy of the package beside whose files nothing can be written, even by root."""
    package = tmp_path / "site" / "poroscale"
    shutil.copytree(ROOT, package, ignore=shutil.ignore_patterns("__pycache__", "default_model"))
    for folder in [package, *(each for each in package.rglob("*") if each.is_dir())]:
        (folder / "__pycache__").write_text("a file in the place of the folder")
    home = tmp_path / "home"
    home.write_text("no folder")
    return package.parent, {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}


def run(words, where, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "MPL", "XDG"))}
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=where,
        env={**kept, "PYTHONPATH": str(where), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_compiled_code_is_kept_below_the_folder_for_temporary_files(read_only, tmp_path):
    where, home = read_only
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = "from poroscale.kernels.bodies import phase_marks; print(phase_marks.__file__)"
    done = run(["-c", code], where, **home, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert str(where) in done.stdout
    (kept,) = temporary.iterdir()
    assert kept.name == f"poroscale-{os.geteuid()}"
    assert kept.stat().st_mode & 0o077 == 0
    assert (kept / "numba").is_dir()


def test_a_folder_that_others_can_write_to_is_not_trusted(read_only, tmp_path):
    where, home = read_only
    temporary = tmp_path / "temporary"
    planted = temporary / f"poroscale-{os.geteuid()}"
    planted.mkdir(parents=True)
    planted.chmod(0o777)
    code = "import poroscale, os; print(os.environ['NUMBA_CACHE_DIR'])"
    done = run(["-c", code], where, **home, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    chosen = Path(done.stdout.strip())
    assert planted not in chosen.parents
    assert not chosen.parent.exists()  # removed when the process ended
    assert not any(planted.iterdir())


def test_what_can_be_written_is_left_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiled_code, "PACKAGE", tmp_path / "site")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    compiled_code.keep_compiled_code()
    assert "NUMBA_CACHE_DIR" not in os.environ
