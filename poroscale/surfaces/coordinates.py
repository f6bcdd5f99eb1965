"""Coordinates of points relative to the rough surface of a part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.maps.local_roughness import NEAR_UM, local_roughness, patch_voxels
from poroscale.surfaces.frame import Axes
from poroscale.surfaces.measure import SurfaceMap

Floats = NDArray[np.float64]


def surface_coordinates(surface: SurfaceMap, points: Floats) -> dict[str, Floats]:
    """Coordinates of points in the frame of a part.

    Parameters
    ----------
    surface
        The unrolled surface.
    points
        (n, 3) positions (z, y, x) from the scan's corner [um].

    Returns
    -------
    dict
        `z_um` along the axis, `y_um` and `x_um` across it, `theta_rad` in [0, 2π), `r_star` (the
        distance from the axis over the radius of the surface there; for a box 1 - depth over half
        the edge), `depth_um` below the surface along the radius or the face's normal, and
        `local_roughness_um`: the standard deviation of the height over 150 um x 150 um of the
        nearest surface, NaN for points deeper than 40 um (Appendix A). Each (n,).
    """
    axes = Axes.of(surface.radius.attributes)
    z, y, x = axes.unroll(points)
    theta = np.arctan2(y, x) % (2 * np.pi)
    if surface.roughness["part"] == "cylinder":
        r_star, depth, rough = _around(surface, z, theta, np.hypot(y, x))
    else:
        r_star, depth, rough = _on_faces(surface, z, y, x)
    rough = np.where(depth < NEAR_UM, rough, np.nan)
    return {
        "z_um": z,
        "y_um": y,
        "x_um": x,
        "theta_rad": theta,
        "r_star": r_star,
        "depth_um": depth,
        "local_roughness_um": rough,
    }


def _rows(surface: SurfaceMap, z: Floats, count: int) -> NDArray[np.int64]:
    row = np.floor(z / surface.roughness["voxel_um"]).astype(np.int64)
    return np.clip(row - surface.roughness["rows"][0], 0, count - 1)


def _around(
    surface: SurfaceMap, z: Floats, theta: Floats, rho: Floats
) -> tuple[Floats, Floats, Floats]:
    radius = surface.arrays()[0][0]
    columns = radius.shape[1]
    row = _rows(surface, z, len(radius))
    at = theta / (2 * np.pi) * columns - 0.5
    low = np.floor(at).astype(np.int64)
    share = at - low
    here = (1 - share) * radius[row, low % columns] + share * radius[row, (low + 1) % columns]
    rough = local_roughness(radius, patch_voxels(surface.roughness["voxel_um"]), periodic=True)
    return rho / here, here - rho, rough[row, np.round(at).astype(np.int64) % columns].astype(float)


def _on_faces(
    surface: SurfaceMap, z: Floats, y: Floats, x: Floats
) -> tuple[Floats, Floats, Floats]:
    walls, voxel = surface.arrays()[0], surface.roughness["voxel_um"]
    columns = walls.shape[2]
    row = _rows(surface, z, walls.shape[1])

    def column(along: Floats) -> NDArray[np.int64]:
        return np.clip(np.floor(along / voxel + columns / 2).astype(np.int64), 0, columns - 1)

    places = (column(y), column(x), column(y), column(x))
    outward = (x, y, -x, -y)
    depths = np.stack(
        [
            walls[k, row, place] - out
            for k, (place, out) in enumerate(zip(places, outward, strict=True))
        ]
    )
    face = depths.argmin(axis=0)
    patch = patch_voxels(voxel)
    rough = np.stack([local_roughness(wall, patch, periodic=False) for wall in walls])
    place = np.stack(places)[face, np.arange(len(z))]
    depth = depths.min(axis=0)
    half = min(surface.roughness["half_um"])
    return 1 - depth / half, depth, rough[face, row, place].astype(float)


def texture_maps(surface: SurfaceMap) -> list[NDArray[np.float64]]:
    """The maps of a surface as `fit_roughness` takes them: heights [um], flagged cells filled."""
    radius, _ = surface.arrays()
    if surface.roughness["part"] == "cylinder":
        return [radius[0].astype(np.float64)]
    return [wall.astype(np.float64) for wall in radius]
