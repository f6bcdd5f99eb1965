"""A crowd of ellipsoids with no model behind it: candidates drawn evenly, slab by slab."""

from dataclasses import dataclass

import numpy as np

from poroscale.kernels.noise import tile_generator
from poroscale.kernels.parts.packing import SLAB, Candidates, priorities
from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.parts.geometry import Geometry
from poroscale.parts.placing.fitting_in import fits_in_part


def ellipsoids(count=40, seed=0, smallest=1.5, largest=6.0):
    """Shapes of ellipsoids of some tens to some hundreds of voxels."""
    rng = np.random.default_rng(seed)
    z, y, x = np.ogrid[-12:13, -12:13, -12:13]
    axes = rng.uniform(smallest, largest, (count, 3))
    return Shapes.of([(z / a) ** 2 + (y / b) ** 2 + (x / c) ** 2 <= 1 for a, b, c in axes])


@dataclass(frozen=True)
class Crowd:
    """Closed candidates, `rate` of them a slab, corners even over a section."""

    shapes: Shapes
    geometry: Geometry
    rate: int
    seed: int = 0

    @property
    def reach(self):
        return int(self.shapes.extents.max())

    def __call__(self, slab):
        generator = tile_generator(self.seed, 299, (slab, 0, 0))
        low = (slab * SLAB, 0, 0)
        high = (slab * SLAB + SLAB, *self.geometry.shape[1:])
        corner = generator.integers(low, high, (self.rate, 3)).astype(np.int32)
        rows = generator.integers(0, self.shapes.size, self.rate).astype(np.int32)
        keys = generator.integers(0, 1 << 64, self.rate, np.uint64)
        ranks = priorities(self.shapes.extents[rows], keys)
        closed = np.zeros(self.rate, bool)
        drawn = Candidates(corner, rows, rows, closed, ranks)
        kept = fits_in_part(self.shapes, rows, corner, opened=closed, geometry=self.geometry)
        return drawn.select(kept)
