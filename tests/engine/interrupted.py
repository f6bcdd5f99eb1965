"""A job to be killed: labels FOLDER/mask.zarr into FOLDER/labels.zarr."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from poroscale.engine import Components, Run, label_blocks
from poroscale.volume import Volume
from tests.engine.test_faults import plus_one

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    print("begun", flush=True)
    run = Run(block=(10, 10, 16), cluster="threads")
    label_blocks(
        Components(plus_one), Volume.open(folder / "mask.zarr"), folder / "labels.zarr", run=run
    )
