"""What comparing holds of a volume does not grow with its length."""

import json
import subprocess
import sys

import numpy as np

from poroscale.engine import fill_blocks
from poroscale.volume import VolumeSpec

SCRIPT = """
import json, sys
from poroscale.compare.voxels import stream
from poroscale.volume import Volume
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
volume = Volume.open(sys.argv[1])
volume.read((0, 0, 0), (8, 8, 8))
before = peak()
seen = stream(volume, 128)
print(json.dumps({"took": peak() - before, "pores": int(seen.pore.sum())}))
"""


class Layers:
    """A solid block with a pore voxel in every layer."""

    def __call__(self, origin, shape):
        block = np.ones(shape, np.uint8)
        if origin[1] == origin[2] == 0:
            block[:, 5, 7] = 2
        return block


def took(depth, folder):
    spec = VolumeSpec((depth, 512, 512), np.dtype(np.uint8), (5.0, 5.0, 5.0))
    volume = fill_blocks(Layers(), folder / f"part_{depth}.zarr", spec=spec, recipe={"z": depth})
    command = [sys.executable, "-c", SCRIPT, str(volume.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["pores"] == depth
    return seen["took"]


def test_peak_does_not_grow_with_the_length(tmp_path):
    more = (512 - 256) * 512 * 512
    assert took(512, tmp_path) - took(256, tmp_path) < more / 3
