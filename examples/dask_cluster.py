"""The same verbs on a Dask cluster: `python examples/dask_cluster.py OUT [EDGE]`.

A connected Client is found by every verb. Any scheduler will do whose workers see the same files.
"""

import sys
from pathlib import Path

import pandas as pd
from distributed import Client, LocalCluster

from poroscale import verbs
from poroscale.volume import Volume


def main(out: Path, edge: int = 128) -> None:
    config = verbs.phantom_config({"shape": [edge] * 3, "voxel_size": 5.0, "porosity": 0.01})
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster),
    ):
        scan = verbs.phantom(out / "coupon.zarr", config=config).scan
        phases = verbs.segment(scan, out / "phases.zarr")
        table = pd.read_parquet(verbs.pores(phases, out / "pores"))

        grey = scan.to_xarray()  # lazy: dask reads the chunks that a computation touches
        solid = (phases.to_xarray() == 1).mean(("y", "x"))
        middle = grey.sel(z=grey.z.mean(), method="nearest")
        print(f"grey value of the middle slice {float(middle.mean().compute()):.0f}")
        print(f"solid fraction along z {solid.compute().values[::32].round(3)}")
    print(table[["label", "volume_um3", "sphericity", "open"]].nlargest(5, "volume_um3"))
    print(f"labels {Volume.open(out / 'pores' / 'labels.zarr').shape}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
