"""Scans to a segmentation model, as a file says: `python pipelines/train.py CONFIG.yaml`.

The steps are those of `poroscale.pipelines.train`, which `poroscale train segment CONFIG.yaml`
runs, too.
"""

import sys

from poroscale.cli.talk import told
from poroscale.pipelines.train import TrainJob


def main(path: str) -> None:
    with told():
        TrainJob.load(path).start()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python pipelines/train.py CONFIG.yaml")
    try:
        main(sys.argv[1])
    except (ValueError, OSError, MemoryError, FloatingPointError) as error:
        sys.exit(f"train: {error}")
