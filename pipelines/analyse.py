"""Scans to reports, as a YAML file says: `python pipelines/analyse.py configs/analyse.yaml`.

Ingest, segment, measure, report: the steps are those of `poroscale.pipelines.analyse`, which
`poroscale analyse --config configs/analyse.yaml` runs, too.
"""

import sys

from poroscale.pipelines.settings import load_job


def main(path: str) -> None:
    job = load_job(path)
    for result in job.start():
        found = result.phases.attributes["segmentation"]
        print(f"{result.report}: {found['pore_count']} pores, {100 * found['porosity']:.3g} %")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python pipelines/analyse.py CONFIG.yaml")
    try:
        main(sys.argv[1])
    except (ValueError, OSError, MemoryError) as error:
        sys.exit(f"analyse: {error}")
