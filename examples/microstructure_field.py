"""From one segmented image to a volume with its statistics: a levelled Gaussian field.

`python examples/microstructure_field.py OUT [EDGE [IMAGE]]`. By default the image is `spheres.png`
beside this file: a section of overlapping spheres of 9 pixels' radius, which cover 40 % of it.
"""

import sys
from pathlib import Path

import poroscale as ps

SPHERES = Path(__file__).with_name("spheres.png")


def main(out: Path, edge: int = 256, image: str | Path = SPHERES) -> None:
    model = ps.fit_microstructure([image], out / "model", voxel_um=2.0)
    print(model)
    volume = ps.generate_microstructure(out / "model", out / "volume.zarr", shape=(edge,) * 3)
    found = ps.stats(volume, out / "statistics")
    for phase in range(model.phases):
        numbers = found.phase(phase)
        print(
            f"phase {phase}: {numbers['fraction']:.3f} for {model.settings.fractions[phase]:.3f}, "
            f"connected {numbers['connected_fraction']:.2f}, "
            f"surface {numbers['surface_crofton_per_um']:.4f} 1/um"
        )
    ps.generate_microstructure(
        out / "model",
        out / "graded.zarr",
        shape=(edge, edge // 2, edge // 2),
        gradient="1:z:0.1:0.6",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]), *sys.argv[3:4])
