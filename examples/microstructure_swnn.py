"""From one segmented image to a volume with its statistics: a network of SWNN.

`python examples/microstructure_swnn.py OUT [EDGE [IMAGE]]` trains for a few minutes, a third of the
steps of the recipe. By default the image is `spheres.png` beside this file.
"""

import sys
from pathlib import Path

import poroscale as ps

SPHERES = Path(__file__).with_name("spheres.png")


def main(
    out: Path, edge: int = 128, image: str | Path = SPHERES, iterations: int = 200
) -> ps.MicrostructureComparison:
    model = ps.fit_microstructure(
        [image], out / "model", method="swnn", iterations=iterations, depth=8, voxel_um=2.0
    )
    print(model)
    volume = ps.generate_microstructure(out / "model", out / "volume.zarr", shape=(edge,) * 3)
    ps.stats(volume, out / "statistics")
    print(out / "statistics" / "statistics.html")
    graded = {"shape": (edge, edge // 2, edge // 2), "gradient": "1:z:0.3:0.5"}
    ps.generate_microstructure(out / "model", out / "graded.zarr", **graded)
    found = ps.compare_microstructure(image, [volume], out / "comparison")
    print(found)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]), *sys.argv[3:4])
