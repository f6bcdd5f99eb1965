"""The peak memory of a generated part stays below what its plan projected, and below the budget."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
from pathlib import Path
from poroscale.engine import Run, stage
from poroscale.parts.generate import generate_part, needs
from poroscale.parts.model import PartModel
sys.path.insert(0, sys.argv[3])
from tests.parts.makers import part_of, RADIUS
plans, planned = [], stage.make_plan
def remember(*args, **kwargs):
    plans.append(planned(*args, **kwargs))
    return plans[-1]
stage.make_plan = remember
run = Run(memory="1GiB", cluster="threads", workers=2, progress=False)
model = PartModel.open(sys.argv[1])
geometry = part_of(1024, radius=3 * RADIUS, width=256)
spec, need = needs(model, geometry)
told = planned(spec.shape, spec.chunk_shape, need, run=run, workers=2).projected
generate_part(model, Path(sys.argv[2]), geometry=geometry, seed=0, run=run)
status = Path("/proc/self/status").read_text()
peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
projected = max(plan.projected for plan in plans)
found = {"projected": projected, "peak": peak, "told": told, "allowed": run.memory_bytes}
print(json.dumps(found))
"""


def test_measured_projected_allowed(model, tmp_path):
    folder = model.save(tmp_path / "model")
    for _ in range(2):  # the first run may have kernels to compile, which is not in the plan
        out = tmp_path / f"part_{_}.zarr"
        command = [sys.executable, "-c", SCRIPT, str(folder), str(out), str(ROOT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["peak"] <= seen["projected"] <= seen["allowed"], seen
    assert seen["peak"] <= seen["told"] <= seen["allowed"], seen
