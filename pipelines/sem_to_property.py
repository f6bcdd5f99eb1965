"""From a process to a property through micrographs: `sem_to_property.py MODEL OUT --over NAME`.

For each setting a trained generator makes a micrograph, which is cut into matrix and precipitates;
`fit_microstructure` learns a random field of it; a volume is generated; and its effective property
is solved. OUT gets `property.md` (a line for each volume), `property.csv` and `property.png`. The
condition `--over` is drawn along the axis, any other as a colour. `--real SET` does the same with
the real micrographs of the same settings.
"""

import argparse
import csv
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

import poroscale as ps
from poroscale.benchmarks.table import markdown_table
from poroscale.cli.talk import script
from poroscale.compare.micrographs.particles import bright_pixels
from poroscale.micrographs.conditions import conditions_in_words
from poroscale.micrographs.dataset import MicrographSet
from poroscale.report.style import BLUE, GREEN, VERMILION, house_style, new_figure, png_of

COLOURS = (VERMILION, BLUE, GREEN)
COLUMNS = ("images", "setting", "over", "area", "fraction", "effective")


def segmented(images: np.ndarray, path: Path) -> float:
    """Write one picture, 255 where an image is bright, of all images side by side; its area."""
    cut = np.concatenate([bright_pixels(image) for image in images], axis=1)
    if not cut.any():
        raise ValueError(
            f"{path} must show precipitates, got none that stand out; make more or larger images, "
            "or train the generator longer"
        )
    tifffile.imwrite(path, cut.astype(np.uint8) * 255)
    return float(cut.mean())


def property_of(picture: Path, out: Path, given: argparse.Namespace) -> dict[str, float]:
    """Share of the precipitates in a volume of the picture's microstructure, and its property."""
    ps.fit_microstructure([picture], out / "field", method="field")
    shape = (given.edge,) * 3
    volume = ps.generate_microstructure(
        out / "field", out / "volume.zarr", shape=shape, seed=given.seed, periodic=True
    )
    found = ps.transport(
        volume, out / "transport", property=given.property, axis="z", sides="periodic",
        phases=dict(enumerate(given.values)),
    )  # fmt: skip
    effective = found.axes[0].numbers["effective"]
    return {"fraction": float(np.mean(volume.read() == 1)), "effective": effective}


def pictures_by_setting(
    images: MicrographSet, wished: dict[str, list[str]], over: str
) -> dict[tuple[str, float], np.ndarray]:
    """Images by setting in words and by the value along the axis; the smallest size of all."""
    columns = images.conditions
    others = {name: values for name, values in wished.items() if name != over}
    whole = images.images.read()
    found = {}
    for value, *rest in product(wished[over], *others.values()):
        chosen = np.isclose(columns[over].astype(float), float(value), rtol=1e-3)
        for name, each in zip(others, rest, strict=True):
            chosen &= np.array([str(one) == each for one in columns[name]])
        if chosen.any():
            found[", ".join(rest) or over, float(value)] = whole[np.flatnonzero(chosen)]
    return found


def records_of(
    name: str, images: MicrographSet, wished: dict[str, list[str]], given: argparse.Namespace
) -> list[dict[str, Any]]:
    records = []
    for (setting, value), shown in pictures_by_setting(images, wished, given.over).items():
        out = given.out / f"{name}_{setting}_{value:g}".replace(" ", "_")
        out.mkdir(parents=True, exist_ok=True)
        area = segmented(shown, out / "segmented.tif")
        about = {"images": name, "setting": setting, "over": value, "area": area}
        records.append(about | property_of(out / "segmented.tif", out, given))
        print(*(f"{k}={v}" for k, v in records[-1].items()), flush=True)
    return records


def picture_of(records: list[dict[str, Any]], given: argparse.Namespace) -> bytes:
    settings = list(dict.fromkeys(each["setting"] for each in records))
    with house_style():
        figure = new_figure(6.4, 2.9)
        panels = figure.subplots(1, 2)
        for axes, key, words in (
            (panels[0], "fraction", "Precipitates in the volume"),
            (panels[1], "effective", f"Effective {given.property}"),
        ):
            for (k, setting), name in product(
                enumerate(settings), dict.fromkeys(each["images"] for each in records)
            ):
                own = [e for e in records if (e["setting"], e["images"]) == (setting, name)]
                style = "o-" if name == "generated" else "x:"
                axes.plot(
                    [e["over"] for e in own], [e[key] for e in own], style, markersize=4,
                    color=COLOURS[k % len(COLOURS)], label=f"{setting}, {name}",
                )  # fmt: skip
            axes.set_xlabel(given.over.replace("_", " ").capitalize())
            axes.set_ylabel(words)
        panels[0].set_ylim(bottom=0)
        handles = panels[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper center", ncols=4)
        return png_of(figure)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--condition", action="append", required=True, metavar="NAME=VALUE")
    parser.add_argument("--over", required=True, help="condition along the axis: a scalar")
    parser.add_argument("--real", type=Path, help="set of real micrographs")
    parser.add_argument("--count", type=int, default=2, help="micrographs of each setting")
    parser.add_argument("--size", type=int, nargs=2, default=(512, 512), metavar=("H", "W"))
    parser.add_argument("--edge", type=int, default=96, help="edge of the volumes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--property", choices=("conductivity", "diffusivity"), default="conductivity"
    )
    parser.add_argument("--values", type=float, nargs=2, default=(130.0, 5.0),
                        help="coefficient of matrix and precipitates")  # fmt: skip
    given = parser.parse_args(words)
    wished = conditions_in_words(",".join(given.condition))
    if given.over not in wished:
        raise ValueError(f"`--over` must be one of {', '.join(wished)}, got {given.over!r}")
    made = ps.generate_sem(
        given.model, given.out / "made", condition=wished, count=given.count, size=given.size,
        seed=given.seed,
    )  # fmt: skip
    records = records_of("generated", made, wished, given)
    if given.real is not None:
        records += records_of("real", MicrographSet.open(given.real), wished, given)
    with (given.out / "property.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(records)
    lines = [
        [*(str(each[k]) for k in COLUMNS[:2]), *(f"{each[k]:.4g}" for k in COLUMNS[2:])]
        for each in records
    ]
    head = ("images", "setting", given.over, "area", "fraction in the volume", given.property)
    text = markdown_table(head, lines) + "\n"
    (given.out / "property.md").write_text(text)
    (given.out / "property.png").write_bytes(picture_of(records, given))
    print(text)


if __name__ == "__main__":
    with script("sem_to_property"):
        main()
