"""The published conditional network against each addition: `sem_switches_table.py OUT`.

Writes phantom micrographs of a known law, trains a narrow network in the published form, and the
same with one switch of `gan` at a time, each for the same number of steps. Every generator makes
images of all settings, which are compared with the real ones by temper and thirds of the feed
rate. The table is printed, and written to `OUT/switches.md`. `--only NAME ...` takes some rows;
a row whose results are there is not trained again. The last row is `configs/train_sem.yaml`,
whose chips have 64² pixels: `--chip 64` makes those of the others as large.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import poroscale as ps
from poroscale.benchmarks.table import markdown_table
from poroscale.cli.talk import script
from poroscale.config import load_sections
from poroscale.phantoms.micrographs import PhantomSeries, write_phantom_series
from poroscale.pipelines.micrographs.train import SemTrainJob

PUBLISHED: dict[str, Any] = {
    "latents": "one", "noise": 100, "embedding": 20, "batch": 24, "critic_steps": 2,
    "learning_rate": 1e-3,
}  # fmt: skip
"""As published, but with fewer steps of the critic, a higher rate and narrow networks."""
WIDTHS = [16, 32, 64, 96, 128]
"""Channels of the critic, from chips on; those of the generator from its last layer back."""
LATTICE = {"latents": "lattice", "noise": 32, "shared": 4, "generator": [48, 24]}
NARROW = Path(__file__).parents[1] / "configs" / "train_sem.yaml"
BINNED, CONTINUOUS = "thirds", "continuous"
SWITCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "published form": (BINNED, {}),
    "feed rate continuous": (CONTINUOUS, {}),
    "continuous, vicinity 0.05": (CONTINUOUS, {"vicinity": 0.05}),
    "lattice, shared 4": (BINNED, LATTICE),
    "grain 2": (BINNED, {"grain": 2}),
    "balanced": (BINNED, {"balanced": True}),
    "projection": (BINNED, {"projection": True}),
    "augment turn, shift": (BINNED, {"augment": ["turn", "shift"]}),
    "consistency 10": (BINNED, {"consistency": 10.0}),
    "area 1": (BINNED, {"area": 1.0}),
    "topology 1": (BINNED, {"topology": 1.0}),
    "averages 10": (BINNED, {"averages": 10.0}),
    "decay 0.4": (BINNED, {"decay": 0.4}),
    "average 0.98": (BINNED, {"average": 0.98}),
    "grain 2, topology 1, averages 10": (
        BINNED,
        {"grain": 2, "topology": 1.0, "averages": 10.0},
    ),
    NARROW.name: (CONTINUOUS, {}),
}
"""Kind of the feed rate, and the settings of `gan`, of each row."""
HEAD = (
    "training", "CPU s", "average persistence image, times that of halves",
    "particles: rank with real", "area: rank with real", "temper read of generated (real) (%)",
    "large particles, generated over real", "diversity, times the real",
)  # fmt: skip


def sections_of(name: str, out: Path, steps: int, edge: int) -> dict[str, Any]:
    """The sections of the training of a row, for chips of this edge."""
    kind, switches = SWITCHES[name]
    critic = WIDTHS[: int(np.log2(edge // 4))]
    own = {"generator": critic[::-1], "critic": critic}
    gan = load_sections(NARROW)["gan"] if name == NARROW.name else PUBLISHED | own | switches
    epochs = max(1, steps // 50)
    return {
        "sem": {
            "data": str(out / "real"),
            "model": "",
            "conditions": {"temper": "category", "feed_rate": kind},
        },
        "chips": {"edge": edge, "stride": edge // 2, "validation": 0},
        "gan": gan | {"epochs": epochs, "steps": -(-steps // epochs)},
    }


def row_of(
    name: str, sections: dict[str, Any], out: Path, series: PhantomSeries, chips: int
) -> list[str]:
    """Train, generate, compare; the cells of a row."""
    folder = out / name.replace(" ", "_").replace(",", "")
    kept = folder / "row.json"
    if kept.exists():
        found: list[str] = json.loads(kept.read_text())
        return found
    sections["sem"]["model"] = str(folder / "model")
    began = time.process_time()
    ps.train_sem(SemTrainJob.of(sections, {"overwrite": True}), progress=lambda *_: None)
    spent = time.process_time() - began
    wished = {"temper": series.tempers, "feed_rate": series.feed_rates}
    edge = sections["chips"]["edge"]
    ps.generate_sem(
        folder / "model", folder / "made", condition=wished, count=chips, size=(edge, edge)
    )
    compared = ps.compare_sem(
        out / "real",
        folder / "made",
        folder / "compared",
        conditions=f"temper=category,feed_rate={BINNED}",
        chip=edge,
        chips=3 * chips,  # of a third of the feed rates
        splits=4,
        resamples=10,
    )
    row = [name, f"{spent:.0f}", *cells_of(compared.numbers)]
    kept.write_text(json.dumps(row))
    return row


def cells_of(numbers: dict[str, Any]) -> list[str]:
    settings = numbers["settings"]
    ratio = np.median([one["distances"][0]["ratio"] for one in settings])
    ranks = {each["measure"]: each["rank"] for each in numbers["trends"] if each["with"] == "real"}
    (temper,) = (each for each in numbers["readers"] if each["name"] == "temper")
    large = [
        sum(one["particles"][side]["large"][0] for one in settings)
        for side in ("generated", "real")
    ]
    diversity = np.median([one["diversity"]["ratio"] for one in settings])
    words = ["–" if ranks[k] is None else f"{ranks[k]:.2f}" for k in ("density", "area")]
    return [
        f"{ratio:.3g}",
        *words,
        f"{100 * temper['generated']:.0f} ({100 * temper['real']:.0f})",
        f"{large[0] / large[1]:.2g}" if large[1] else "–",
        f"{diversity:.2f}",
    ]


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=800, help="steps of the generator of each")
    parser.add_argument("--edge", type=int, default=512, help="edge of the phantom micrographs")
    parser.add_argument("--chip", type=int, default=32, choices=(32, 64), help="edge of a chip")
    parser.add_argument("--chips", type=int, default=150, help="chips of each setting")
    parser.add_argument("--only", nargs="+", choices=SWITCHES, help="rows that are made")
    given = parser.parse_args(words)
    series = PhantomSeries(specimens=4, height=given.edge, width=given.edge)
    if not (given.out / "real").exists():
        write_phantom_series(series, given.out / "pictures")
        ps.gather_sem(given.out / "pictures" / "conditions.csv", given.out / "real", chip=32)
    rows = []
    own = load_sections(NARROW)["chips"]["edge"]
    fitting = [name for name in SWITCHES if name != NARROW.name or given.chip == own]
    for name in given.only or fitting:
        sections = sections_of(name, given.out, given.steps, given.chip)
        rows.append(row_of(name, sections, given.out, series, given.chips))
        print(" | ".join(rows[-1]), flush=True)
    text = markdown_table(HEAD, rows) + "\n"
    (given.out / "switches.md").write_text(text)
    print(text)


if __name__ == "__main__":
    with script("sem_switches_table"):
        main()
