"""What passes is tried again, a bounded number of times; what would fail again is not."""

import errno
import logging
import os

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker

from poroscale.engine import Run, map_blocks
from poroscale.engine.jobs.output import Output
from poroscale.engine.workers import retries
from poroscale.engine.workers.retries import TRIES, Work, pause_before_retry, tries_of


@pytest.fixture(scope="module")
def client():
    local = {"processes": False, "threads_per_worker": 2, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=1, **local) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(params=["threads", "distributed"])
def run(request, monkeypatch):
    monkeypatch.setattr(retries, "PAUSES", (0.001, 0.002, 0.004))
    chosen = "threads" if request.param == "threads" else request.getfixturevalue("client")
    return Run(cluster=chosen, block=(4, 5, 8))


@pytest.fixture
def volume(as_volume):
    array = np.random.default_rng(4).integers(1, 99, (9, 10, 16)).astype(np.uint8)
    return as_volume(array)


class Store:
    """A kernel whose store fails `k` times for the block that begins with `value`."""

    failures, calls, error = 0, 0, None


def copied(block, *, value):
    if block[0, 0, 0] == value:
        Store.calls += 1
        if Store.calls <= Store.failures:
            raise Store.error
    return block


def copy(volume, out, run, failures, error):
    Store.failures, Store.calls, Store.error = failures, 0, error
    value = int(volume.read()[4, 5, 8])
    return map_blocks(copied, volume, out, dtype=np.uint8, parameters={"value": value}, run=run)


STALE = OSError(errno.ESTALE, "Stale file handle", "/mnt/scan/0/c/1/1/1")


@pytest.mark.parametrize("error", [STALE, ConnectionResetError("store"), InterruptedError(4, "x")])
def test_a_store_that_fails_for_a_moment(volume, new_path, run, caplog, error):
    with caplog.at_level(logging.WARNING, "poroscale.engine"):
        made = copy(volume, out := new_path("copied.zarr"), run, TRIES - 1, error)
    np.testing.assert_array_equal(made.read(), volume.read())
    told = [each for each in caplog.records if each.name.startswith("poroscale.engine")]
    block = f"copied: block 7 of {out} failed and is tried again"
    assert len(told) == Store.calls - 1 == TRIES - 1
    assert all(each.getMessage().startswith(block) for each in told)


def test_a_store_that_stays_away(volume, new_path, run):
    out = new_path("copied.zarr")
    words = rf"copied: block 7 of {out} failed {TRIES} times: .*Stale.*/mnt/scan/0/c/1/1/1"
    with pytest.raises(OSError, match=words):
        copy(volume, out, run, 99, STALE)
    assert Store.calls == TRIES
    made = copy(volume, out, run, 0, None)
    np.testing.assert_array_equal(made.read(), volume.read())


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file", "scan"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        PermissionError(errno.EACCES, "Permission denied"),
        OSError("0/c/0/0/0 is damaged: its content is not what was written"),
        ValueError("the kernel has no answer"),
    ],
)
def test_what_would_fail_again_is_not_tried(volume, new_path, run, error):
    with pytest.raises(type(error), match=str(error.args[-1])[:12]):
        copy(volume, new_path(), run, 99, error)
    assert Store.calls == 1


def test_a_block_that_could_not_be_written_at_once(volume, new_path, run, monkeypatch):
    write, failed = Output._write, []

    def stale(self, box, voxels):
        found = write(self, box, voxels)
        if len(failed) < 2:
            failed.append(box)
            raise OSError(errno.EIO, "Input/output error", str(self.path))
        return found

    whole = copy(volume, new_path(), run, 0, None)
    monkeypatch.setattr(Output, "_write", stale)
    assert copy(volume, new_path(), run, 0, None).digest == whole.digest
    assert len(failed) == 2


def test_deaths_of_workers_count_as_tries():
    work, killed = Work(int, "segment: phases", "phases.zarr", first=100), KilledWorker
    assert tries_of(killed("key", "tcp://node:1", 3)) == 4
    assert tries_of(killed("key", "tcp://node:1", 0)) == 1
    assert pause_before_retry(work, 142, 1, killed("key", "tcp://node:1", 0)) > 0
    words = (
        "segment: phases: block 42 of phases.zarr failed 4 times: its worker died .* tcp://node:1"
    )
    with pytest.raises(OSError, match=words):
        pause_before_retry(work, 142, 4, killed("key", "tcp://node:1", 3))


def dies(block, *, folder, deaths):
    """Kill this worker process `deaths` times, whichever block it has."""
    for death in range(deaths):
        try:
            os.mkdir(f"{folder}/{death}")
        except FileExistsError:
            continue
        os._exit(1)
    return block


@pytest.mark.slow
def test_workers_that_die_are_replaced(volume, new_path, tmp_path, caplog):
    """With no failure allowed, the scheduler gives a block up at the first death of its worker."""
    local = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(**local, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        made = map_blocks(
            dies,
            volume,
            new_path(),
            dtype=np.uint8,
            parameters={"folder": str(tmp_path), "deaths": 2},
            run=Run(cluster=client, block=(9, 10, 16)),
        )
    np.testing.assert_array_equal(made.read(), volume.read())
    assert caplog.text.count("is tried again") == 2
