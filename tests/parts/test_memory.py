"""The peak memory of a generated part stays below what its plan projected, and below the budget."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, os, sys
import trimesh
from pathlib import Path
from poroscale.engine import Run, stage
from poroscale.engine import plan_job
from poroscale.parts.generate import fill_part, passes
from poroscale.parts.model import PartModel
sys.path.insert(0, sys.argv[3])
from tests.parts.makers import Ripples, part_of, RADIUS
plans, planned = [], stage.make_plan
def remember(*args, **kwargs):
    plans.append(planned(*args, **kwargs))
    return plans[-1]
def ball(width):
    from poroscale.parts.mesh_part import MeshPart
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=2.0 * width)
    heights = [Ripples()] * 6
    return MeshPart((width,) * 3, 5.0, mesh.vertices[:, ::-1], mesh.faces[:, ::-1], heights)
def part(layers):
    if sys.argv[4] == "mesh":
        return ball(layers // 2)
    return part_of(layers, radius=3 * RADIUS, width=256)
def fill(layers, name):
    fill_part(model, Path(sys.argv[2]) / name, geometry=part(layers), seed=0, run=run)
run = Run(memory="1GiB", cluster="threads", workers=2, progress=False)
model = PartModel.open(sys.argv[1])
child = os.fork()
if not child:  # there may be kernels to compile, which is not in the plan
    fill(192, "small.zarr")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
told = plan_job(*passes(model, part(512)), run).peak
stage.make_plan = remember
fill(512, "part.zarr")
status = Path("/proc/self/status").read_text()
peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
projected = max(plan.projected for plan in plans)
found = {"projected": projected, "peak": peak, "told": told, "allowed": run.memory_bytes}
print(json.dumps(found))
"""


@pytest.mark.parametrize("form", ["cylinder", "mesh"])
def test_measured_projected_allowed(form, model, tmp_path):
    folder = model.save(tmp_path / "model")
    command = [sys.executable, "-c", SCRIPT, *map(str, (folder, tmp_path, ROOT, form))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["peak"] <= seen["projected"] <= seen["allowed"], seen
    assert seen["peak"] <= seen["told"] <= seen["allowed"], seen
