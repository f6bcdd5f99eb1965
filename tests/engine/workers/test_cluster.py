"""The order in which blocks are begun, and the ways to name a cluster."""

import json

import numpy as np
import pytest

from poroscale.engine import Run, Windows, stitch_windows
from poroscale.engine.workers import cluster
from poroscale.engine.workers.cluster import cluster_of, connect
from poroscale.engine.workers.retries import Work
from poroscale.engine.workers.running import Threads
from tests.engine.stitching.test_windows import Counting


def test_threads_begin_in_the_order_that_is_asked_for():
    asked, begun = [7, 2, 11, 0, 30, 5, 4, 3, 100, 1, 9, 8], []
    collected = []
    work = Work(lambda number: begun.append(number) or number)
    Threads(1).run(work, asked, collected.append)
    assert begun == asked
    assert sorted(collected) == sorted(asked)


def test_the_block_with_most_windows_goes_first(as_volume, new_path):
    slices = np.repeat(np.arange(11, dtype=np.uint8), 16).reshape(11, 4, 4)
    windows, run = Windows(4, 2), Run(cluster="threads", workers=1, block=(4, 4, 4))
    Counting.seen.clear()
    volume = as_volume(slices, chunks=(4, 4, 4))
    stitch_windows(Counting(), volume, new_path(), windows=windows, run=run)
    begins = [int(patch[0, 0, 0]) for patch in Counting.seen]
    assert begins == [4, 6, 7, 0, 2]  # windows of the second block, then of the first


def test_a_scheduler_file_names_the_cluster(tmp_path):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as local:
        file = tmp_path / "scheduler.json"
        file.write_text(json.dumps({"type": "Scheduler", "address": local.scheduler_address}))
        with connect(Run(cluster=str(file))) as run, cluster_of(run) as found:
            assert found.client.scheduler.address == local.scheduler_address


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "scheduler file .* does not exist"),
        ("{}", "must be a scheduler file of Dask"),
        ("no json", "must be a scheduler file of Dask"),
        ('{"address": "tcp://127.0.0.1:9"}', "tcp://127.0.0.1:9, named in .* cannot be reached"),
    ],
)
def test_scheduler_files_that_are_none(tmp_path, monkeypatch, content, words):
    monkeypatch.setattr(cluster, "REACH", 0.5)
    file = tmp_path / "scheduler.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=words), connect(Run(cluster=str(file))):
        pass
