"""Measured parts for the comparison: small phantoms, with a made-up surface."""

import json
from pathlib import Path

import numpy as np

from poroscale.compare import Sample
from poroscale.engine import Run, fill_blocks, volume_from_array
from poroscale.phantoms import PhantomConfig
from poroscale.phantoms.part import PartPhases
from poroscale.pore_analysis import measure_pores
from poroscale.volume import VolumeSpec

QUIET = Run(progress=False, workers=1)
SHAPE = (128, 64, 64)
VOXEL = 5.0


def make_part(folder: Path, *, seed: int, shape=SHAPE, voxel=VOXEL, surface=True, **changes):
    """A measured phantom."""
    changes = {"porosity": 0.04, "pore_diameter": 22.0, "roughness": 4.0, **changes}
    config = PhantomConfig(shape=shape, voxel_size=voxel, seed=seed, **changes)
    spec = VolumeSpec(shape, np.dtype(np.uint8), (voxel,) * 3, attributes={"kind": "phases"})
    phases = fill_blocks(
        PartPhases(config), folder / f"part{seed}.zarr", spec=spec, recipe={}, run=QUIET
    )
    table = measure_pores(phases, folder / f"pores{seed}", run=QUIET)
    unrolled = make_surface(folder / f"surface{seed}", seed=seed) if surface else None
    return Sample(phases, table, unrolled)


def make_surface(folder: Path, *, seed: int, sigma: float = 6.0) -> Path:
    """A folder as `measure_surface` writes it, of smoothed noise."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    heights = gaussian_filter(rng.normal(size=(SHAPE[0], 172)), 2.0, mode="wrap")
    radius = (137.0 + sigma * heights / heights.std()).astype(np.float32)[:, None]
    middle = 0.5 * SHAPE[1] * VOXEL
    about = {
        "kind": "radius_map",
        "part": "cylinder",
        "axis": {"point_um": [0.0, middle, middle], "direction": [1.0, 0.0, 0.0]},
    }
    spec = VolumeSpec(radius.shape, radius.dtype, (VOXEL, 1.0, VOXEL), attributes=about)
    folder.mkdir(parents=True)
    volume_from_array(radius, folder / "radius.zarr", spec=spec, run=QUIET)
    faces = [{"Sa": 0.8 * sigma, "Sq": sigma, "Ssk": 0.1 * seed, "Sal": None}]
    said = {**about, "rows": [0, SHAPE[0]], "faces": faces}
    (folder / "roughness.json").write_text(json.dumps(said))
    return folder
