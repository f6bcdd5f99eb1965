"""A scan, its pores, and three numbers: `python examples/quickstart.py OUT [EDGE]`."""

import sys
from pathlib import Path

import pandas as pd

import poroscale as ps


def main(out: Path, edge: int = 128) -> None:
    scan = ps.phantom(out / "coupon.zarr", shape=(edge, edge, edge), porosity=0.01).scan
    (result,) = ps.analyse(scan.path, out / "results", classes=True)

    table = pd.read_parquet(result.table)
    print(f"porosity {100 * result.phases.attributes['segmentation']['porosity']:.2f} %")
    print(f"largest root area {table['sqrt_area_um'].max():.1f} um")
    print(table.groupby("class")["equivalent_diameter_um"].describe()[["count", "50%", "max"]])
    print(f"report {result.report}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
