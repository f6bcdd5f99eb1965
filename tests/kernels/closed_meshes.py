"""Small closed meshes, vertices (z, y, x) and faces that face outwards."""

import numpy as np

BOX = (6.0, 8.0, 10.0)
"""Half edges of the box."""


def of(mesh):
    """A mesh of trimesh; (x, y, z) read backwards turns the faces."""
    return (
        np.ascontiguousarray(mesh.vertices[:, ::-1], np.float64),
        np.ascontiguousarray(mesh.faces[:, ::-1], np.int64),
    )


def box():
    from trimesh.creation import box as make

    return of(make(2 * np.array(BOX[::-1])))


def ball(radius, subdivisions):
    from trimesh.creation import icosphere

    return of(icosphere(subdivisions=subdivisions, radius=radius))


def torus(large, small):
    """Around the z axis."""
    from trimesh.creation import torus as make

    return of(make(large, small, major_sections=96, minor_sections=48))


def flipped(vertices, faces):
    return vertices, np.ascontiguousarray(faces[:, ::-1])
