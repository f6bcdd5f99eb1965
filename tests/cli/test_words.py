"""What a command is told: addresses, streams, keys, completion, and the advice it gives back."""

import ast
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import poroscale as package
from poroscale.cli.app import commands
from poroscale.config import Config, parse_config
from poroscale.engine.jobs.work import held_folder
from poroscale.io.write.staging import staged
from poroscale.manifest import local
from poroscale.storage.parquet_files import parquet_file, read_parquet


@pytest.mark.parametrize(
    "words",
    [
        ("ingest", "scan.npy", "s3://bucket/scan.zarr", "--voxel-size", "4"),
        ("ingest", "s3://bucket/scan.tif", "scan.zarr"),
        ("analyse", "scan.npy", "gs://bucket/out"),
        ("export", "scan.zarr", "https://example.org/scan.tif"),
        ("segment", "scan.zarr", "phases.zarr", "--shares=s3://bucket/shares.zarr"),
        ("info", "s3://bucket/scan.zarr"),
    ],
)
def test_addresses_are_refused_and_make_no_folder(refused, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    np.save("scan.npy", np.zeros((4, 4, 4), np.uint8))
    (address,) = (word.split("=")[-1] for word in words if "://" in word)
    error = refused(*words)
    assert f"{address} must be a path on a local file system" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.npy"]


def test_a_stream_is_refused(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = refused("analyse", "scan.npy", "-")
    assert "- must be a path: poroscale has no streams; ./- is a file of that name" in error
    assert not list(tmp_path.iterdir())


def test_functions_refuse_addresses_as_well(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for enter in (held_folder, lambda path: staged(path, overwrite=False)):
        with (
            pytest.raises(ValueError, match="s3://bucket/x must be a path"),
            enter(Path("s3://bucket/x")),
        ):
            pass
    assert not list(tmp_path.iterdir())
    assert local(Path("C/x:y")) == Path("C/x:y")


class _Inner(Config):
    alpha: int = 1
    beta: int = 2


class _Section(Config):
    min_voxels: int = 9
    close_um: float = 0.0
    inner: _Inner = _Inner()


def test_unknown_keys_list_those_that_are_known_nearest_first():
    expected = "s: unknown key 'min_voxel'; known, nearest first: min_voxels, inner, close_um"
    with pytest.raises(ValueError, match=re.escape(expected)):
        parse_config(_Section, {"min_voxel": 3}, where="s")
    with pytest.raises(ValueError, match=r"'inner\.bet'; known, nearest first: beta, alpha"):
        parse_config(_Section, {"inner": {"bet": 3}}, where="s")


def test_unknown_keys_and_sections_of_a_file(refused, tmp_path):
    file = tmp_path / "a.yaml"
    for text, words in (
        ("segmnt: {}", "unknown section 'segmnt'; known: analyse, run, ingest, segment"),
        ("segmnt: {}", "nearest: segment"),
        ("pores: {klasses: true}", "unknown key 'klasses'; known, nearest first: classes"),
        ("ingest: {voxelsize: 3}", "unknown key 'voxelsize'; known, nearest first: voxel_size"),
    ):
        file.write_text(text)
        assert words in refused("analyse", "x", "y", "--config", file)


@pytest.mark.parametrize("content", [b"", b"no table", b"PAR1" + 40 * b"x"])
def test_tables_that_are_none_cost_a_sentence(refused, tmp_path, content):
    path = tmp_path / "pores.parquet"
    path.write_bytes(content)
    for words in (("info", path), ("export", path, tmp_path / "pores.csv")):
        error = refused(*words)
        assert str(path) in error
        assert "table" in error


def test_a_damaged_page_names_the_file(tmp_path):
    path = tmp_path / "pores.parquet"
    pd.DataFrame({"label": np.arange(5000)}).to_parquet(path, compression="gzip")
    data = bytearray(path.read_bytes())
    data[200:1200] = bytes(1000)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"pores\.parquet is a damaged Parquet table"):
        read_parquet(path)
    with pytest.raises(ValueError, match="got a folder"), parquet_file(tmp_path):
        pass


def _options():
    """Every option that some command has, and one of `dask scheduler`."""
    found = {"--help", "--version", "--scheduler-file"}
    for command in commands().values():
        for each in command.click_command().params:
            found |= {*each.opts, *each.secondary_opts}
    return found


def test_advice_can_be_followed():
    """Options that a message names exist."""
    options = _options()
    for path in Path(package.__file__).parent.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if re.search("--[a-z]", text) else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z](?!-)", node.value))
                assert named <= options, (path.name, node.lineno, named - options)


def test_the_shell_completes_commands():
    words = {"COMP_WORDS": "poroscale ana", "COMP_CWORD": "1"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv[0] = 'poroscale'\nfrom poroscale.cli import main; main()",
        ],
        env={**os.environ, **words, "_POROSCALE_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["plain,analyse"]


def test_a_word_of_several_that_is_no_number_is_told(refused, tmp_path):
    said = refused("phantom", tmp_path / "scan.zarr", "--shape", 64, 64, "wide")
    assert "'--shape': must be an integer, got 'wide'" in said


def test_an_error_of_the_file_system_is_told_by_path_and_cause():
    from poroscale.cli import _disk

    assert _disk(OSError(errno.EACCES, "Permission denied", "/x")) == "/x: permission denied"
    assert "the disk is full: /x" in _disk(OSError(errno.ENOSPC, "No space left", "/x"))
    assert _disk(FileNotFoundError("a.zarr does not exist")) == "a.zarr does not exist"
