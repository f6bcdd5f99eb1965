"""The peak memory of unrolling stays below what its plan projected, and below the budget."""

import json
import subprocess
import sys

import numpy as np

from poroscale.engine import volume_from_array
from poroscale.volume import VolumeSpec

SCRIPT = """
import json, sys
from pathlib import Path
from poroscale.engine import Run
from poroscale.surfaces.measure import measure_surface, plan_surface
from poroscale.volume import Volume
run = Run(memory=sys.argv[3], cluster="threads", workers=2, progress=False)
phases = Volume.open(Path(sys.argv[1]))
plan = plan_surface(phases, run=run)
measure_surface(phases, Path(sys.argv[2]), run=run)
status = Path("/proc/self/status").read_text().splitlines()  # ru_maxrss has the parent's in it
peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps({"projected": plan.peak, "peak": peak, "allowed": run.memory_bytes}))
"""


def test_measured_projected_allowed(tmp_path):
    y, x = np.indices((224, 224)) - 111.5
    ring = (np.hypot(y, x) < 90).astype(np.uint8)
    part = np.broadcast_to(ring, (192, 224, 224)).copy()
    spec = VolumeSpec(part.shape, part.dtype, (5.0, 5.0, 5.0))
    volume = volume_from_array(part, tmp_path / "phases.zarr", spec=spec)
    command = [sys.executable, "-c", SCRIPT, str(volume.path), str(tmp_path / "out"), "800MiB"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["peak"] <= seen["projected"] <= seen["allowed"], seen


HEIGHTS = """
import json, sys
from pathlib import Path
import numpy as np
from poroscale.engine import Run
from poroscale.surfaces.height_map import measure_heights, plan_heights
heights = np.random.default_rng(0).normal(size=(640, 500)).astype(np.float32)
told = plan_heights(heights, run=Run()).peak
measure_heights(heights, (1.0, 1.0), Path(sys.argv[1]))
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps({"told": told, "peak": peak}))
"""


def test_a_height_map_takes_no_more_than_is_told(tmp_path):
    command = [sys.executable, "-c", HEIGHTS, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["peak"] <= seen["told"], seen
