"""What generated volumes let through, by wanted fraction: `transport_study.py CONFIG IMAGE OUT`.

Each method of the configuration is fitted to IMAGE (a segmented image), and makes volumes of some
seeds at each wanted fraction of one phase. The effective property of each is solved. With
`--original VOLUME.tif`, crops of the same size stand beside them, at the fractions that they have.
OUT gets `study.md` (the table), `study.csv` (each volume) and `study.png`. `--models FOLDER` takes
models that were fitted before, FOLDER/METHOD. The sections of the configuration are `study` and
`transport`; see `configs/transport_rock.yaml`.
"""

import argparse
import csv
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from pydantic import Field, PositiveInt

import poroscale as ps
from poroscale.benchmarks.table import markdown_table
from poroscale.cli.talk import script
from poroscale.config import Config, load_sections, parse_config
from poroscale.report.style import BLUE, GREEN, GREY, VERMILION, house_style, new_figure, png_of

COLOURS = (VERMILION, BLUE, GREEN)
COLUMNS = ("made by", "wanted", "seed", "fraction", "effective", "error", "tortuosity_factor")


class Study(Config):
    """What is made: methods with their settings of a fit, wanted fractions of `phase`, and size."""

    methods: dict[str, dict[str, Any]] = Field(min_length=1)
    phase: int = Field(ge=0)
    fractions: tuple[float, ...] = Field(min_length=1)
    count: PositiveInt
    edge: PositiveInt
    periodic: bool = False


def solved(volume: Any, out: Path, transport: dict[str, Any]) -> dict[str, Any]:
    """Effective value along one axis; permeability in voxel^2."""
    found = ps.transport(volume, out, **transport)
    numbers = found.axes[0].numbers
    key = "effective_voxel2" if "effective_voxel2" in numbers else "effective"
    share = numbers["error"] / numbers["effective"] if numbers["effective"] else 0.0
    factor = numbers["tortuosity_factor"]
    return {
        "effective": numbers[key], "error": share * numbers[key], "tortuosity_factor": factor
    }  # fmt: skip


def of_methods(study: Study, transport: dict[str, Any], given: argparse.Namespace) -> list[dict]:
    records = []
    for method, settings in study.methods.items():
        model = (given.models or given.out) / method
        if given.models is None:
            ps.fit_microstructure([given.image], model, method=method, **settings)
        for share, seed in product(study.fractions, range(study.count)):
            name = given.out / f"{method}_{share:g}_{seed}"
            volume = ps.generate_microstructure(
                model,
                name.with_name(name.name + ".zarr"),
                shape=(study.edge,) * 3,
                seed=seed,
                fraction={study.phase: share},
                periodic=study.periodic,
            )
            found = solved(volume, name, transport)
            real = float(np.mean(volume.read() == study.phase))
            about = {"made by": method, "wanted": share, "seed": seed, "fraction": real}
            records.append(about | found)
            print(*(f"{k}={v}" for k, v in records[-1].items()), flush=True)
    return records


def of_original(study: Study, transport: dict[str, Any], given: argparse.Namespace) -> list[dict]:
    """Crops side by side, their values in the order of the phases."""
    if given.original is None:
        return []
    whole = tifffile.imread(given.original)
    codes = np.searchsorted(np.unique(whole), whole).astype(np.uint8)
    records = []
    starts = [range(0, n - study.edge + 1, study.edge) for n in codes.shape]
    for number, (z, y, x) in enumerate(product(*starts)):
        crop = codes[z : z + study.edge, y : y + study.edge, x : x + study.edge]
        real = float(np.mean(crop == study.phase))
        about = {"made by": "original", "wanted": real, "seed": number, "fraction": real}
        of_array = transport | {"voxel_size": 1.0, "progress": False}
        records.append(about | solved(crop, given.out / f"original_{number}", of_array))
    return records


def pair(values: list[float]) -> str:
    known = np.array(values, np.float64)
    if not np.isfinite(known).all():
        return "some without a path"
    return f"{known.mean():.3g}" + (f" ± {known.std(ddof=1):.2g}" if len(known) > 1 else "")


def table_of(records: list[dict]) -> str:
    groups: dict[tuple, list[dict]] = {}
    for each in records:
        wanted = "–" if each["made by"] == "original" else f"{each['wanted']:g}"
        groups.setdefault((each["made by"], wanted), []).append(each)
    lines = [
        [*key, str(len(found)), *(pair([each[name] for each in found]) for name in COLUMNS[3:5])]
        for key, found in groups.items()
    ]
    return markdown_table(("made by", "wanted", "volumes", "fraction", "effective"), lines) + "\n"


def picture_of(records: list[dict], study: Study, transport: dict[str, Any]) -> bytes:
    with house_style():
        figure = new_figure(5.6, 3.8)
        axes = figure.add_subplot()
        names = list(dict.fromkeys(each["made by"] for each in records))
        colours = dict(zip(study.methods, COLOURS, strict=False)) | {"original": GREY}
        for name in names:
            own = [each for each in records if each["made by"] == name]
            x, y = ([each[key] for each in own] for key in ("fraction", "effective"))
            axes.plot(x, y, "o", color=colours[name], label=name, markersize=4, alpha=0.8)
            if name != "original":
                centres = [[e for e in own if e["wanted"] == share] for share in study.fractions]
                axes.plot(
                    *([np.mean([e[key] for e in group]) for group in centres]
                      for key in ("fraction", "effective")),
                    color=colours[name],
                )  # fmt: skip
        axes.set_xlabel(f"Fraction of phase {study.phase}")
        unit = " (voxel²)" if transport["property"] == "permeability" else ""
        axes.set_ylabel(transport["property"].capitalize() + unit)
        if transport["property"] == "permeability":
            axes.set_yscale("symlog", linthresh=1e-3)
        axes.set_ylim(bottom=0)
        axes.legend()
        return png_of(figure)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--original", type=Path)
    parser.add_argument("--models", type=Path, help="folder of models that were fitted before")
    parser.add_argument("--count", type=int, help="seeds for each fraction, in place of `count`")
    parser.add_argument("--edge", type=int, help="edge of the volumes, in place of `edge`")
    given = parser.parse_args(words)
    sections = load_sections(given.config)
    study = parse_config(Study, sections.get("study", {}), where="study")
    changed = {k: getattr(given, k) for k in ("count", "edge") if getattr(given, k) is not None}
    study = study.model_copy(update=changed)
    transport = sections.get("transport", {})
    given.out.mkdir(parents=True, exist_ok=True)
    records = of_original(study, transport, given) + of_methods(study, transport, given)
    with (given.out / "study.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(records)
    (given.out / "study.png").write_bytes(picture_of(records, study, transport))
    text = table_of(records)
    (given.out / "study.md").write_text(text)
    print(text)


if __name__ == "__main__":
    with script("transport_study"):
        main()
