"""Transport through files of phases: `python pipelines/transport_table.py OUT FILE [...]`.

Each file is read in any format, with voxels of edge 1. One phase (`--pore`, by default the value 0)
lets a dissolved substance and a fluid through, all others nothing. The table has relative
diffusivity, tortuosity factor and permeability along each axis, with their errors; it is written
to `OUT/transport.md` and printed.
"""

import argparse
from pathlib import Path

import numpy as np

import poroscale as ps
from poroscale.benchmarks.table import markdown_table
from poroscale.cli.talk import script

COLUMNS = ("volume", "axis", "carry (%)", "diffusivity", "tortuosity factor", "k (voxel²)")


def bounded(value: float, error: float) -> str:
    """A value with a bound of its relative error."""
    return f"{value:.4g} (±{100 * error / value:.1g} %)" if value else "0"


def rows_of(file: Path, given: argparse.Namespace) -> list[list[str]]:
    out = given.out / file.stem
    volume = ps.ingest(file, given.out / f"{file.stem}.zarr", voxel_size=1.0)
    values = [int(value) for value in np.unique(volume.read())]
    settings = {"axis": "all", "memory": given.memory}
    phases = {value: float(value == given.pore) for value in values}
    spread = ps.transport(
        volume, out / "diffusivity", property="diffusivity", phases=phases, **settings
    )
    flow = ps.transport(
        volume, out / "permeability", property="permeability", pore=[given.pore], **settings
    )
    rows = []
    for conducted, flowed in zip(spread.axes, flow.axes, strict=True):
        d, k = conducted.numbers, flowed.numbers
        share = k["effective_voxel2"] / k["effective"] if k["effective"] else 0.0
        factor = f"{d['tortuosity_factor']:.4f}" if d["percolates"] else "no path"
        rows.append([
            file.stem, d["axis"], f"{100 * d['effective_fraction']:.1f}",
            bounded(d["effective"], d["error"]), factor,
            bounded(k["effective_voxel2"], share * k["error"]),
        ])  # fmt: skip
    return rows


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--pore", type=int, default=0, help="value that lets through")
    parser.add_argument("--memory", default="8GiB")
    given = parser.parse_args(words)
    rows = []
    for file in given.files:
        rows += rows_of(file, given)
        print(*rows[-3:], sep="\n", flush=True)
    text = markdown_table(COLUMNS, rows)
    (given.out / "transport.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    with script("transport_table"):
        main()
