"""A batch by the thresholds of its first scan: `python examples/thresholds_batch.py OUT [EDGE]`.

The noise of a scan moves Otsu's threshold, and porosity with it. One pair of thresholds for all
scans makes them comparable; it must be one scanner with one setting. The default method, auto, has
no thresholds: it measures the levels of each scan.
"""

import sys
from pathlib import Path

from poroscale import verbs
from poroscale.config import parse_config
from poroscale.pipelines.analyse import BatchConfig


def main(out: Path, edge: int = 128) -> None:
    scans = []
    for name, noise in (("quiet", 0.02), ("noisy", 0.08)):
        values = {"shape": [edge] * 3, "voxel_size": 5.0, "porosity": 0.01, "noise": noise}
        config = verbs.phantom_config(values)
        scans.append(verbs.phantom(out / f"{name}.zarr", config=config).scan.path)

    otsu = verbs.segment_config({}, method="otsu")
    for same in (False, True):
        batch = parse_config(BatchConfig, {"same_thresholds": same}, where="batch")
        folder = out / ("same" if same else "each")
        for result in verbs.analyse(
            scans, folder, config=verbs.AnalyseConfig(segment=otsu, batch=batch)
        ):
            found = result.phases.attributes["segmentation"]
            row = found["inner_threshold"], found["inner_rule"], 100 * found["porosity"]
            print(f"{result.scan.path.parent.name} {folder.name}", *row)
        print(f"table {folder / 'batch.csv'}, page {folder / 'index.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
