"""Topology of a pore space and of its slices: `python examples/topology.py OUT [EDGE [CHIPS]]`.

Components, handles and cavities of a volume of EDGE³ voxels by the distance to the pores' surface,
and persistence images of CHIPS images of 128² pixels.
"""

import sys
from pathlib import Path
from time import process_time

import numpy as np
from scipy.ndimage import gaussian_filter

import poroscale as ps
from poroscale.kernels.topology.persistence_images import ImageGrid
from poroscale.statistics.topology.chips import PrincipalComponents, persistence_images


def main(out: Path, edge: int = 128, chips: int = 100) -> None:
    rng = np.random.default_rng(1)
    smooth = gaussian_filter(rng.standard_normal((edge,) * 3, dtype=np.float32), 4)
    pores = (smooth < np.quantile(smooth, 0.3)).astype(np.uint8)
    volume = ps.ingest(pores, out / "pores.zarr", voxel_size=2.0)
    start = process_time()
    found = ps.topology(volume, out / "topology", phase=1, cap_um=32)
    print(f"{edge}³ voxels: {process_time() - start:.1f} s of CPU time")
    print(f"pores {found.at(0)}, deeper than 8 um {found.at(-8)}")

    waves = gaussian_filter(rng.standard_normal((50, 128, 128)), (0, 2, 2))
    grid, waves = ImageGrid.of_values(0, 255), waves - waves.min()
    images = (255 * waves / waves.max()).astype(np.uint8)
    persistence_images(images[:1], grid)  # compiles
    start = process_time()
    pictures = persistence_images(images[np.arange(chips) % 50], grid)
    print(f"{chips} persistence images: {process_time() - start:.1f} s of CPU time")
    print("shares of the variance", PrincipalComponents.of(pictures[:50]).share[:3].round(2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
