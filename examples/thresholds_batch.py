"""A batch by the thresholds of its first scan: `python examples/thresholds_batch.py OUT [EDGE]`.

The noise of a scan moves Otsu's threshold, and porosity with it. One pair of thresholds for all
scans makes them comparable; it must be one scanner with one setting. The default method, auto, has
no thresholds: it measures the levels of each scan.
"""

import sys
from pathlib import Path

import poroscale as ps


def main(out: Path, edge: int = 128) -> None:
    shape, scans = (edge, edge, edge), []
    for name, noise in (("quiet", 0.02), ("noisy", 0.08)):
        made = ps.phantom(out / f"{name}.zarr", shape=shape, porosity=0.01, noise=noise)
        scans.append(made.scan.path)

    for same in (False, True):
        folder = out / ("same" if same else "each")
        for result in ps.analyse(scans, folder, method="otsu", same_thresholds=same):
            found = result.phases.attributes["segmentation"]
            row = found["inner_threshold"], found["inner_rule"], 100 * found["porosity"]
            print(f"{result.scan.path.parent.name} {folder.name}", *row)
        print(f"table {folder / 'batch.csv'}, page {folder / 'index.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
