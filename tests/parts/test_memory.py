"""The peak memory of a generated part stays below what its plan projected, and below the budget."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
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
def ball():
    from poroscale.parts.mesh_part import MeshPart
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=500.0)
    heights = [Ripples()] * 6
    return MeshPart((256, 256, 256), 5.0, mesh.vertices[:, ::-1], mesh.faces[:, ::-1], heights)
run = Run(memory="1GiB", cluster="threads", workers=2, progress=False)
model = PartModel.open(sys.argv[1])
rod = sys.argv[4] == "cylinder"
geometry = part_of(int(sys.argv[5]), radius=3 * RADIUS, width=256) if rod else ball()
told = plan_job(*passes(model, geometry), run).peak
stage.make_plan = remember
fill_part(model, Path(sys.argv[2]), geometry=geometry, seed=0, run=run)
status = Path("/proc/self/status").read_text()
peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
projected = max(plan.projected for plan in plans)
found = {"projected": projected, "peak": peak, "told": told, "allowed": run.memory_bytes}
print(json.dumps(found))
"""


@pytest.mark.parametrize("form", ["cylinder", "mesh"])
def test_measured_projected_allowed(form, model, tmp_path):
    folder = model.save(tmp_path / "model")
    for layers in (64, 1024):  # the first may have kernels to compile, which is not in the plan
        given = map(str, (folder, tmp_path / f"part_{layers}.zarr", ROOT, form, layers))
        command = [sys.executable, "-c", SCRIPT, *given]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["peak"] <= seen["projected"] <= seen["allowed"], seen
    assert seen["peak"] <= seen["told"] <= seen["allowed"], seen
