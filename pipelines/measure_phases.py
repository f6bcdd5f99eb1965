"""Statistics of files of phases, in one table: `python pipelines/measure_phases.py OUT FILE [...]`.

Each file is read in any format, into `OUT/NAME.zarr`. Its statistics and their page go to
`OUT/NAME`. The table is written to `OUT/statistics.md` and printed.
"""

import sys
from pathlib import Path

import poroscale as ps
from poroscale.benchmarks.table import markdown_table
from poroscale.cli.talk import told

COLUMNS = {
    "fraction (%)": lambda n: f"{100 * n['fraction']:.2f} ± {_number(n['fraction_std'], 100)}",
    "Crofton": lambda n: _number(n["surface_crofton_per_um"]),
    "S2": lambda n: _number(n["surface_s2_per_um"]),
    "faces": lambda n: _number(n["surface_faces_per_um"]),
    "Euler 6": lambda n: f"{n['euler_6']:,}",
    "Euler 26": lambda n: f"{n['euler_26']:,}",
    "breadth": lambda n: _number(n["mean_breadth_um"]),
    "correlation": lambda n: _number(n["correlation_length_um"]),
    "chords z, y, x": lambda n: ", ".join(_number(n[f"mean_chord_{a}_um"]) for a in "zyx"),
    "clusters": lambda n: f"{n['clusters']:,}",
    "connected": lambda n: _number(n["connected_fraction"]),
    "percolates z, y, x": lambda n: ", ".join(_word(n[f"percolates_{a}"]) for a in "zyx"),
    "thickness": lambda n: f"{_number(n['thickness_mean_um'])} ± {_number(n['thickness_std_um'])}",
}
"""Columns of the table: their titles, and what they show of the numbers of a phase."""


def _number(value: float | None, times: float = 1.0) -> str:
    return "–" if value is None else f"{times * value:.3g}"


def _word(value: bool | None) -> str:
    return "–" if value is None else "yes" if value else "no"


def main(out: Path, files: list[Path]) -> None:
    rows = []
    for file in files:
        volume = ps.ingest(file, out / f"{file.stem}.zarr", voxel_size=1.0)
        numbers = ps.stats(volume, out / file.stem).numbers
        line = _number(numbers["part"].get("triple_line_smoothed_per_um2"))
        for phase, found in numbers["phases"].items():
            rows.append([file.stem, phase, *(show(found) for show in COLUMNS.values()), line])
    text = markdown_table(("volume", "phase", *COLUMNS, "triple line"), rows)
    (out / "statistics.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python pipelines/measure_phases.py OUT FILE [FILE ...]")
    try:
        with told():
            main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
    except (TypeError, ValueError, OSError, MemoryError) as error:
        sys.exit(f"measure_phases: {error}")
