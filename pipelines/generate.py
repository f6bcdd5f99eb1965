"""Scans to new parts, as a file says: `python pipelines/generate.py configs/generate.yaml`.

Fit a part model, generate parts from it, compare them with the original: the steps are those of
`poroscale fit part`, `poroscale generate part` and `poroscale compare volumes`.
"""

import sys

from poroscale.cli.talk import told
from poroscale.pipelines.part_job import PartJob


def main(path: str) -> None:
    with told():
        PartJob.load(path).start()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python pipelines/generate.py CONFIG.yaml")
    try:
        main(sys.argv[1])
    except (ValueError, OSError, MemoryError) as error:
        sys.exit(f"generate: {error}")
