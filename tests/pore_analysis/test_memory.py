"""What the streamed pass takes stays inside the budget, also where every voxel counts."""

import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import resource, sys
from pathlib import Path
from poroscale.engine import Run
from poroscale.pore_analysis.measure import measure_pores, plan_pores
from poroscale.volume import Volume
run = Run(memory="1GiB", workers=2, progress=False)
phases, shares = (Volume.open(Path(path)) for path in sys.argv[1:3])
told = plan_pores(phases, shares=shares, run=run).peak
measure_pores(phases, Path(sys.argv[3]), shares=shares, run=run)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, told)
"""


@pytest.mark.slow
def test_peak_memory_on_noise(make_volume, tmp_path):
    noise = (np.random.default_rng(0).random((256, 256, 256)) < 0.5).astype(np.uint8)
    about = {"kind": "phases", "segmentation": {"point_spread_voxels": 0.8}}
    volume = make_volume(2 * noise, chunk=128, attributes=about)
    grey = (100 * noise).astype(np.int8)
    shares = make_volume(grey, "shares.zarr", chunk=128, attributes={"kind": "shares"})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, (volume.path, shares.path, tmp_path / "out"))],
        check=True,
        capture_output=True,
        text=True,
    )
    peak, told = map(int, done.stdout.split())
    assert peak <= told <= 1 << 30
