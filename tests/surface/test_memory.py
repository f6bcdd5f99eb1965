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
from poroscale.engine import Run, stage
from poroscale.surface import measure_surface
from poroscale.volume import Volume
plans, planned = [], stage.make_plan
def remember(*args, **kwargs):
    plans.append(planned(*args, **kwargs))
    return plans[-1]
stage.make_plan = remember
run = Run(memory=sys.argv[3], cluster="threads", workers=2, progress=False)
measure_surface(Volume.open(Path(sys.argv[1])), Path(sys.argv[2]), run=run)
status = Path("/proc/self/status").read_text().splitlines()  # ru_maxrss has the parent's in it
peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
projected = max(plan.projected for plan in plans)
print(json.dumps({"projected": projected, "peak": peak, "allowed": run.memory_bytes}))
"""


def test_measured_projected_allowed(tmp_path):
    y, x = np.indices((256, 256)) - 127.5
    ring = (np.hypot(y, x) < 100).astype(np.uint8)
    part = np.broadcast_to(ring, (256, 256, 256)).copy()
    spec = VolumeSpec(part.shape, part.dtype, (5.0, 5.0, 5.0))
    volume = volume_from_array(part, tmp_path / "phases.zarr", spec=spec)
    command = [sys.executable, "-c", SCRIPT, str(volume.path), str(tmp_path / "out"), "800MiB"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["peak"] <= seen["projected"] <= seen["allowed"], seen
