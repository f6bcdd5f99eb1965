"""Sections of a file and options of a command make one job."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from poroscale.face.settings import RUN_SETTINGS, configuration, run_of
from poroscale.pipelines.analyse import analyse
from poroscale.pipelines.settings import call_of_file, load_job
from poroscale.verb import declared_verb


def job_of(sections, given=()):
    """The call of a file with these sections, and its configuration."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "job.yaml"
        path.write_text(yaml.safe_dump(sections))
        call = call_of_file(path, dict(given))
    declared = declared_verb(analyse)
    how = {name: value for name, value in call.items() if name in RUN_SETTINGS}
    return call, configuration(declared, call["config"], {}), run_of(None, how)


def test_options_take_precedence_over_the_file() -> None:
    sections = {
        "analyse": {"sources": ["a.tif"], "out": "here"},
        "run": {"memory": "3GiB", "workers": 2, "block": [128, 128, 256]},
        "segment": {"min_voxels": 5},
    }
    words = {"sources": ["b.tif", "c.tif"], "out_dir": "there", "memory": "1GiB"}
    call, config, run = job_of(sections, words)
    assert (call["sources"], call["out_dir"]) == (["b.tif", "c.tif"], "there")
    assert (run.memory, run.workers, run.block) == ("1GiB", 2, (128, 128, 256))
    assert config.segment.min_voxels == 5


def test_file_alone_is_a_job(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("analyse: {sources: [a.tif], out: results}\nbatch: {same_thresholds: true}\n")
    job = load_job(path)
    assert (job.sources, job.out) == (("a.tif",), Path("results"))
    assert job.config.batch.same_thresholds


WORDS = {"sources": ["a"], "out_dir": "b"}


@pytest.mark.parametrize(
    ("sections", "given", "complaint"),
    [
        ({}, {}, "sources and out must be given"),
        ({"analyse": {"sources": ["a"]}}, {}, "sources and out must be given"),
        ({"analyse": {"out": "b"}}, {}, "sources and out must be given"),
        ({"segmentation": {}}, WORDS, "unknown section 'segmentation'"),
        ({"run": {"memry_size": "1GiB"}}, WORDS, "run: unknown key 'memry_size'"),
        ({"run": {"memory": "much"}}, WORDS, "`memory` must be a size"),
        ({"run": {"workers": 0}}, WORDS, "`workers` must be a whole number"),
        ({"analyse": {"source": "a"}}, WORDS, "analyse: unknown key 'source'"),
        ({"pores": {"rules": {"tilt": 3}}}, WORDS, "pores: unknown key 'rules.tilt'"),
        ({"ingest": {"voxelsize": 3}}, WORDS, "ingest: unknown key 'voxelsize'"),
    ],
)
def test_what_cannot_be_is_named(sections, given, complaint) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=complaint):
        job_of(sections, given)


def test_the_example_settings_are_valid() -> None:
    job = load_job(Path(__file__).parents[2] / "configs" / "analyse.yaml")
    assert job.config.pores.classes
