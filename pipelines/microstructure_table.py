"""How close generated microstructures are: `python pipelines/microstructure_table.py OUT FILE ...`.

A material is `IMAGE`, or `IMAGE=ORIGINAL`: each method is fitted to the image, and the volumes of
several seeds are compared with the original (by default the image): with the diffusivity of each
phase, and with the permeability of the phase `--pore`. Tables are printed, and written to
`OUT/fidelity.md`. `--models FOLDER` takes models that were fitted before, FOLDER/IMAGE/METHOD.
"""

import argparse
from pathlib import Path

import numpy as np

import poroscale as ps
from poroscale.benchmarks.table import markdown_table
from poroscale.cli.talk import script
from poroscale.compare.microstructure.config import STANDARD

SHOWN = (
    "fraction", "s2", "lineal_path", "chord_density", "mean_chord_um", "surface_crofton_per_um",
    "c2", "percolating_fraction", "betti_0", "betti_1", "betti_2", "diffusivity",
    "permeability_um2",
)  # fmt: skip
"""Measures of the comparison that a table shows."""
SIGNS = {"within": "", "beyond": ", **beyond**", "cannot tell": ", cannot tell"}


def pair(value: float, spread: float | None) -> str:
    return f"{value:.3g}" if spread is None else f"{value:.3g} ± {spread:.2g}"


def cells_of(row: dict, found: ps.MicrostructureComparison) -> list[str]:
    """Reference, generated, and ratio; of a curve the spread, the difference, and the ratio."""
    if row["verdict"] == "no reference":
        return ["–", pair(row["generated"], row["generated_sd"]), "no reference"]
    ratio = ("–" if row["ratio"] is None else f"{row['ratio']:.2g}") + SIGNS[row["verdict"]]
    if row["measure"] == "fraction":
        sd = found.numbers["generated"]["fraction_sd"]
        made = pair(row["generated"], sd and sd[row["phase"]])
        return [pair(row["reference"], row["uncertainty"]), made, ratio]
    if row["reference"] is None or row["generated"] is None:
        return [f"± {row['spread'] or 0:.2g}", f"Δ {row['difference'] or 0:.2g}", ratio]
    sides = [pair(row[side], row[f"{side}_sd"]) for side in ("reference", "generated")]
    return [*sides, ratio]


def lines_of(found: ps.MicrostructureComparison, method: str, pore: int | None) -> list[list[str]]:
    """Lines of the table; the permeability stands with the phase that is pore."""
    phases = len(found.numbers["reference"]["greys"])
    lines: dict[tuple, list[str]] = {}
    for row in found.numbers["measures"]:
        alone = row["verdict"] == "no reference"
        if row["measure"] in SHOWN and not (alone and row["measure"] == "fraction"):
            words = row["words"] + f" ({row['unit']})" * bool(row["unit"]) + " in 3D" * alone
            empty = [words, method, *["–"] * (3 * phases)]
            line = lines.setdefault((row["dimensions"], row["measure"]), empty)
            place = 2 + 3 * (pore if row["phase"] is None else row["phase"])
            line[place : place + 3] = cells_of(row, found)
    return list(lines.values())


def compared(
    original: str, made: list[ps.Volume], out: Path, given: argparse.Namespace
) -> ps.MicrostructureComparison:
    which, flow = [*STANDARD, "diffusivity"], {}
    if given.pore is not None:
        which, flow = [*which, "permeability"], {"pore": given.pore}
    return ps.compare_microstructure(
        original, made, out, sections=given.sections, which=which, **flow
    )


def volumes_of(
    model: Path, out: Path, name: str, count: int, given: argparse.Namespace, **wishes
) -> list[ps.Volume]:
    place = lambda seed: out / f"{name}_{seed}.zarr"  # noqa: E731
    settings = {"shape": (given.edge,) * 3, **wishes}
    return [
        ps.generate_microstructure(model, place(seed), seed=seed, **settings)
        for seed in range(count)
    ]


def fitted(image: str, method: str, out: Path, given: argparse.Namespace) -> tuple[Path, int]:
    """Folder of the model of an image, and its number of phases."""
    if given.models is not None:
        folder = given.models / Path(image).stem / method
        return folder, ps.MicrostructureModel.open(folder).phases
    return out / method, ps.fit_microstructure([image], out / method, method=method).phases


def tables_of(image: str, original: str, out: Path, given: argparse.Namespace) -> str:
    lines, met, few = [], [], given.wanted_count or given.count
    for method in given.methods:
        model, phases = fitted(image, method, out, given)
        made = volumes_of(model, out, f"{method}_own", given.count, given)
        found = compared(original, made, out / f"{method}_compared", given)
        lines += lines_of(found, method, given.pore)
        for share in given.fractions:
            wish, name = {given.phase: share}, f"{method}_{share}"
            try:
                made = volumes_of(model, out, name, few, given, fraction=wish)
            except ValueError as error:
                print(f"{name}: {error}", flush=True)
                met.append([method, f"{share:g}", "out of reach"])
                continue
            shares = [np.mean(volume.read() == given.phase) for volume in made]
            met.append([method, f"{share:g}", pair(np.mean(shares), np.std(shares, ddof=1))])
    words = ("reference", "generated", "ratio")
    names = [f"phase {k}: {word}" for k in range(phases) for word in words]
    samples = found.numbers["samples"]
    size = " x ".join(map(str, samples["shape"]))
    text = f"### {Path(image).stem}\n\n{samples['reference']} samples of the reference "
    text += f"{Path(original).name} and {samples['generated']} of {given.count} volumes of "
    text += f"{given.edge}³, each {size} voxels.\n\n"
    text += markdown_table(("measure", "method", *names), lines) + "\n"
    wanted = ("method", f"wanted fraction of phase {given.phase}", "found")
    return text + ("\n" + markdown_table(wanted, met) + "\n" if met else "")


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("materials", nargs="+", metavar="IMAGE[=ORIGINAL]")
    parser.add_argument("--methods", nargs="+", default=["field"])
    parser.add_argument("--models", type=Path, help="folder of models that were fitted before")
    parser.add_argument("--edge", type=int, default=128)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--pore", type=int, help="phase through which a fluid flows")
    parser.add_argument("--sections", type=int, default=4)
    parser.add_argument("--fractions", nargs="*", type=float, default=[0.1, 0.15, 0.2, 0.25, 0.3])
    parser.add_argument("--wanted-count", type=int, help="volumes of each wanted fraction")
    parser.add_argument("--phase", type=int, default=0, help="phase of the wanted fractions")
    given = parser.parse_args(words)
    texts = []
    for each in given.materials:
        image, _, original = each.partition("=")
        texts.append(tables_of(image, original or image, given.out / Path(image).stem, given))
        print(texts[-1], flush=True)
    (given.out / "fidelity.md").write_text("\n".join(texts))


if __name__ == "__main__":
    with script("microstructure_table"):
        main()
