"""What a comparison knows of one part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.manifest import check_file
from poroscale.surface import SurfaceMap
from poroscale.surface.coordinates import surface_coordinates
from poroscale.volume import Volume

METRICS: dict[str, str] = {
    "volume_um3": "Volume (µm³)",
    "equivalent_diameter_um": "Equivalent diameter (µm)",
    "anisotropy": "Anisotropy",
    "sphericity": "Sphericity",
    "elongation": "Elongation",
    "flatness": "Flatness",
    "long_axis_angle_deg": "Orientation of the long axis to z (°)",
    "long_axis_azimuth_deg": "Azimuth of the long axis (°)",
    "short_axis_angle_deg": "Orientation of the short axis to z (°)",
    "surface_area_um2": "Surface area (µm²)",
    "sqrt_area_um": "√ projected area (µm)",
    "neighbour_distance_um": "Nearest neighbour (µm)",
    "neighbour_gap_um": "Gap to the next pore (µm)",
    "surface_distance_um": "Distance to the surface (µm)",
    "ligament_um": "Ligament to the surface (µm)",
    "r_star": "Normalised radius r*",
    "theta_rad": "Angular position θ (rad)",
    "local_roughness_um": "Local roughness δr (µm), pores within 40 µm",
}
"""Measures of a pore that are compared, and what a figure calls them."""
PLACED = ("r_star", "theta_rad", "local_roughness_um")
WHERE = ("centroid_z_um", "centroid_y_um", "centroid_x_um")


@dataclass(frozen=True)
class Sample:
    """One part and what was measured of it.

    Attributes
    ----------
    phases
        0 outside, 1 solid, 2 pore.
    table
        Its pore table.
    surface
        Its unrolled surface; None where it has none.
    """

    phases: Volume
    table: Path
    surface: SurfaceMap | None

    def pores(self) -> dict[str, NDArray[np.float64]]:
        """Measures of every pore that no end of the volume cuts, (n,) each.

        The columns of `METRICS` and `WHERE`; NaN where something is not known.
        """
        import pyarrow.parquet as pq

        stored = [name for name in METRICS if name not in PLACED]
        read = pq.read_table(check_file(self.table), columns=[*stored, *WHERE, "touches_edge"])
        found = {name: read.column(name).to_numpy() for name in read.column_names}
        whole = ~found.pop("touches_edge")
        found = {name: values[whole].astype(np.float64) for name, values in found.items()}
        points = np.stack([found[name] for name in WHERE], axis=1)
        if self.surface is None:
            found |= {name: np.full(len(points), np.nan) for name in PLACED}
        else:
            placed = surface_coordinates(self.surface, points)
            found |= {name: placed[name] for name in PLACED}
        return found


def join_pores(samples: Sequence[Sample], window_um: float) -> dict[str, NDArray[Any]]:
    """The pores of several parts together, with the column `window`: numbers of windows along z."""
    parts, first = [], 0
    for sample in samples:
        pores = sample.pores()
        start = sample.phases.origin[0] * sample.phases.voxel_size[0]
        count = max(1, int(sample.phases.shape[0] * sample.phases.voxel_size[0] // window_um))
        number = ((pores["centroid_z_um"] - start) // window_um).astype(np.int64)
        pores["window"] = first + np.minimum(number, count - 1)
        first += count
        parts.append(pores)
    joined: dict[str, NDArray[Any]] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    joined["windows"] = np.array([first])
    return joined
