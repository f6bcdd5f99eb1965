"""Workers that die: the others go on, what was done is not done again, the bytes are the same."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from poroscale.engine import Components, Run, label_blocks
from poroscale.manifest import JOURNAL_DIR

pytestmark = pytest.mark.slow


def slowly(block):
    time.sleep(0.05)
    return block


def test_a_killed_worker_costs_only_its_running_tasks(as_volume, new_path):
    from distributed import Client, LocalCluster

    mask = (np.random.default_rng(5).random((24, 30, 48)) < 0.4).astype(np.uint8)
    volume, out = as_volume(mask), new_path()
    whole = label_blocks(Components(slowly), volume, new_path(), run=Run(cluster="threads")).volume
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**settings, silence_logs=50) as cluster, Client(cluster) as client:
        pids = list(client.run(os.getpid).values())

        def kill_one():
            logs = out.with_name(f"{out.name}.work") / "runs" / JOURNAL_DIR
            while not any(log.stat().st_size > 2000 for log in logs.glob("*.log")):
                time.sleep(0.01)
            os.kill(pids[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        run = Run(cluster=client, block=(4, 5, 8))
        labels = label_blocks(Components(slowly), volume, out, run=run).volume
        killer.join()
    assert labels.digest == whole.digest
