"""From one segmented image to a volume with its statistics: a generator of SliceGAN.

`python examples/microstructure_slicegan.py OUT [EDGE [IMAGE]]` trains the small networks for a few
minutes. By default the image is `spheres.png` beside this file.
"""

import sys
from pathlib import Path

import poroscale as ps

SPHERES = Path(__file__).with_name("spheres.png")


def main(
    out: Path, edge: int = 128, image: str | Path = SPHERES, epochs: int = 12
) -> ps.MicrostructureComparison:
    model = ps.fit_microstructure(
        [image], out / "model", method="slicegan", epochs=epochs, voxel_um=2.0
    )
    print(model)
    volume = ps.generate_microstructure(out / "model", out / "volume.zarr", shape=(edge,) * 3)
    ps.stats(volume, out / "statistics")
    print(out / "statistics" / "statistics.html")
    wished = {"shape": (edge, edge, edge // 2), "fraction": "1=0.3"}
    ps.generate_microstructure(out / "model", out / "wished.zarr", **wished)
    found = ps.compare_microstructure(image, [volume], out / "comparison")
    print(found)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]), *sys.argv[3:4])
