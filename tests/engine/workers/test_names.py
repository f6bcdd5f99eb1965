"""Titles and keys read like the job, whatever files and journals are called."""

from pathlib import Path

import numpy as np
import pytest
from dask.utils import key_split
from hypothesis import given
from hypothesis import strategies as st

from poroscale.engine import Run, connect, map_blocks, reduce_blocks, stage
from poroscale.engine.blocks import Reduction
from poroscale.engine.workers.names import full_title, key_prefix, task_keys, words_of
from poroscale.engine.workers.progress import progress
from poroscale.pore_analysis import measure_pores
from tests.strategies import CHUNK

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("phases.zarr", "phases"),
        ("work/score histogram", "score histogram"),
        ("work/37c40cef446b", "reduction"),
        ("work/shares-37c40cef446b", "shares"),
        ("work/labels-0f3c40cef446-0", "labels 0"),
        ("work/deadbeef", "deadbeef"),
        (None, "reduction"),
    ],
)
def test_names_of_files_without_digests(path, words):
    assert words_of(None if path is None else Path(path), "reduction") == words


@given(job=WORDS, words=st.lists(WORDS, min_size=1, max_size=3), number=st.integers(0, 10**7))
def test_a_dashboard_groups_tasks_by_their_title(job, words, number):
    title = full_title(job, " ".join(words))
    assert key_split(task_keys(title)(number)) == key_prefix(title)


def test_keys_read_like_the_job_and_differ_between_calls():
    title = full_title("segment", "phases")
    first, second = task_keys(title)(42), task_keys(title)(42)
    assert first.startswith("segment-phases-00042-")
    assert second.startswith("segment-phases-00042-")
    assert first != second
    assert key_prefix("segment: phases level 2") == "segment-phases-level"
    assert key_prefix("pores: distance to faces") == "pores_distance_to_faces"
    assert key_prefix("") == "blocks"


def keys_seen(block):
    from distributed import get_worker

    SEEN.append(get_worker().get_current_task())
    return block


SEEN = []


def test_tasks_on_a_cluster_carry_the_title(as_volume, new_path):
    from distributed import Client, LocalCluster

    volume, out = as_volume(np.ones((9, 10, 16), np.uint8)), new_path("phases.zarr")
    local = {"n_workers": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**local) as cluster, Client(cluster) as client:
        run = Run(cluster=client, block=CHUNK)
        with connect(run, job="segment") as shared:
            for _ in range(2):
                SEEN.clear()
                map_blocks(keys_seen, volume, out, dtype=np.uint8, run=shared.but(overwrite=True))
                assert sorted(key[:20] for key in SEEN) == [
                    f"segment-phases-{number:05d}" for number in range(len(SEEN))
                ]
            assert len(SEEN) > 4


@pytest.fixture
def titles(monkeypatch):
    told = []

    def noted(title, **how):
        told.append(title)
        return progress(title, **how)

    monkeypatch.setattr(stage, "progress", noted)
    return told


def test_titles_of_measured_pores_hold_no_digest(as_volume, tmp_path, titles):
    phases = np.ones((9, 10, 16), np.uint8)
    phases[3:5, 3:5, 3:5] = 2
    volume = as_volume(phases)
    titles.clear()
    measure_pores(volume, tmp_path / "pores")
    assert titles == ["pores: values", "pores: components", "pores: labels", "pores: measures"]


def test_a_reduction_may_be_given_a_title(as_volume, tmp_path, titles):
    total = Reduction(lambda block: {"n": np.asarray(block.sum())}, lambda a, b: a, int_of)
    volume = as_volume(np.ones((4, 4, 4), np.uint8))
    titles.clear()
    assert reduce_blocks(total, volume, title="sums") == 64
    assert reduce_blocks(total, volume, journal=tmp_path / "sums of 1") == 64
    assert titles == ["sums", "sums of 1"]


def int_of(total):
    return int(total["n"])
