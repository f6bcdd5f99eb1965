"""What the streamed pass takes stays inside the budget, also where every voxel counts."""

import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import resource, sys
from pathlib import Path
from poroscale.engine import Run
from poroscale.pores import measure_pores
from poroscale.volume import Volume
run = Run(memory="1GiB", workers=2, progress=False)
measure_pores(Volume.open(Path(sys.argv[1])), Path(sys.argv[2]), run=run)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
def test_peak_memory_on_noise(make_volume, tmp_path):
    noise = (np.random.default_rng(0).random((256, 256, 256)) < 0.5).astype(np.uint8)
    volume = make_volume(noise, chunk=128)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(volume.path), str(tmp_path / "out")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) < 1 << 30
