"""Parts to fill: a rough cylinder or box from a model's roughness, or a mesh."""

from __future__ import annotations

from poroscale.parts.geometry import Cylinder, Geometry, RoughBox, columns_of
from poroscale.surfaces.roughness import Roughness
from poroscale.volume import Shape


def rough_part(
    part: str,
    shape: Shape,
    voxel_um: float,
    *,
    half_um: tuple[float, float],
    roughness: Roughness,
    seed: int,
) -> Geometry:
    """An upright part with a generated surface.

    Parameters
    ----------
    part
        "cylinder" or "box".
    shape
        Voxels (z, y, x) of the volume.
    voxel_um
        Edge of a voxel.
    half_um
        Half edges (y, x); the radius twice for a cylinder.
    roughness
        Roughness of its surface.
    seed
        Another surface for another number.
    """
    if part == "cylinder":
        period = columns_of(half_um[0], voxel_um)
        return Cylinder(shape, voxel_um, half_um[0], roughness.sampler(seed=seed, period=period))
    faces = [
        roughness.sampler(seed=seed, stream=face, period=2 * max(shape[1:])) for face in range(4)
    ]
    return RoughBox(shape, voxel_um, half_um, faces)
