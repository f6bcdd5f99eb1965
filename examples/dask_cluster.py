"""The same verbs on a Dask cluster: `python examples/dask_cluster.py OUT [EDGE]`.

A connected Client is found by every verb. Any scheduler will do whose workers see the same files.
"""

import sys
from pathlib import Path

import pandas as pd
from distributed import Client, LocalCluster

import poroscale as ps


def main(out: Path, edge: int = 128) -> None:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster),
    ):
        made = ps.phantom(out / "coupon.zarr", shape=(edge, edge, edge), porosity=0.01)
        scan = made.scan
        phases = ps.segment(scan, out / "phases.zarr")
        table = pd.read_parquet(ps.pores(phases, out / "pores"))

        grey = scan.to_xarray()  # lazy: dask reads the chunks that a computation touches
        solid = (phases.to_xarray() == 1).mean(("y", "x"))
        middle = grey.sel(z=grey.z.mean(), method="nearest")
        print(f"grey value of the middle slice {float(middle.mean().compute()):.0f}")
        print(f"solid fraction along z {solid.compute().values[::32].round(3)}")
    print(table[["label", "volume_um3", "sphericity", "open"]].nlargest(5, "volume_um3"))
    print(f"labels {ps.open(out / 'pores' / 'labels.zarr').shape}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
