"""A part with pores and the table that describes them, made of nothing but numpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet


@dataclass(frozen=True)
class ArrayVolume:
    """What the report needs of a Volume, around an array in memory."""

    data: NDArray[Any]
    voxel_size: tuple[float, float, float] = (10.0, 10.0, 10.0)
    origin: tuple[int, int, int] = (0, 0, 0)
    attributes: dict[str, Any] = field(default_factory=dict)
    path: Path = Path("array.zarr")
    digest: str | None = None
    reads: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def shape(self):
        return self.data.shape

    @property
    def dtype(self):
        return self.data.dtype

    def read(self, origin, shape):
        self.reads.append(tuple(shape))
        box = tuple(slice(o, o + n) for o, n in zip(origin, shape, strict=True))
        assert all(s.stop <= n for s, n in zip(box, self.data.shape, strict=True))
        return self.data[box]


def part(shape=(60, 80, 90), *, pores: int = 40, seed: int = 1):
    """Phases (0, 1, 2) of a vertical cylinder with spherical pores that do not touch."""
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(shape)
    centre_y, centre_x = shape[1] / 2, shape[2] / 2
    radius = 0.45 * min(shape[1:])
    phases = (np.hypot(y + 0.5 - centre_y, x + 0.5 - centre_x) < radius).astype(np.uint8)
    phases[[0, -1]] = 0
    for _ in range(pores):
        r = rng.uniform(1.3, 4.0)
        at = rng.uniform(6, np.asarray(shape) - 6)
        near = (z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2
        if (phases[near <= (r + 2) ** 2] == 1).all():
            phases[near <= r**2] = 2
    return phases


def scan_of(phases, *, seed: int = 2):
    """A noisy 16-bit scan of `phases`."""
    grey = np.choose(phases, [8000, 40000, 12000]).astype(float)
    noise = np.random.default_rng(seed).normal(0, 2500, phases.shape)
    return np.clip(grey + noise, 0, 65535).astype(np.uint16)


def segmentation(**changes: Any) -> dict[str, Any]:
    """What a segmentation writes into the attributes of its phases."""
    levels = np.linspace(0, 65535, 256)
    rows = [
        {"shift": s, "threshold": 26000 * (1 + s), "porosity": 0.01 * (1 + 2 * s), "pore_count": n}
        for s, n in ((-0.05, 36), (-0.02, 39), (0.0, 40), (0.02, 42), (0.05, 47))
    ]
    return {
        "method": "otsu",
        "outer_threshold": 24000.0,
        "inner_threshold": 26000.0,
        "inner_rule": "otsu",
        "contrast": 32000.0,
        "hysteresis": 0.0,
        "min_extent": 1,
        "smoothing": {"gaussian_um": 8.0, "median_voxels": 0},
        "min_voxels": 9,
        "connectivity": 6,
        "close_um": 0.0,
        "warnings": [],
        "porosity": 0.01,
        "histogram": {
            "levels": levels.tolist(),
            "counts_outside": np.round(1e6 * np.exp(-(((levels - 8000) / 2500) ** 2) / 2)).tolist(),
            "counts_inside": np.round(3e6 * np.exp(-(((levels - 40000) / 2500) ** 2) / 2)).tolist(),
        },
        "sensitivity": rows,
        **changes,
    }


def columns(n: int, *, seed: int = 3, size=(600.0, 800.0, 900.0)) -> dict[str, NDArray[Any]]:
    """A table of `n` random pores with the columns of the pore table and their relations."""
    rng = np.random.default_rng(seed)
    diameter = 12.0 * np.exp(rng.gamma(2.0, 0.45, n))
    volume = np.pi / 6 * diameter**3
    place = {a: rng.uniform(0.05, 0.95, n) * length for a, length in zip("zyx", size, strict=True)}
    valid = diameter > 50.0
    elongation, flatness = rng.beta(6, 2, n), rng.beta(6, 3, n)
    angle = np.degrees(np.arccos(rng.random(n)))
    words = np.array(["gas", "keyhole", "lack_of_fusion", "unclassified"])
    kind = np.where(valid, rng.choice(3, n, p=[0.6, 0.15, 0.25]), 3)
    table: dict[str, NDArray[Any]] = {
        "label": np.arange(1, n + 1),
        "voxel_count": np.maximum(1, np.round(volume / 1000)).astype(np.int64),
        "volume_um3": volume,
        "equivalent_diameter_um": diameter,
        "anisotropy": 1 - np.sqrt(elongation * flatness),
        "elongation": elongation,
        "flatness": flatness,
        "long_axis_angle_deg": angle,
        "long_axis_azimuth_deg": rng.uniform(0, 180, n),
        "sphericity": np.clip(rng.normal(0.85, 0.08, n) - 0.1 * (1 - flatness), 0.2, 1.02),
        "sqrt_area_um": 0.886 * diameter,
        "neighbour_distance_um": rng.gamma(4, 20, n),
        "surface_distance_um": rng.gamma(1.5, 60, n),
        "ligament_um": rng.gamma(1.5, 40, n),
        "touches_edge": rng.random(n) < 0.02,
        "open": rng.random(n) < 0.05,
        "shape_valid": valid,
        "class": words[kind] if n else np.empty(0, "U12"),
    }
    for axis, length in zip("zyx", size, strict=True):
        centre, half = place[axis], np.minimum(diameter, length / 8) / 2
        table[f"centroid_{axis}_um"] = centre
        table[f"{axis}0"] = np.clip((centre - half) // 10, 0, length // 10 - 1).astype(np.int64)
        table[f"{axis}1"] = np.clip((centre + half) // 10 + 1, 1, length // 10).astype(np.int64)
    return table


def write_table(path: Path, table: dict[str, NDArray[Any]], **metadata: Any) -> Path:
    """`table` as Parquet at `path`; the folder is made."""
    import json

    arrow = pa.table({name: pa.array(values) for name, values in table.items()})
    if metadata:
        arrow = arrow.replace_schema_metadata({"poroscale": json.dumps(metadata)})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow, path)
    return path
