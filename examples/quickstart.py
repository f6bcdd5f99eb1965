"""A scan, its pores, and three numbers: `python examples/quickstart.py OUT [EDGE]`."""

import sys
from pathlib import Path

import pandas as pd

from poroscale import verbs


def main(out: Path, edge: int = 128) -> None:
    config = verbs.phantom_config({"shape": [edge] * 3, "voxel_size": 5.0, "porosity": 0.01})
    scan = verbs.phantom(out / "coupon.zarr", config=config).scan

    analysis = verbs.AnalyseConfig(pores=verbs.pores_config({"classes": True}))
    (result,) = verbs.analyse([scan.path], out / "results", config=analysis)

    table = pd.read_parquet(result.table)
    print(f"porosity {100 * result.phases.attributes['segmentation']['porosity']:.2f} %")
    print(f"largest root area {table['sqrt_area_um'].max():.1f} um")
    print(table.groupby("class")["equivalent_diameter_um"].describe()[["count", "50%", "max"]])
    print(f"report {result.report}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
