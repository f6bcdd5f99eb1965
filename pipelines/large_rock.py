"""A large volume from one slice: `python pipelines/large_rock.py OUT ORIGINAL`.

The middle slice of ORIGINAL (a segmented TIFF volume) is fitted; `--model FOLDER` takes a model
that was fitted before. A cube of `--edge` voxels is made whole. Of a cube of twice the edge, the
plan is printed and one layer of tiles is made, whose voxels within the first cube must be the same.
The first cube is compared with samples of the original; with `--pore 0` also the diffusivity of
each phase and the permeability of the pores.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import tifffile

import poroscale as ps
from poroscale.cli.talk import script
from poroscale.compare.microstructure.config import STANDARD


def timed(words: str, call, *args, **settings):
    start = time.perf_counter()
    found = call(*args, **settings)
    print(f"{words}: {time.perf_counter() - start:.0f} s", flush=True)
    return found


def same_where_both_are(slab: ps.Volume, cube: ps.Volume, first: int) -> bool:
    """Whether a layer of the larger cube holds the voxels of the smaller one."""
    plane = (1, *cube.shape[1:])
    return all(
        np.array_equal(slab.read((z, 0, 0), plane), cube.read((first + z, 0, 0), plane))
        for z in range(slab.shape[0])
    )


def fitted(given: argparse.Namespace) -> Path:
    """Folder of the model of the middle slice."""
    original = tifffile.imread(given.original)
    slice_ = given.out / "slice.tif"
    tifffile.imwrite(slice_, original[len(original) // 2])
    folder = given.out / "model"
    timed("fit", ps.fit_microstructure, [slice_], folder, method=given.method)
    return folder


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("original", type=Path)
    parser.add_argument("--method", default="field")
    parser.add_argument("--model", type=Path, help="folder of a model that was fitted before")
    parser.add_argument("--pore", type=int, help="phase through which a fluid flows")
    parser.add_argument("--edge", type=int, default=1024)
    parser.add_argument("--sample", type=int, default=128, help="edge of the samples compared")
    parser.add_argument("--samples", type=int, default=27)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    given.out.mkdir(parents=True, exist_ok=True)
    folder = given.model or fitted(given)
    model = ps.MicrostructureModel.open(folder)
    print(model)
    made = {"model": folder, "seed": given.seed}
    cube = timed(
        f"{given.edge}³", ps.generate_microstructure, out=given.out / "cube.zarr",
        shape=(given.edge,) * 3, **made,
    )  # fmt: skip
    double, thick = 2 * given.edge, model.settings.tile[0]
    first = given.edge // 2 // thick * thick
    print(ps.plan(ps.generate_microstructure, out=given.out / "double.zarr",
                  shape=(double,) * 3, **made))  # fmt: skip
    slab = timed(
        f"{thick} layers of {double}²", ps.generate_microstructure, out=given.out / "slab.zarr",
        shape=(thick, double, double), origin=(first, 0, 0), **made,
    )  # fmt: skip
    if not same_where_both_are(slab, cube, first):
        raise SystemExit("large_rock: the layer differs from the smaller cube")
    print("the layer holds the voxels of the smaller cube", flush=True)

    which, flow = list(STANDARD), {}
    if given.pore is not None:
        which, flow = [*which, "diffusivity", "permeability"], {"pore": given.pore}
    found = timed(
        "comparison", ps.compare_microstructure, given.original, [cube], given.out / "comparison",
        samples=given.samples, edge=given.sample, which=which, **flow,
    )  # fmt: skip
    print(found)


if __name__ == "__main__":
    with script("large_rock"):
        main()
