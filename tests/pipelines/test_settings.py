"""Sections of a file and options of a command make one job."""

from __future__ import annotations

from pathlib import Path

import pytest

from poroscale.pipelines.settings import analyse_job, load_job


def test_options_take_precedence_over_the_file() -> None:
    sections = {
        "analyse": {"sources": ["a.tif"], "out": "here"},
        "run": {"memory": "3GiB", "workers": 2, "block": [128, 128, 256]},
        "segment": {"min_voxels": 5},
    }
    job = analyse_job(sections, paths=["b.tif", "c.tif", "there"], memory="1GiB", workers=None)
    assert (job.sources, job.out) == (("b.tif", "c.tif"), Path("there"))
    assert (job.run.memory, job.run.workers, job.run.block) == ("1GiB", 2, (128, 128, 256))
    assert job.config.segment.min_voxels == 5


def test_file_alone_is_a_job(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("analyse: {sources: [a.tif], out: results}\nbatch: {same_thresholds: true}\n")
    job = load_job(path)
    assert (job.sources, job.out) == (("a.tif",), Path("results"))
    assert job.config.batch.same_thresholds


@pytest.mark.parametrize(
    ("sections", "paths", "complaint"),
    [
        ({}, [], "sources and out must be given"),
        ({"analyse": {"sources": ["a"]}}, [], "sources and out must be given"),
        ({"analyse": {"out": "b"}}, [], "sources and out must be given"),
        ({}, ["a"], "SRC and OUT_DIR must both be given, got 'a' alone"),
        ({"segmentation": {}}, ["a", "b"], "unknown section 'segmentation'"),
        ({"run": {"memry_size": "1GiB"}}, ["a", "b"], "run: unknown key 'memry_size'"),
        ({"run": {"memory": "much"}}, ["a", "b"], "memory must be a size"),
        ({"run": {"workers": 0}}, ["a", "b"], "workers must be at least 1"),
        ({"analyse": {"source": "a"}}, ["a", "b"], "analyse: unknown key 'source'"),
        ({"pores": {"rules": {"tilt": 3}}}, ["a", "b"], "pores: unknown key 'rules.tilt'"),
        ({"ingest": {"voxelsize": 3}}, ["a", "b"], "ingest: unknown key 'voxelsize'"),
    ],
)
def test_what_cannot_be_is_named(sections, paths, complaint) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=complaint):
        analyse_job(sections, paths=paths)


def test_the_example_settings_are_valid() -> None:
    job = load_job(Path(__file__).parents[2] / "configs" / "analyse.yaml")
    assert job.config.pores.classes
